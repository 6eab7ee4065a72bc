package proof

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"ipsec/pluto/credential"
	"ipsec/pluto/keytest"
)

// TestIdentifiers compares the AlgorithmIdentifiers with the bytes of RFC 7427
// appendix A (A.1.2 to A.1.4, A.3.2 to A.3.4, A.4.3) and RFC 8420 appendix A. Those of PSS
// with the longer hashes, which the RFC leaves out, differ in the hash and salt alone.
func TestIdentifiers(t *testing.T) {
	want := []struct{ name, der string }{
		{"RSA with SHA2_256", "300d 0609 2a86 4886 f70d 0101 0b05 00"},
		{"RSA with SHA2_384", "300d 0609 2a86 4886 f70d 0101 0c05 00"},
		{"RSA with SHA2_512", "300d 0609 2a86 4886 f70d 0101 0d05 00"},
		{"ECDSA with SHA2_256", "300a 0608 2a86 48ce 3d04 0302"},
		{"ECDSA with SHA2_384", "300a 0608 2a86 48ce 3d04 0303"},
		{"ECDSA with SHA2_512", "300a 0608 2a86 48ce 3d04 0304"},
		{"RSASSA-PSS with SHA2_256", "3041 0609 2a86 4886 f70d 0101 0a30 34a0 0f30 0d06 0960 8648 0165 0304 0201 0500" +
			"a11c 301a 0609 2a86 4886 f70d 0101 0830 0d06 0960 8648 0165 0304 0201 0500 a203 0201 20"},
		{"RSASSA-PSS with SHA2_384", "3041 0609 2a86 4886 f70d 0101 0a30 34a0 0f30 0d06 0960 8648 0165 0304 0202 0500" +
			"a11c 301a 0609 2a86 4886 f70d 0101 0830 0d06 0960 8648 0165 0304 0202 0500 a203 0201 30"},
		{"RSASSA-PSS with SHA2_512", "3041 0609 2a86 4886 f70d 0101 0a30 34a0 0f30 0d06 0960 8648 0165 0304 0203 0500" +
			"a11c 301a 0609 2a86 4886 f70d 0101 0830 0d06 0960 8648 0165 0304 0203 0500 a203 0201 40"},
		{"Ed25519", "3005 0603 2b65 70"},
	}
	for _, w := range want {
		i := slices.IndexFunc(signatureSchemes, func(s scheme) bool { return s.name == w.name })
		if i < 0 {
			t.Errorf("no scheme %q", w.name)
			continue
		}
		der := unhex(t, w.der)
		if got := signatureSchemes[i].identifier; !slices.Equal(got, der) {
			t.Errorf("%s: %x, want %x", w.name, got, der)
		}
		s, signature, err := splitSignature(append(append([]byte{byte(len(der))}, der...), 1, 2, 3))
		if err != nil || s.name != w.name || !slices.Equal(signature, []byte{1, 2, 3}) {
			t.Errorf("%s: split into %q, %x, %v", w.name, s.name, signature, err)
		}
	}
	if len(want) != len(signatureSchemes) {
		t.Errorf("%d schemes, %d vectors", len(signatureSchemes), len(want))
	}
}

