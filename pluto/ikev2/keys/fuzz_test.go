package keys

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzOpen gives any bytes to the Protectors of all kinds. What they open, they
// must have sealed; and where the integrity is right and the rest is not, they
// must not panic either.
func FuzzOpen(f *testing.F) {
	f.Add(uint8(0), []byte("header"), []byte{})
	f.Add(uint8(3), []byte{}, counting(64))
	f.Add(uint8(200), counting(32), bytes.Repeat([]byte{0xff}, 80))
	all := choices()
	f.Fuzz(func(t *testing.T, which uint8, aad, body []byte) {
		s := mustNew(t, all[int(which)%len(all)])
		k := Derive(s, Exchange{Ni: counting(16), Nr: counting(16), Shared: counting(32)})
		random := bytes.NewReader(counting(64))
		out, in, err := Protectors(s, k, true, random)
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := in.Open(aad, body); err == nil {
			t.Fatalf("%s: opened %x to %x", s, body, plain)
		} else if !errors.Is(err, ErrOpen) {
			t.Fatal(err)
		}
		sealed := out.Seal(nil, aad, body)
		out.used = 0
		if plain, err := out.Open(aad, sealed); err != nil || !bytes.Equal(plain, body) {
			t.Fatalf("%s: %x opened to %x, %v", s, body, plain, err)
		}
		if p := out; p.integrity != nil { // the peer itself sent rubbish
			size := len(body) / p.encryption.Block * p.encryption.Block
			rubbish := append(make([]byte, p.encryption.IV), body[:size]...)
			rubbish = p.sum(rubbish, aad, rubbish)
			if plain, err := p.Open(aad, rubbish); err == nil && len(plain) >= size {
				t.Fatalf("%s: %d bytes of rubbish opened to %d", s, size, len(plain))
			}
		} else {
			var nonce [12]byte
			iv := make([]byte, p.encryption.IV)
			rubbish := p.aead().Seal(bytes.Clone(iv), p.nonce(&nonce, iv), body, aad)
			if plain, err := p.Open(aad, rubbish); err == nil && len(plain) >= len(body) {
				t.Fatalf("%s: %d bytes of rubbish opened to %d", s, len(body), len(plain))
			}
		}
	})
}
