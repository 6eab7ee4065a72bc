package keys

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/suite"
)

var _ message.Protector = (*Protector)(nil)

// choices returns a choice for every cipher, key length and, where one belongs
// beside it, integrity algorithm; the functions and groups take turns.
func choices() []suite.Choice {
	var all []suite.Choice
	prfs, groups := suite.PRFs(), suite.Groups()
	add := func(c suite.Choice) {
		c.PRF = prfs[len(all)%len(prfs)].ID
		c.Group = groups[len(all)%len(groups)].ID
		all = append(all, c)
	}
	for _, e := range suite.Encryptions() {
		if e.ID == suite.Null {
			continue
		}
		bits := e.KeyBits
		if len(bits) == 0 {
			bits = []int{0}
		}
		for _, n := range bits {
			c := suite.Choice{Encryption: e.ID, KeyBits: n}
			if e.AEAD() {
				add(c)
				continue
			}
			for _, i := range suite.Integrities() {
				c.Integrity = i.ID
				add(c)
			}
		}
	}
	return all
}

func mustNew(t testing.TB, c suite.Choice) *suite.Suite {
	t.Helper()
	s, err := suite.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return &s
}

// counting returns n bytes 1, 2, 3, ….
func counting(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i + 1)
	}
	return b
}

// unhex reads hexadecimal digits, spaces between them left out.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRoundTrip has two sides of every suite speak to each other.
func TestRoundTrip(t *testing.T) {
	for _, c := range choices() {
		s := mustNew(t, c)
		t.Run(s.String(), func(t *testing.T) {
			keys := Derive(s, Exchange{Ni: counting(32), Nr: counting(16), Shared: counting(s.Group.Secret)})
			iOut, iIn, err := Protectors(s, keys, true, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			rOut, rIn, err := Protectors(s, keys, false, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			for n := range 50 {
				converse(t, iOut, rIn, n)
				converse(t, rOut, iIn, n)
			}
		})
	}
}

// converse seals n bytes with one Protector and opens them with another, but
// not when a bit of them has changed.
func converse(t *testing.T, out, in *Protector, n int) {
	t.Helper()
	plain, head := counting(n), []byte("the headers")
	sealed := out.Seal(bytes.Clone(head), head, plain)
	body := sealed[len(head):]
	if len(body) != n+out.Overhead(n) || !bytes.Equal(sealed[:len(head)], head) {
		t.Fatalf("%d bytes make %d, headers %q; expected %d more", n, len(body), sealed[:len(head)], out.Overhead(n))
	}
	if n > 8 && bytes.Contains(body, plain) {
		t.Fatal("sealed in the clear")
	}
	before := bytes.Clone(body)
	got, err := in.Open(head, body)
	if err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("%d bytes opened to %x, %v", n, got, err)
	}
	if !bytes.Equal(body, before) {
		t.Fatal("Open changed the body")
	}
	if again := out.Seal(nil, head, plain); bytes.Equal(again[:out.encryption.IV], body[:out.encryption.IV]) {
		t.Fatal("an IV came twice")
	}
	for i := range body {
		body[i] ^= 1
		if _, err := in.Open(head, body); !errors.Is(err, ErrOpen) {
			t.Fatalf("byte %d of %d changed, and the error is %v", i, len(body), err)
		}
		body[i] ^= 1
	}
	if _, err := in.Open(head[1:], body); !errors.Is(err, ErrOpen) {
		t.Fatalf("the headers changed, and the error is %v", err)
	}
	for i := range body {
		if _, err := in.Open(head, body[:i]); !errors.Is(err, ErrOpen) {
			t.Fatalf("cut to %d bytes, and the error is %v", i, err)
		}
	}
}

// TestChaCha20 is RFC 7634, appendix B.
func TestChaCha20(t *testing.T) {
	s := mustNew(t, suite.Choice{Encryption: suite.ChaCha20Poly1305, PRF: suite.PRFHMACSHA2_256, Group: suite.Curve25519})
	key := unhex(t, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f a0a1a2a3")
	aad := unhex(t, "c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e202500000000090000004529000029")
	plain := unhex(t, "0000000c000040010000000a")
	want := unhex(t, "1011121314151617 6103 9470 1f8d 017f 7c12 9248 89 6b71bfe25236efd7cdc67066906315b2")
	p, err := NewProtector(s, key, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.used = 0x1011121314151616
	if got := p.Seal(nil, aad, plain); !bytes.Equal(got, want) {
		t.Errorf("sealed %x, want %x", got, want)
	}
	if got, err := p.Open(aad, want); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("opened to %x, %v", got, err)
	}
}
