package suite

import (
	"testing"

	"ipsec/klips/algorithm"
)

func TestChild(t *testing.T) {
	for _, v := range []struct {
		choice ChildChoice
		want   Child
		fails  bool
	}{
		{ChildChoice{Encryption: AESGCM16, KeyBits: 256}, Child{"aesgcm16", "", 36, 0}, false},
		{ChildChoice{Encryption: AESCBC, KeyBits: 128, Integrity: HMACSHA2_256}, Child{"aes", "sha2_256-128", 16, 32}, false},
		{ChildChoice{Encryption: AESCTR, KeyBits: 192, Integrity: HMACSHA1}, Child{"aesctr", "sha1-96", 28, 20}, false},
		{ChildChoice{Encryption: TripleDES, Integrity: HMACMD5}, Child{"3des", "md5-96", 24, 16}, false},
		{ChildChoice{Encryption: AESCCM8, KeyBits: 192}, Child{"aesccm8", "", 27, 0}, false},
		{ChildChoice{Encryption: AESCBC, KeyBits: 128, Integrity: AESXCBC}, Child{"aes", "aes_xcbc-96", 16, 16}, false},
		{ChildChoice{Integrity: AESCMAC}, Child{"", "aes_cmac-96", 0, 16}, false},
		{ChildChoice{Encryption: ChaCha20Poly1305}, Child{"chacha20poly1305", "", 36, 0}, false},
		{ChildChoice{Encryption: Null, Integrity: HMACSHA2_512}, Child{"null", "sha2_512-256", 0, 64}, false},
		{ChildChoice{Integrity: HMACSHA2_384}, Child{"", "sha2_384-192", 0, 48}, false},
		{ChildChoice{}, Child{}, true},
		{ChildChoice{Encryption: Null}, Child{}, true},
		{ChildChoice{Encryption: AESCBC, KeyBits: 128}, Child{}, true},
		{ChildChoice{Encryption: AESCBC, Integrity: HMACSHA1}, Child{}, true},
		{ChildChoice{Encryption: AESGCM16, KeyBits: 128, Integrity: HMACSHA1}, Child{}, true},
		{ChildChoice{Encryption: 2, Integrity: HMACSHA1}, Child{}, true}, // DES
		{ChildChoice{Encryption: AESCBC, KeyBits: 128, Integrity: 3}, Child{}, true},
	} {
		got, err := NewChild(v.choice)
		if (err != nil) != v.fails || err == nil && got != v.want {
			t.Errorf("%+v: %+v, %v", v.choice, got, err)
		}
	}
}

// TestKLIPS finds every algorithm of IKE in KLIPS, with keys, salts, IVs and ICVs of the
// same lengths.
func TestKLIPS(t *testing.T) {
	for _, e := range Encryptions() {
		c, err := algorithm.FindCipher(e.KLIPS)
		if err != nil {
			t.Error(err)
			continue
		}
		if c.Salt != e.Salt || c.IV != e.IV || c.ICV != e.ICV || c.AEAD() != e.AEAD() || max(len(e.KeyBits), 1) != len(c.Keys) {
			t.Errorf("%+v in IKE, %+v in KLIPS", e, c)
		}
	}
	for _, i := range Integrities() {
		a, err := algorithm.FindAuth(i.KLIPS)
		if err != nil || a.Key != i.Key || a.ICV != i.ICV {
			t.Errorf("%+v in IKE, %+v in KLIPS, %v", i, a, err)
		}
	}
}
