package keys

import (
	"crypto/rand"
	"testing"

	"ipsec/pluto/suite"
)

// BenchmarkHandshake is what one side computes for an IKE SA and its first suite.Child
// SA, without authentication: key exchange, both derivations, two messages
// sealed and opened.
func BenchmarkHandshake(b *testing.B) {
	s := mustNew(b, suite.Choice{Encryption: suite.AESGCM16, KeyBits: 128, PRF: suite.PRFHMACSHA2_256, Group: suite.Curve25519})
	child, err := suite.NewChild(suite.ChildChoice{Encryption: suite.AESGCM16, KeyBits: 128})
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
		k := Derive(s, x)
		out, _, err := Protectors(s, k, true, rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := out.Open(aad, out.Seal(nil, aad, plain)); err != nil {
			b.Fatal(err)
		}
		ForChild(child, s.PRF, k.D, Exchange{Ni: x.Ni, Nr: x.Nr})
	}
}

// BenchmarkProtectors shows what both directions of an IKE SA take for good.
func BenchmarkProtectors(b *testing.B) {
	for _, c := range []suite.Choice{{Encryption: suite.AESGCM16, KeyBits: 128}, {Encryption: suite.AESCBC, KeyBits: 256, Integrity: suite.HMACSHA2_256}} {
		c.PRF, c.Group = suite.PRFHMACSHA2_256, suite.Curve25519
		s := mustNew(b, c)
		k := Derive(s, Exchange{Ni: make([]byte, 32), Nr: make([]byte, 32), Shared: make([]byte, 32)})
		b.Run(s.Encryption.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Protectors(s, k, true, rand.Reader); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	for _, c := range []suite.Choice{
		{Encryption: suite.AESGCM16, KeyBits: 128}, {Encryption: suite.AESCCM16, KeyBits: 128}, {Encryption: suite.ChaCha20Poly1305},
		{Encryption: suite.AESCBC, KeyBits: 128, Integrity: suite.HMACSHA2_256}, {Encryption: suite.TripleDES, Integrity: suite.HMACSHA1},
	} {
		c.PRF, c.Group = suite.PRFHMACSHA2_256, suite.Curve25519
		s := mustNew(b, c)
		b.Run(s.Encryption.Name, func(b *testing.B) {
			k := Derive(s, Exchange{Ni: make([]byte, 32), Nr: make([]byte, 32), Shared: make([]byte, 32)})
			out, _, err := Protectors(s, k, true, rand.Reader)
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
