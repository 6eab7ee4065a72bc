package credential

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/asn1"
	"testing"

	"ipsec/pluto"
	"ipsec/pluto/keytest"
)

// FuzzCertBundle reads certificates and CRLs of any bytes, as files and as a peer's.
func FuzzCertBundle(f *testing.F) {
	root := issue(new(testing.T), nil, "Root", both(asCA, names))
	f.Add(root.cert.Raw)
	f.Add(issue(new(testing.T), nil, "Root", both(asCA, names, subtrees(new(testing.T), true, []asn1.RawValue{directory(new(testing.T), "C=CA"), general(tagEmail, "example.org")}, nil))).cert.Raw)
	f.Add(pemOf("CERTIFICATE", root.cert.Raw, root.cert.Raw))
	f.Add(root.crlDER(noon, noon, root))
	f.Add(pemOf("X509 CRL", root.crlDER(noon, noon)))
	store := New(Parts{CAs: held(root)})
	f.Fuzz(func(t *testing.T, data []byte) {
		certs, err := ParseCertBundle(data)
		if err == nil && len(certs) == 0 {
			t.Error("neither certificates nor an error")
		}
		ParseCRL(data, "fuzz")
		parsed, failure := parseCerts([][]byte{data})
		if failure != nil {
			return
		}
		constrained([]*x509.Certificate{parsed[0], parsed[0]}) // as the CA of itself
		claim := Case{Conn: &pluto.Connection{AuthBy: keytest.Methods("rsasig")}, PeerID: SubjectID(root.cert), Now: noon}
		if trust, err := store.trust(claim, parsed[0], nil); err == nil && !parsed[0].Equal(root.cert) {
			t.Errorf("trusts %q", trust.Subject)
		}
		New(Parts{Certs: []Cert{{parsed[0], "fuzz"}}}).ListCerts(noon)
	})
}

// FuzzPrivateKey reads private keys of any bytes.
func FuzzPrivateKey(f *testing.F) {
	t := new(testing.T)
	key := keytest.ECDSA(t, elliptic.P256())
	f.Add(pemOf("PRIVATE KEY", pkcs8(t, key)))
	f.Add(pemOf("ENCRYPTED PRIVATE KEY", encrypted(t, pkcs8(t, key), "sesame", 1)))
	f.Add(encrypted(t, pkcs8(t, key), "sesame", 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Contains(data, []byte{2, 3}) || bytes.Contains(data, []byte{2, 4}) {
			return // iterations by the million are slow, and that is all
		}
		if key, err := ParsePrivateKey(data, []byte("sesame")); err == nil {
			if err := CheckKey(key.Public()); err != nil {
				t.Error(err)
			}
		}
	})
}
