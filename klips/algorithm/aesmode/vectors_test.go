package aesmode

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"hash"
	"strings"
	"testing"
)

// unhex reads hexadecimal digits, spaces between them left out.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// from returns the n bytes first, first+1, ….
func from(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

func TestMACVectors(t *testing.T) {
	const nist = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
	key, message := unhex(t, "2b7e151628aed2a6abf7158809cf4f3c"), unhex(t, nist)
	for i, v := range []struct {
		make         func([]byte) (hash.Hash, error)
		key, message []byte
		mac          string
	}{
		// RFC 4493, section 4.
		{NewCMAC, key, nil, "bb1d6929e95937287fa37d129b756746"},
		{NewCMAC, key, message[:16], "070a16b46b4d4144f79bdd9dd04a287c"},
		{NewCMAC, key, message[:40], "dfa66747de9ae63030ca32611497c827"},
		{NewCMAC, key, message, "51f0bebf7e3b9d92fc49741779363cfe"},
		// RFC 3566, section 4.
		{NewXCBC, from(0, 16), nil, "75f0251d528ac01c4573dfd584d79f29"},
		{NewXCBC, from(0, 16), from(0, 3), "5b376580ae2f19afe7219ceef172756f"},
		{NewXCBC, from(0, 16), from(0, 16), "d2a246fa349b68a79998a4394ff7a263"},
		{NewXCBC, from(0, 16), from(0, 20), "47f51b4564966215b8985c63055ed308"},
		{NewXCBC, from(0, 16), from(0, 32), "f54f0ec8d2b9f3d36807734bd5283fd4"},
		{NewXCBC, from(0, 16), from(0, 34), "becbb3bccdb518a30677d5481fb6b4d8"},
		{NewXCBC, from(0, 16), make([]byte, 1000), "f0dafee895db30253761103b5d84528f"},
	} {
		h, err := v.make(v.key)
		if err != nil {
			t.Fatal(err)
		}
		for cut := 0; cut <= len(v.message); cut += 1 + len(v.message)/20 {
			h.Reset()
			h.Write(v.message[:cut])
			h.Sum(nil) // changes nothing
			for _, b := range v.message[cut:min(cut+3, len(v.message))] {
				h.Write([]byte{b})
			}
			h.Write(v.message[min(cut+3, len(v.message)):])
			if got := h.Sum([]byte("x")); !bytes.Equal(got, append([]byte("x"), unhex(t, v.mac)...)) {
				t.Errorf("%d, cut at %d: %x, want %s", i, cut, got[1:], v.mac)
			}
		}
	}
	for _, n := range []int{0, 15, 17, 24, 33} {
		if _, err := NewXCBC(make([]byte, n)); err == nil {
			t.Errorf("XCBC takes a key of %d bytes", n)
		}
	}
}

func TestCCMVectors(t *testing.T) {
	long := bytes.Repeat(from(0, 256), 256)
	for i, v := range []struct {
		key, nonce, aad, plain []byte
		sealed                 string
	}{
		// NIST SP 800-38C, appendix C, examples 1 to 4.
		{from(0x40, 16), from(0x10, 7), from(0, 8), from(0x20, 4), "7162015b 4dac255d"},
		{from(0x40, 16), from(0x10, 8), from(0, 16), from(0x20, 16), "d2a1f0e051ea5f62081a7792073d593d 1fc64fbfaccd"},
		{from(0x40, 16), from(0x10, 12), from(0, 20), from(0x20, 24), "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5 484392fbc1b09951"},
		{from(0x40, 16), from(0x10, 13), long, from(0x20, 32), "69915dad1e84c6376a68c2967e4dab615ae0fd1faec44cc484828529463ccf72 b4ac6bec93e8598e7f0dadbcea5b"},
		// RFC 3610, section 8, packet vectors 1 and 2.
		{from(0xc0, 16), unhex(t, "00000003020100a0a1a2a3a4a5"), from(0, 8), from(8, 23), "588c979a61c663d2f066d0c2c0f989806d5f6b61dac384 17e8d12cfdf926e0"},
		{from(0xc0, 16), unhex(t, "00000004030201a0a1a2a3a4a5"), from(0, 8), from(8, 24), "72c91a36e135f8cf291ca894085c87e3cc15c439c9e43a3b a091d56e10400916"},
	} {
		want := unhex(t, v.sealed)
		aead := mustCCM(t, v.key, len(v.nonce), len(want)-len(v.plain))
		for range 2 { // the second time from the state that the first has left
			got := aead.Seal([]byte("x"), v.nonce, v.plain, v.aad)
			if !bytes.Equal(got[1:], want) {
				t.Errorf("%d: sealed %x, want %x", i, got[1:], want)
			}
			back, err := aead.Open(nil, v.nonce, want, v.aad)
			if err != nil || !bytes.Equal(back, v.plain) {
				t.Errorf("%d: opened to %x, %v", i, back, err)
			}
		}
	}
}

func mustCCM(t testing.TB, key []byte, nonce, icv int) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := NewCCM(block, nonce, icv)
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

// TestAEADs holds CCM and GCM with a short ICV to what cipher.AEAD promises: in
// place and apart, nothing of what follows written over, nothing opened that has
// changed, nothing allocated.
func TestAEADs(t *testing.T) {
	block, err := aes.NewCipher(from(0, 16))
	if err != nil {
		t.Fatal(err)
	}
	gcm8, err := NewGCM(block, 8)
	if err != nil {
		t.Fatal(err)
	}
	for name, aead := range map[string]cipher.AEAD{"ccm8": mustCCM(t, from(0, 16), 11, 8), "ccm16": mustCCM(t, from(0, 32), 11, 16), "gcm8": gcm8} {
		nonce, aad := from(0, aead.NonceSize()), from(7, 12)
		for n := range 70 {
			plain := from(1, n)
			room := append(bytes.Clone(plain), bytes.Repeat([]byte{0xee}, aead.Overhead()+4)...)
			sealed := aead.Seal(room[:0], nonce, room[:n], aad)
			if !bytes.Equal(sealed, aead.Seal(nil, nonce, plain, aad)) {
				t.Fatalf("%s: %d bytes sealed in place differ from those apart", name, n)
			}
			if &sealed[0] != &room[0] || room[len(room)-4] != 0xee {
				t.Fatalf("%s: %d bytes sealed in another place, or too far", name, n)
			}
			for i := range sealed {
				bad := bytes.Clone(sealed)
				bad[i] ^= 0x10
				if _, err := aead.Open(nil, nonce, bad, aad); err == nil {
					t.Fatalf("%s: opened with byte %d of %d changed", name, i, len(bad))
				}
				if _, err := aead.Open(nil, nonce, sealed[:i], aad); err == nil {
					t.Fatalf("%s: opened the first %d of %d bytes", name, i, len(bad))
				}
			}
			if _, err := aead.Open(nil, nonce, sealed, aad[1:]); err == nil {
				t.Fatalf("%s: opened under other additional data", name)
			}
			if back, err := aead.Open(sealed[:0], nonce, sealed, aad); err != nil || !bytes.Equal(back, plain) {
				t.Fatalf("%s: opened to %x, %v", name, back, err)
			}
		}
		packet := make([]byte, 1400, 1500)
		if n := testing.AllocsPerRun(20, func() {
			if _, err := aead.Open(packet[:0], nonce, aead.Seal(packet[:0], nonce, packet, aad), aad); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestCCMRefuses(t *testing.T) {
	block, err := aes.NewCipher(from(0, 16))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range [][2]int{{6, 8}, {14, 8}, {11, 2}, {11, 7}, {11, 18}} {
		if _, err := NewCCM(block, v[0], v[1]); err == nil {
			t.Errorf("a nonce of %d bytes and an ICV of %d are taken", v[0], v[1])
		}
	}
	aead := mustCCM(t, from(0, 16), 13, 8)
	for name, seal := range map[string]func(){
		"a short nonce":    func() { aead.Seal(nil, make([]byte, 12), nil, nil) },
		"too long for two": func() { aead.Seal(nil, make([]byte, 13), make([]byte, 1<<16), nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is taken", name)
				}
			}()
			seal()
		}()
	}
}
