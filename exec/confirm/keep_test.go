package confirm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipsec/conf"
)

const keyed = `version 2.0
config setup
	pluto=no
conn a
	left=192.0.2.1
	right=192.0.2.2
	auto=manual
	spi=0x200
	esp=3des-md5-96
	espenckey=0x0ddba110_0ddba111_0ddba112_0ddba113_0ddba114_0ddba115
	espauthkey=0x0ddba110_0ddba111_0ddba112_0ddba113
conn b
	left=192.0.2.1
	right=192.0.2.3
	auto=add
`

// TestKeys: what is kept has no keys, and tells whether those of another file are the same.
func TestKeys(t *testing.T) {
	dir := t.TempDir()
	paths := conf.Paths{Confs: dir, Conf: filepath.Join(dir, "ipsec.conf"), Run: dir}
	load := func(old, now string) *conf.Config {
		t.Helper()
		text := strings.Replace(keyed, old, now, 1)
		if err := os.WriteFile(paths.Conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		config, err := conf.Load(paths)
		if err != nil {
			t.Fatal(err)
		}
		return config
	}
	if err := Keep(paths.Kept(), load("", "")); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(paths.Kept())
	if err != nil || strings.Contains(string(kept), "0ddba11") {
		t.Fatalf("%v\n%s", err, kept)
	}
	for _, c := range []struct{ name, old, now, refused string }{
		{"the same", "", "", ""},
		{"another conn", "192.0.2.3", "192.0.2.4", ""},
		{"one conn more", "conn b", "conn c\n\tleft=192.0.2.1\n\tright=192.0.2.9\nconn b", ""},
		{"another key", "0ddba115", "0ddba116", `espenckey of conn "a"`},
		{"another name", "conn a", "conn c", `espauthkey of conn "a"`},
		{"with Pluto", "auto=manual", "auto=add", ""},
	} {
		text, err := withKeys(string(kept), load(c.old, c.now))
		if c.refused != "" {
			if err == nil || !strings.Contains(err.Error(), c.refused) || strings.Contains(err.Error(), "0ddba11") {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil || !strings.Contains(text, "espauthkey=0x0ddba110_0ddba111_0ddba112_0ddba113\n") || strings.Contains(text, redacted) {
			t.Errorf("%s: %v\n%s", c.name, err, text)
		}
	}
	if err := Keep(paths.Kept(), load("", "")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(paths.SetupPID(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(paths.Kept()); err != nil {
		t.Fatal(err)
	}
	if _, err := before(paths, load("", "")); err == nil {
		t.Error("what runs is not kept, and yet there is a way back")
	}
}
