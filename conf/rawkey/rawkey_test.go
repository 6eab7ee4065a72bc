package rawkey

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
)

// An odd modulus of 512 bits.
var modulus = "c1" + strings.Repeat("a7", 62) + "01"

func TestParse(t *testing.T) {
	for text, wantE := range map[string]int{
		"0x0103" + modulus:                          3,
		"0x03010001" + modulus:                      65537,
		"0x0003_010001" + modulus:                   -1, // the size 3 says is 0x0301
		"0x000003010001" + modulus:                  65537,
		b64("0103" + modulus):                       3,
		strings.TrimRight(b64("0103"+modulus), "="): 3,
	} {
		key, err := Parse(text)
		if wantE < 0 {
			if err == nil {
				t.Errorf("%s: no error", text)
			}
			continue
		}
		rsaKey, ok := key.(*rsa.PublicKey)
		if err != nil || !ok || rsaKey.E != wantE || hex.EncodeToString(rsaKey.N.Bytes()) != modulus {
			t.Errorf("%s: got %v, %v", text, key, err)
		}
	}
	for text, want := range map[string]string{
		"":                                  ErrForm.Error(),
		"AQOF8tZ2m":                         ErrForm.Error(),
		"0s!":                               ErrForm.Error(),
		"0x012":                             ErrForm.Error(),
		"0x0103":                            "expected an exponent and a modulus (RFC 3110)",
		"0x010301":                          "expected 512 to 16384 bits, found 1",
		"0x0102" + modulus:                  "expected an odd exponent from 3 to 2147483647",
		"0x0101" + modulus:                  "expected an odd exponent from 3 to 2147483647",
		"0x050100000001" + modulus:          "expected an odd exponent from 3 to 2147483647",
		"0x0103" + modulus[:126] + "02":     "its modulus is even",
		"0x3003020100":                      "expected SubjectPublicKeyInfo of an RSA, ECDSA or Ed25519 key",
		"0x01" + strings.Repeat("03", 5000): "expected at most 8192 bytes",
	} {
		if _, err := Parse(text); err == nil || err.Error() != "malformed public key: "+want {
			t.Errorf("%.40s: got %v, want %s", text, err, want)
		}
	}
}

func b64(digits string) string {
	data, _ := hex.DecodeString(digits)
	return "0s" + base64.StdEncoding.EncodeToString(data)
}

func TestRoundTrip(t *testing.T) {
	n, _ := new(big.Int).SetString(modulus, 16)
	ec, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		key     crypto.PublicKey
		keyword string
	}{
		{&rsa.PublicKey{N: n, E: 65537}, "rsasigkey"}, {&ec.PublicKey, "ecdsakey"}, {ed, "pubkey"},
	} {
		text, err := Format(tt.key)
		if err != nil {
			t.Fatal(err)
		}
		spki, err := EncodeSPKI(tt.key)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{text, "0x" + hex.EncodeToString(spki)} {
			got, err := Parse(form)
			if same, ok := got.(interface{ Equal(crypto.PublicKey) bool }); err != nil || !ok || !same.Equal(tt.key) {
				t.Errorf("%T: %s became %v, %v", tt.key, form, got, err)
			}
		}
		if keyword, _ := Keyword(tt.key); keyword != tt.keyword {
			t.Errorf("%T belongs to %s", tt.key, keyword)
		}
		if id := ID(tt.key); len(id) != 9 && len(id) != 16 {
			t.Errorf("%T has the id %s", tt.key, id)
		}
	}
}

func TestParseECDSA(t *testing.T) {
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		spki, err := EncodeSPKI(&key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range [][]byte{point, point[1:], spki} {
			got, err := ParseECDSA("0x" + hex.EncodeToString(data))
			if err != nil || !got.Equal(&key.PublicKey) {
				t.Errorf("%x: %v", data, err)
			}
		}
	}
	for text, want := range map[string]string{
		"0x" + strings.Repeat("01", 64): "no point of P-256",
		"0x0103" + modulus:              "expected one of ECDSA",
		"x":                             ErrForm.Error(),
	} {
		if _, err := ParseECDSA(text); err == nil || err.Error() != "malformed public key: "+want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// The DNSKEY of RFC 5702, section 6.1, whose public key field has the form of
// RFC 3110; the modulus is from the private key there.
func TestVector(t *testing.T) {
	key, err := Parse("0sAwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUmObdk=")
	if err != nil {
		t.Fatal(err)
	}
	const want = "wVwaxrHF2CK64aYKRUibLiH30KpPuPBjel7E8ZydQW1HYWHfoGmidzC2RnhwCC293hCzw+TFR2nqn8OVSY5t2Q=="
	if k := key.(*rsa.PublicKey); k.E != 65537 || base64.StdEncoding.EncodeToString(k.N.Bytes()) != want {
		t.Errorf("got exponent %d, modulus %x", k.E, k.N)
	}
}

func FuzzDecode(f *testing.F) {
	data, _ := hex.DecodeString("0103" + modulus)
	f.Add(data)
	f.Add([]byte{0, 0, 1, 3, 5})
	f.Add([]byte{0x30, 3, 2, 1, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := Decode(data)
		if err != nil {
			return
		}
		text, err := Format(key)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if back, _ := Format(again); back != text || ID(again) == "" {
			t.Fatalf("%s became %s", text, back)
		}
		if k, ok := key.(*rsa.PublicKey); ok && !bytes.Equal(k.N.Bytes(), again.(*rsa.PublicKey).N.Bytes()) {
			t.Fatal("another modulus")
		}
	})
}
