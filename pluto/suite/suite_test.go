package suite

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
)

func mustNew(t testing.TB, c Choice) Suite {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// counting returns n bytes 1, 2, 3, ….
func counting(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i + 1)
	}
	return b
}

func TestGroups(t *testing.T) {
	for _, g := range Groups() {
		t.Run(g.Name, func(t *testing.T) {
			a, err := g.Generate(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			b, err := g.Generate(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			x, err := a.Shared(b.Public())
			if err != nil {
				t.Fatal(err)
			}
			y, err := b.Shared(a.Public())
			if err != nil || !bytes.Equal(x, y) {
				t.Fatalf("one has %x, the other %x, %v", x, y, err)
			}
			if len(x) != g.Secret || len(a.Public()) != g.Public {
				t.Errorf("secret of %d bytes, public value of %d", len(x), len(a.Public()))
			}
			for range 2 {
				c, err := g.Generate(bytes.NewReader(counting(100)))
				if err != nil {
					t.Fatal(err)
				}
				d, err := g.Generate(bytes.NewReader(counting(100)))
				if err != nil || !bytes.Equal(c.Public(), d.Public()) {
					t.Errorf("the same randomness, %v, makes %x and %x", err, c.Public(), d.Public())
				}
			}
			if _, err := g.Generate(bytes.NewReader(nil)); err == nil {
				t.Error("a key without randomness")
			}
			for i, bad := range hostile(g, a.Public()) {
				if _, err := a.Shared(bad); !errors.Is(err, ErrPublic) {
					t.Errorf("hostile value %d: %v", i, err)
				}
			}
		})
	}
}

// hostile returns public values that a group must refuse: RFC 6989, section 2.
func hostile(g Group, good []byte) [][]byte {
	zero := make([]byte, g.Public)
	bad := [][]byte{nil, {}, good[1:], append([]byte{0}, good...), append(bytes.Clone(good), 0), zero}
	switch m, ok := g.exchange.(modp); {
	case ok:
		one := bytes.Clone(zero)
		one[len(one)-1] = 1
		p := m.modulus().Nat().Bytes(m.modulus())
		less, more := bytes.Clone(p), bytes.Clone(p)
		less[len(less)-1]--
		bad = append(bad, one, p, less, more, bytes.Repeat([]byte{0xff}, g.Public))
	case g.ID == Curve25519:
		one := bytes.Clone(zero)
		one[0] = 1 // of order 1, as zero is of order 2
		bad = append(bad, one)
	default:
		off := bytes.Clone(good)
		off[len(off)-1] ^= 1
		bad = append(bad, off, good[:len(good)/2], bytes.Repeat([]byte{0xff}, g.Public))
	}
	return bad
}

func TestNewRefuses(t *testing.T) {
	good := Choice{Encryption: AESCBC, KeyBits: 128, Integrity: HMACSHA1, PRF: PRFHMACSHA1, Group: MODP2048}
	mustNew(t, good)
	for i, change := range []func(*Choice){
		func(c *Choice) { c.Encryption = 99 },
		func(c *Choice) { c.Encryption = Null },
		func(c *Choice) { c.Encryption = AESGCM16 }, // with an integrity algorithm
		func(c *Choice) { c.KeyBits = 0 },
		func(c *Choice) { c.KeyBits = 129 },
		func(c *Choice) { c.Encryption = TripleDES }, // with a key length
		func(c *Choice) { c.Integrity = 0 },
		func(c *Choice) { c.Integrity = 99 },
		func(c *Choice) { c.PRF = 0 },
		func(c *Choice) { c.Group = 0 },
	} {
		c := good
		change(&c)
		if s, err := New(c); err == nil {
			t.Errorf("%d: %v is taken", i, s)
		}
	}
}

// TestTables holds the tables to what the other packages take for granted.
func TestTables(t *testing.T) {
	for _, e := range Encryptions() {
		found, err := EncryptionByName(e.Name)
		again, err2 := FindEncryption(e.ID)
		if err != nil || err2 != nil || found.ID != e.ID || again.Name != e.Name {
			t.Errorf("%s: %v, %v", e.Name, err, err2)
		}
	}
	for _, i := range Integrities() {
		found, err := IntegrityByName(i.Name)
		again, err2 := FindIntegrity(i.ID)
		if err != nil || err2 != nil || found.ID != i.ID || again.Name != i.Name {
			t.Errorf("%s: %v, %v", i.Name, err, err2)
		}
	}
	for _, p := range PRFs() {
		found, err := PRFByName(p.Name)
		again, err2 := FindPRF(p.ID)
		if err != nil || err2 != nil || found.ID != p.ID || again.Name != p.Name {
			t.Errorf("%s: %v, %v", p.Name, err, err2)
		}
		if n := len(p.Sum(nil)); n != p.Size {
			t.Errorf("%s gives %d bytes, its table says %d", p.Name, n, p.Size)
		}
	}
	for _, g := range Groups() {
		found, err := GroupByName(g.Name)
		again, err2 := FindGroup(g.ID)
		if err != nil || err2 != nil || found.ID != g.ID || again.Name != g.Name {
			t.Errorf("%s: %v, %v", g.Name, err, err2)
		}
	}
	_, err := GroupByName("modp768")
	if got := fmt.Sprint(err); got[:60] != `unknown Diffie-Hellman group "modp768", expected one of modp` {
		t.Error(got)
	}
}
