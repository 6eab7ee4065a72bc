package order

import (
	"io"
	"math/rand/v2"
)

// Bulk returns n bytes of noise that deflate compresses to a half.
func Bulk(n int64) io.Reader {
	return io.LimitReader(noise{rand.NewChaCha8([32]byte{})}, n)
}

type noise struct{ source *rand.ChaCha8 }

// Read fills p with bytes of four random bits each.
func (n noise) Read(p []byte) (int, error) {
	size, err := n.source.Read(p)
	for i := range p[:size] {
		p[i] &= 0x0f
	}
	return size, err
}
