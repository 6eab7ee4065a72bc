package credential

import (
	"crypto/x509"
	"strings"
	"testing"

	"ipsec/pluto"
	"ipsec/pluto/keytest"
)

// TestCheck has conns with something wrong with their keys and certificates.
func TestCheck(t *testing.T) {
	good := issue(t, nil, "east", names)
	old := issue(t, nil, "old", func(c *x509.Certificate) { c.NotAfter = noon.AddDate(0, 0, -1) })
	weak := issueFor(t, nil, keytest.RSA(t, 1024), "weak", nil)
	store := New(Parts{CertFile: func(name string) ([]Cert, error) {
		return map[string][]Cert{"good": held(good), "old": held(old), "weak": held(weak)}[name], nil
	}})
	tests := []struct {
		name string
		end  pluto.End
		want string // none: nothing is wrong
	}{
		{"nothing", pluto.End{}, ""},
		{"certificate", pluto.End{Cert: "good"}, ""},
		{"certificate and ID", pluto.End{Cert: "good", ID: parseID(t, "@east.example.com")}, ""},
		{"pattern", pluto.End{Cert: "good", ID: parseID(t, "%any")}, ""},
		{"another ID", pluto.End{Cert: "good", ID: parseID(t, "@west")}, `east.pem: ID "@west" is not in certificate`},
		{"missing", pluto.End{Cert: "none"}, `"none"`},
		{"expired", pluto.End{Cert: "old"}, "old.pem: certificate \"C=CA, O=Example, CN=old\" expired on"},
		{"weak", pluto.End{Cert: "weak"}, "weak.pem: the certificate has an RSA key of only 1024 bits"},
		{"weak raw key", pluto.End{PublicKeys: []string{keytest.Public(t, weak.key.Public())}}, "raw public key: it is an RSA key of only 1024 bits"},
		{"malformed raw key", pluto.End{PublicKeys: []string{"0sAA=="}}, "malformed"},
		{"word", pluto.End{PublicKeys: []string{"%cert"}}, ""},
		{"CA", pluto.End{CA: "CN=Root"}, ""},
		{"malformed CA", pluto.End{CA: "Root"}, "malformed DN"},
	}
	for _, test := range tests {
		for _, authby := range []string{"rsasig", "secret"} {
			for _, conn := range []*pluto.Connection{{Local: test.end}, {Remote: test.end}} {
				conn.AuthBy = keytest.Methods(authby)
				lines := store.Check(conn, noon)
				got := strings.Join(lines, "\n")
				switch {
				case test.want == "" || authby == "secret":
					if got != "" {
						t.Errorf("%s: %s", test.name, got)
					}
				case len(lines) != 1 || !strings.Contains(got, test.want):
					t.Errorf("%s: %s, want %s", test.name, got, test.want)
				}
			}
		}
	}
}