// TestPSSSpellings holds identifiers that mean what ours mean, and ones that do not.
func TestPSSSpellings(t *testing.T) {
	const (
		oid  = "0609 2a86 4886 f70d 0101 0a"
		s256 = "0609 6086 4801 6503 0402 01"
		s384 = "0609 6086 4801 6503 0402 02"
		mgf  = "0609 2a86 4886 f70d 0101 08"
	)
	tests := []struct{ name, der, want string }{
		{"hash parameters absent", seq(oid, seq(tag(0, seq(s256)), tag(1, seq(mgf, seq(s256))), "a203 0201 20")), "ok"},
		{"trailer written out", seq(oid, seq(tag(0, seq(s256, "0500")), tag(1, seq(mgf, seq(s256, "0500"))), "a203 0201 20", "a303 0201 01")), "ok"},
		{"another trailer", seq(oid, seq(tag(0, seq(s256)), tag(1, seq(mgf, seq(s256))), "a203 0201 20", "a303 0201 02")), "trailer 2"},
		{"another salt", seq(oid, seq(tag(0, seq(s256)), tag(1, seq(mgf, seq(s256))), "a203 0201 14")), "salt of 20 bytes"},
		{"salt absent", seq(oid, seq(tag(0, seq(s256)), tag(1, seq(mgf, seq(s256))))), "salt of 20 bytes"},
		{"another hash in the mask", seq(oid, seq(tag(0, seq(s256)), tag(1, seq(mgf, seq(s384))), "a203 0201 20")), "different hashes"},
		{"mask absent", seq(oid, seq(tag(0, seq(s256)), "a203 0201 20")), "another mask"},
		// RFC 7427 A.4.1 and A.4.2
		{"no parameters", seq(oid), "default SHA-1"},
		{"empty parameters", seq(oid, "3000"), "another mask"},
		{"SHA-1", "303e 0609 2a86 4886 f70d 0101 0a30 31a0 0b30 0906 052b 0e03 021a 0500 a118 3016" +
			"0609 2a86 4886 f70d 0101 0830 0906 052b 0e03 021a 0500 a203 0201 14a3 0302 0101", "hash 1.3.14.3.2.26"},
		// A.1.1
		{"sha1WithRSAEncryption", "300d 0609 2a86 4886 f70d 0101 0505 00", "1.2.840.113549.1.1.5"},
		{"rest", seq(oid, seq(tag(0, seq(s256)), tag(1, seq(mgf, seq(s256))), "a203 0201 20")) + "00", "malformed"},
		{"not DER", "0102", "malformed"},
	}
	for _, test := range tests {
		s, err := parsePSS(unhex(t, test.der))
		switch {
		case test.want == "ok" && (err != nil || s.name != "RSASSA-PSS with SHA2_256"):
			t.Errorf("%s: %q, %v", test.name, s.name, err)
		case test.want != "ok" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func seq(parts ...string) string { return wrap(0x30, parts) }

func tag(n int, part string) string { return wrap(0xa0+n, []string{part}) }

func wrap(tag int, parts []string) string {
	body := strings.ReplaceAll(strings.Join(parts, ""), " ", "")
	return fmt.Sprintf("%02x%02x%s", tag, len(body)/2, body)
}

// TestSchemes signs by every scheme and checks the signature; then one that was
// changed, other octets, and keys of the other kinds.
func TestSchemes(t *testing.T) {
	ed := keytest.Ed25519(t)
	keys := []crypto.Signer{keytest.RSA(t, 2048), keytest.ECDSA(t, elliptic.P256()), keytest.ECDSA(t, elliptic.P384()), keytest.ECDSA(t, elliptic.P521()), ed}
	octets := []byte("message | nonce | prf(SK_p, ID)")
	for _, s := range slices.Concat(signatureSchemes, methodSchemes) {
		signed := 0
		for _, key := range keys {
			_, isRSA := key.(*rsa.PrivateKey)
			ec, isEC := key.(*ecdsa.PrivateKey)
			_, isEd := key.(ed25519.PrivateKey)
			fit := isRSA && (s.padding == pkcs1 || s.padding == pss) || isEd && s.padding == eddsa ||
				isEC && (s.padding == ecdsaDER || s.padding == ecdsaRaw && ec.Params().BitSize == s.curveBits)
			if !fit {
				check(t, s.name+" with "+credential.DescribeKey(key.Public()), s.verify(key.Public(), octets, make([]byte, 64)), credential.BadSignature)
				continue
			}
			signed++
			data, err := s.sign(key, octets)
			if err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			got, signature, splitErr := schemeOf(s.method, data)
			if splitErr != nil || got.name != s.name {
				t.Fatalf("%s: split into %q, %v", s.name, got.name, splitErr)
			}
			if err := s.verify(key.Public(), octets, signature); err != nil {
				t.Errorf("%s with %s: %v", s.name, credential.DescribeKey(key.Public()), err)
			}
			if err := s.verify(key.Public(), octets[1:], signature); err == nil {
				t.Errorf("%s: verifies other octets", s.name)
			}
			signature[len(signature)-1] ^= 1
			if err := s.verify(key.Public(), octets, signature); err == nil {
				t.Errorf("%s: verifies a changed signature", s.name)
			}
			if err := s.verify(key.Public(), octets, nil); err == nil {
				t.Errorf("%s: verifies no signature", s.name)
			}
		}
		if signed == 0 {
			t.Errorf("%s: no key to test with", s.name)
		}
	}
}

// TestKeySizes refuses keys that are too small, too large, or of unknown kinds.
func TestKeySizes(t *testing.T) {
	bits := func(n uint) *rsa.PublicKey {
		return &rsa.PublicKey{N: new(big.Int).SetBit(new(big.Int), int(n-1), 1), E: 65537}
	}
	tests := []struct {
		key  crypto.PublicKey
		want string // none: it passes
	}{
		{bits(1023), "too small"}, {bits(1024), ""}, {bits(8192), ""}, {bits(8193), "too large"},
		{keytest.ECDSA(t, elliptic.P224()).Public(), "P-224"}, {keytest.ECDSA(t, elliptic.P256()).Public(), ""},
		{"key", "string"}, {nil, "nil"},
	}
	for _, test := range tests {
		err := credential.CheckKey(test.key)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", credential.DescribeKey(test.key), err, test.want)
		}
		for _, s := range slices.Concat(signatureSchemes, methodSchemes) {
			reason := credential.BadKey
			if test.want == "" {
				reason = credential.BadSignature
			}
			check(t, credential.DescribeKey(test.key)+", "+s.name, s.verify(test.key, nil, make([]byte, 1024)), reason)
		}
	}
}
