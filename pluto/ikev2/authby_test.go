package ikev2_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"testing"

	"ipsec/pluto"
	"ipsec/pluto/credential"
	"ipsec/pluto/ikev2"
)

// TestAuthBy has States say by what kind of key the peer has proved itself: the digital
// signatures of RFC 7427 have one method number for all.
func TestAuthBy(t *testing.T) {
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for by, key := range map[pluto.AuthMethod]crypto.Signer{pluto.AuthEdDSA: edKey, pluto.AuthECDSA: ecKey, pluto.AuthRSA: rsaKey} {
		t.Run(string(by), func(t *testing.T) {
			der, err := x509.MarshalPKIXPublicKey(key.Public())
			if err != nil {
				t.Fatal(err)
			}
			conn := subnets()
			conn.AuthBy = []pluto.AuthMethod{by}
			for _, end := range []*pluto.End{&conn.Local, &conn.Remote} {
				end.PublicKeys = []string{"0s" + base64.StdEncoding.EncodeToString(der)}
			}
			store := credential.New(credential.Parts{Keys: []credential.PrivateKey{{Signer: key, Source: "test"}}})
			w := newWorldOf(t, ikev2.Config{Credentials: store}, ikev2.Config{Credentials: store}, []*pluto.Connection{conn}, []*pluto.Connection{conn.Reversed()})
			w.up()
			for name, h := range map[string]*host{"west": w.west, "east": w.east} {
				for _, s := range h.States() {
					if s.AuthBy != by {
						t.Errorf("%s: #%d is authenticated by %q, expected %q", name, s.Serial, s.AuthBy, by)
					}
				}
			}
		})
	}
}
