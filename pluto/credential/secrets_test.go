package credential

import (
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipsec/pluto"
	"ipsec/pluto/keytest"
)

// classic writes a key as rsasigkey does.
func classic(key *rsa.PrivateKey) string {
	return fmt.Sprintf(`RSA {
	Modulus: 0x%x
	PublicExponent: 0x%x
	PrivateExponent: 0x%x
	Prime1: 0x%x
	Prime2: 0x%x
	Exponent1: 0x%x
	Exponent2: 0x%x
	Coefficient: 0x%x
	}
`, key.N, key.E, key.D, key.Primes[0], key.Primes[1], key.Precomputed.Dp, key.Precomputed.Dq, key.Precomputed.Qinv)
}

// TestSecrets has an ipsec.secrets with entries of each kind, and bad ones.
func TestSecrets(t *testing.T) {
	west, east := keytest.RSA(t, 2048), keytest.RSA(t, 2048)
	sealed, old, open := keytest.ECDSA(t, elliptic.P256()), keytest.RSA(t, 1024), keytest.ECDSA(t, elliptic.P256())
	//lint:ignore SA1019 the form that is tested
	legacy, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(old), []byte("open sesame"), x509.PEMCipherAES256)
	if err != nil {
		t.Fatal(err)
	}
	src := folder(t, map[string][]byte{
		"ipsec.secrets": []byte(`@west @east : PSK "swordfish"
@east @west : PSK "sailfish"
@west : ` + classic(west) + `@east : ` + classic(east) + `
: ECDSA sealed.pem "simsim"
: RSA legacy.pem "open sesame"
: RSA missing.pem
: ECDSA wrong.pem "canary"
: PKCS8 asked.pem %prompt
@broken : RSA { Modulus: 0x1234 }
`),
		"ipsec.d/private/sealed.pem": pemOf("ENCRYPTED PRIVATE KEY", encrypted(t, pkcs8(t, sealed), "simsim", 1000)),
		"ipsec.d/private/wrong.pem":  pemOf("ENCRYPTED PRIVATE KEY", encrypted(t, pkcs8(t, sealed), "simsim", 1000)),
		"ipsec.d/private/asked.pem":  pemOf("ENCRYPTED PRIVATE KEY", encrypted(t, pkcs8(t, sealed), "simsim", 1000)),
		"ipsec.d/private/nobody.pem": pemOf("ENCRYPTED PRIVATE KEY", encrypted(t, pkcs8(t, sealed), "simsim", 1000)),
		"ipsec.d/private/legacy.pem": pem.EncodeToMemory(legacy),
		"ipsec.d/private/open.pem":   pemOf("PRIVATE KEY", pkcs8(t, open)),
	})
	store, warnings := src.Load()
	for _, want := range []string{
		"ipsec.secrets:2:1: the entry is for the same parties as that at " + filepath.Join(filepath.Dir(src.Folder), "ipsec.secrets") + ":1",
		"ipsec.secrets:26: failed to read " + filepath.Join(src.Folder, "private/missing.pem") + ": no such file",
		"private/wrong.pem: the passphrase does not fit",
		"ipsec.secrets:28: nobody can be asked",
		"ipsec.secrets:29:", // broken
		"private/nobody.pem: it is encrypted",
		"private/legacy.pem: the private key there is an RSA key of only 1024 bits",
	} {
		if countContaining(warnings, want) != 1 {
			t.Errorf("no warning %q", want)
		}
	}
	text := strings.Join(warnings, "\n")
	if len(warnings) != 7 || strings.Contains(text, "canary") {
		t.Errorf("warnings:\n%s", text)
	}
	if len(store.parts.Keys) != 5 {
		t.Errorf("%d keys", len(store.parts.Keys))
	}
	if out := fmt.Sprintf("%v %+v %#v %s", store.parts.Keys[0], store.parts.Keys, store.parts.Keys, store.parts.Keys[0]); strings.Contains(out, west.D.String()) {
		t.Error("a key prints itself")
	}

	// Whose key it is, ipsec.secrets says, or the conn.
	tests := []struct {
		id     string
		keys   []string
		want   *rsa.PrivateKey
		reason Reason
	}{
		{"@west", nil, west, 0},
		{"@east", nil, east, 0},
		{"@north", nil, nil, NoPrivateKey}, // three for everybody
		{"@north", []string{keytest.Public(t, east.Public())}, east, 0},
		{"@west", []string{keytest.Public(t, east.Public())}, east, 0},
	}
	for _, test := range tests {
		conn := &pluto.Connection{AuthBy: keytest.Methods("rsasig"), Local: pluto.End{PublicKeys: test.keys}}
		key, _, err := store.Own(Case{Conn: conn, OwnID: parseID(t, test.id), Now: noon}, nil)
		check(t, test.id, err, test.reason)
		if err != nil {
			continue
		}
		if !sameKey(key.Public(), test.want.Public()) {
			t.Errorf("%s: another key, of %s", test.id, key.Source)
		}
	}

	asked := Case{Conn: &pluto.Connection{AuthBy: keytest.Methods("secret")}, OwnID: parseID(t, "@west"), PeerID: parseID(t, "@east")}
	secret, place, err := store.Shared(asked)
	check(t, "PSK", err, 0)
	if string(secret) != "swordfish" {
		t.Error("another shared key")
	}
	if want := src.Secrets + ":1 (and at " + src.Secrets + ":2, which fits as well but is not used)"; place != want {
		t.Errorf("PSK at %s, expected %s", place, want)
	}
	asked.PeerID = parseID(t, "@north")
	_, _, err = store.Shared(asked)
	check(t, "PSK", err, NoSecret)
	if got := strings.Join(store.ListPSKs(), "\n"); !strings.Contains(got, "ipsec.secrets:1: PSK @west @east") || strings.Contains(got, "swordfish") {
		t.Errorf("shared keys: %s", got)
	}

	if err := os.Chmod(src.Secrets, 0o644); err != nil {
		t.Fatal(err)
	}
	store, warnings = store.Reread(RereadSecrets)
	if countContaining(warnings, "chmod 600") != 1 {
		t.Errorf("warnings: %v", warnings)
	}
	_, _, err = store.Shared(asked)
	check(t, "PSK that others can read", err, NoSecret)
}

// TestNoSecrets has no ipsec.secrets, which is no matter before somebody needs it.
func TestNoSecrets(t *testing.T) {
	src := folder(t, nil)
	if err := os.Remove(src.Secrets); err != nil {
		t.Fatal(err)
	}
	store, warnings := src.Load()
	if len(warnings) != 0 {
		t.Errorf("warnings: %q", warnings)
	}
	_, _, err := store.Shared(Case{Conn: &pluto.Connection{AuthBy: keytest.Methods("secret")}, OwnID: parseID(t, "@west"), PeerID: parseID(t, "@east")})
	check(t, "PSK", err, NoSecret)
	if err != nil && !strings.Contains(err.Error(), src.Secrets+", which is not there") {
		t.Errorf("PSK: %v", err)
	}
	if _, warnings = store.Reread(RereadSecrets); countContaining(warnings, "there is no "+src.Secrets) != 1 {
		t.Errorf("warnings of a person who asks: %q", warnings)
	}
}
