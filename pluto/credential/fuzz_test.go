package credential

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"testing"
	"unicode/utf8"

	"ipsec/pluto"
)

// FuzzAuthData checks signatures of any bytes by any method, with a key of each kind.
func FuzzAuthData(f *testing.F) {
	t := new(testing.T)
	keys := []crypto.PublicKey{
		rsaKey(t, 1024).Public(), ecKey(t, elliptic.P256()).Public(), ecKey(t, elliptic.P521()).Public(),
		ed25519.NewKeyFromSeed(make([]byte, 32)).Public(),
	}
	for _, s := range signatureSchemes {
		data := append([]byte{byte(len(s.identifier))}, s.identifier...)
		f.Add(s.method, append(data, make([]byte, 64)...))
	}
	for _, s := range methodSchemes {
		f.Add(s.method, make([]byte, 64))
	}
	f.Add(MethodSignature, []byte{})
	f.Add(MethodSignature, []byte{0xff, 0x30})
	f.Fuzz(func(t *testing.T, method uint8, data []byte) {
		s, signature, err := schemeOf(method, data)
		if err != nil {
			if err.Text == "" || !utf8.ValidString(err.Text) {
				t.Errorf("message %q", err.Text)
			}
			return
		}
		if method == MethodSignature && !bytes.HasSuffix(data, signature) {
			t.Error("the signature is not the end of the data")
		}
		for _, key := range keys {
			if err := s.verify(key, []byte("octets"), signature); err == nil {
				t.Errorf("%s: verified", s.name)
			}
		}
	})
}

// FuzzCertBundle reads certificates and CRLs of any bytes, as files and as a peer's.
func FuzzCertBundle(f *testing.F) {
	root := issue(new(testing.T), nil, "Root", both(asCA, names))
	f.Add(root.cert.Raw)
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
		claim := Claim{Conn: &pluto.Connection{AuthBy: words("rsasig")}, PeerID: SubjectID(root.cert), Now: noon}
		var r Result
		if failure := store.trust(claim, parsed[0], nil, &r); failure == nil && !parsed[0].Equal(root.cert) {
			t.Errorf("trusts %q", r.Subject)
		}
		New(Parts{Certs: []Cert{{parsed[0], "fuzz"}}}).ListCerts(noon)
	})
}

// FuzzPrivateKey reads private keys of any bytes.
func FuzzPrivateKey(f *testing.F) {
	t := new(testing.T)
	key := ecKey(t, elliptic.P256())
	f.Add(pemOf("PRIVATE KEY", pkcs8(t, key)))
	f.Add(pemOf("ENCRYPTED PRIVATE KEY", encrypted(t, pkcs8(t, key), "sesame", 1)))
	f.Add(encrypted(t, pkcs8(t, key), "sesame", 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Contains(data, []byte{2, 3}) || bytes.Contains(data, []byte{2, 4}) {
			return // iterations by the million are slow, and that is all
		}
		if key, err := ParsePrivateKey(data, []byte("sesame")); err == nil {
			if err := checkKey(key.Public()); err != nil {
				t.Error(err)
			}
		}
	})
}
