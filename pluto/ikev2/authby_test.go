package ikev2_test

import (
	"crypto"
	"crypto/elliptic"
	"testing"

	"ipsec/pluto"
	"ipsec/pluto/credential"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/keytest"
)

// TestAuthBy has States say by what kind of key the peer has proved itself: the digital
// signatures of RFC 7427 have one method number for all.
func TestAuthBy(t *testing.T) {
	for by, key := range map[pluto.AuthMethod]crypto.Signer{
		pluto.AuthEdDSA: keytest.Ed25519(t),
		pluto.AuthECDSA: keytest.ECDSA(t, elliptic.P256()),
		pluto.AuthRSA:   keytest.RSA(t, 2048),
	} {
		t.Run(string(by), func(t *testing.T) {
			conn := subnets()
			conn.AuthBy = []pluto.AuthMethod{by}
			for _, end := range []*pluto.End{&conn.Local, &conn.Remote} {
				end.PublicKeys = []string{keytest.Public(t, key.Public())}
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
