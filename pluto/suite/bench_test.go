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
