package proof

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"testing"
	"unicode/utf8"

	"ipsec/pluto/keytest"
)

// FuzzAuthData checks signatures of any bytes by any method, with a key of each kind.
func FuzzAuthData(f *testing.F) {
	t := new(testing.T)
	keys := []crypto.PublicKey{
		keytest.RSA(t, 1024).Public(), keytest.ECDSA(t, elliptic.P256()).Public(), keytest.ECDSA(t, elliptic.P521()).Public(),
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
			if err.Error() == "" || !utf8.ValidString(err.Error()) {
				t.Errorf("message %q", err)
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
