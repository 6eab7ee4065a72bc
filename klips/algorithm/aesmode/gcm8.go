package aesmode

import (
	"crypto/cipher"
	"crypto/subtle"
	"errors"
	"slices"
)

// gcm8 is AES-GCM with an ICV of 8 bytes (RFC 4106, section 6), which
// crypto/cipher does not offer: it stops at 12, of which these are the first 8.
// Its scratch makes it good for one goroutine at a time only.
type gcm8 struct {
	cipher.AEAD
	scratch []byte
}

// NewGCM returns AES-GCM with an ICV of that many bytes: 8, or 12 to 16. It is
// for one goroutine at a time. The error says that the lengths do not fit.
func NewGCM(block cipher.Block, icv int) (cipher.AEAD, error) {
	if icv != 8 {
		return cipher.NewGCMWithTagSize(block, icv)
	}
	aead, err := cipher.NewGCMWithTagSize(block, 12)
	return &gcm8{AEAD: aead}, err
}

var errOpen = errors.New("message authentication failed")

func (g *gcm8) Overhead() int { return 8 }

// Seal does what cipher.AEAD says, by way of the scratch, as the tag to be cut
// off must not land on what follows dst.
func (g *gcm8) Seal(dst, nonce, plain, aad []byte) []byte {
	g.scratch = g.AEAD.Seal(g.scratch[:0], nonce, plain, aad)
	return append(dst, g.scratch[:len(plain)+8]...)
}

// Open does what cipher.AEAD says. To encrypt the ciphertext again is to decrypt
// it; encrypting the plaintext that this gives computes the tag to compare.
func (g *gcm8) Open(dst, nonce, sealed, aad []byte) ([]byte, error) {
	if len(sealed) < 8 {
		return nil, errOpen
	}
	size := len(sealed) - 8
	dst = slices.Grow(dst, size)
	plain := dst[len(dst):][:size]
	var tag [8]byte
	copy(tag[:], sealed[size:])
	g.scratch = g.AEAD.Seal(g.scratch[:0], nonce, sealed[:size], aad)
	copy(plain, g.scratch)
	g.scratch = g.AEAD.Seal(g.scratch[:0], nonce, plain, aad)
	if subtle.ConstantTimeCompare(g.scratch[size:][:8], tag[:]) != 1 {
		clear(plain)
		return nil, errOpen
	}
	return dst[:len(dst)+size], nil
}
