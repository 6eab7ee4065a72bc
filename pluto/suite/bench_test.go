package suite

import (
	"crypto/rand"
	"testing"
)

// BenchmarkGroup is one side of a key exchange: a private key, its public value,
// the shared secret.
func BenchmarkGroup(b *testing.B) {
	for _, g := range Groups() {
		b.Run(g.Name, func(b *testing.B) {
			peer, err := g.Generate(rand.Reader)
			if err != nil {
				b.Fatal(err)
			}
			public := peer.Public()
			b.ReportAllocs()
			for b.Loop() {
				key, err := g.Generate(rand.Reader)
				if err != nil {
					b.Fatal(err)
				}
				key.Public()
				if _, err := key.Shared(public); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHandshake is what one side computes for an IKE SA and its first Child
// SA, without authentication: key exchange, both derivations, two messages
// sealed and opened.
func BenchmarkHandshake(b *testing.B) {
	s := mustNew(b, Choice{Encryption: AESGCM16, KeyBits: 128, PRF: PRFHMACSHA2_256, Group: Curve25519})
	child, err := NewChild(ChildChoice{Encryption: AESGCM16, KeyBits: 128})
	if err != nil {
		b.Fatal(err)
	}
	peer, err := s.Group.Generate(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	public, aad, plain := peer.Public(), make([]byte, 32), make([]byte, 300)
	b.ReportAllocs()
	for b.Loop() {
		key, err := s.Group.Generate(rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		x := Exchange{Ni: make([]byte, 32), Nr: make([]byte, 32)}
		if x.Shared, err = key.Shared(public); err != nil {
			b.Fatal(err)
		}
		k := s.Derive(x)
		out, _, err := s.Protectors(k, true, rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := out.Open(aad, out.Seal(nil, aad, plain)); err != nil {
			b.Fatal(err)
		}
		child.Derive(s.PRF, k.D, Exchange{Ni: x.Ni, Nr: x.Nr})
	}
}

// BenchmarkProtectors shows what both directions of an IKE SA take for good.
func BenchmarkProtectors(b *testing.B) {
	for _, c := range []Choice{{Encryption: AESGCM16, KeyBits: 128}, {Encryption: AESCBC, KeyBits: 256, Integrity: HMACSHA2_256}} {
		c.PRF, c.Group = PRFHMACSHA2_256, Curve25519
		s := mustNew(b, c)
		k := s.Derive(Exchange{Ni: make([]byte, 32), Nr: make([]byte, 32), Shared: make([]byte, 32)})
		b.Run(s.Encryption.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := s.Protectors(k, true, rand.Reader); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	for _, c := range []Choice{
		{Encryption: AESGCM16, KeyBits: 128}, {Encryption: AESCCM16, KeyBits: 128}, {Encryption: ChaCha20Poly1305},
		{Encryption: AESCBC, KeyBits: 128, Integrity: HMACSHA2_256}, {Encryption: TripleDES, Integrity: HMACSHA1},
	} {
		c.PRF, c.Group = PRFHMACSHA2_256, Curve25519
		s := mustNew(b, c)
		b.Run(s.Encryption.Name, func(b *testing.B) {
			k := s.Derive(Exchange{Ni: make([]byte, 32), Nr: make([]byte, 32), Shared: make([]byte, 32)})
			out, _, err := s.Protectors(k, true, rand.Reader)
			if err != nil {
				b.Fatal(err)
			}
			aad, plain, room := make([]byte, 32), make([]byte, 1200), make([]byte, 0, 1500)
			b.SetBytes(int64(len(plain)))
			b.ReportAllocs()
			for b.Loop() {
				out.Seal(room, aad, plain)
			}
		})
	}
}

func BenchmarkPRF(b *testing.B) {
	for _, p := range PRFs() {
		b.Run(p.Name, func(b *testing.B) {
			key, data := make([]byte, p.KeyLen), make([]byte, 200)
			b.ReportAllocs()
			for b.Loop() {
				p.Sum(key, data)
			}
		})
	}
}
