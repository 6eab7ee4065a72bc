// Package rules holds the rules of ipsec.rego against plans of the program. It is a module of its own, so
// that the program needs nothing of OPA.
package rules

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/rego"
)

// ipsec returns the program, built from the tree that the rules are in.
func ipsec(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "ipsec")
	build := exec.Command("go", "build", "-o", program, "./cmd/ipsec")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

func TestRules(t *testing.T) {
	program := ipsec(t)
	const head = "version 2.0\n\nconfig setup\n\tinterfaces=\"ipsec0=wan\"\n\nconn net\n\tleft=192.0.2.1\n\tleftsubnet=10.0.1.0/24\n\trightsubnet=10.0.2.0/24\n\tauto=add\n"
	for _, c := range []struct {
		name, conn string
		deny       []string
	}{
		{"as it should be", "\tright=192.0.2.2\n\tauthby=secret\n", nil},
		{"any peer with a certificate", "\tright=%any\n\tauthby=rsasig\n\tleftcert=west.pem\n", nil},
		{"a weak group", "\tright=192.0.2.2\n\tauthby=secret\n\tike=aes256-sha2_256-modp1024\n", []string{"conn net: weak algorithms"}},
		{"a weak cipher", "\tright=192.0.2.2\n\tauthby=secret\n\tesp=3des-sha1\n", []string{"conn net: weak algorithms"}},
		{"any peer with a secret", "\tright=%any\n\tauthby=secret\n", []string{"conn net: a shared secret for any peer"}},
		{"no PFS", "\tright=192.0.2.2\n\tauthby=secret\n\tpfs=no\n", []string{"conn net: keylife= of more than 8 hours, or pfs=no"}},
		{"a day", "\tright=192.0.2.2\n\tauthby=secret\n\tkeylife=24h\n", []string{"conn net: keylife= of more than 8 hours, or pfs=no"}},
		{"a shunt", "\tright=192.0.2.2\n\ttype=passthrough\n\tauthby=never\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := filepath.Join(t.TempDir(), "ipsec.conf")
			if err := os.WriteFile(conf, []byte(head+c.conn), 0o600); err != nil {
				t.Fatal(err)
			}
			plan, err := exec.Command(program, "setup", "--config", conf, "--facts", "../../demo/west/facts.json", "--showonly", "--format", "json", "start").Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, plan)
			}
			var input any
			if err := json.Unmarshal(plan, &input); err != nil {
				t.Fatal(err)
			}
			results, err := rego.New(rego.Query("data.ipsec.deny"), rego.Load([]string{"ipsec.rego"}, nil), rego.Input(input)).Eval(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var deny []string
			for _, message := range results[0].Expressions[0].Value.([]any) {
				deny = append(deny, message.(string))
			}
			if slices.Sort(deny); !slices.Equal(deny, c.deny) {
				t.Errorf("denied: %s\nexpected: %s", strings.Join(deny, "; "), strings.Join(c.deny, "; "))
			}
		})
	}
}
