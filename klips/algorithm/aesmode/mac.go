// Package aesmode holds the modes of AES that IPsec and IKE use and that no
// library at hand has: the authenticators XCBC (RFC 3566) and CMAC (RFC 4493), the
// AEAD CCM (RFC 3610, NIST SP 800-38C), and GCM with an ICV of 8 bytes.
//
// Nothing here allocates for a message once it is made, so that the packet
// path can use it; for that each value is for one goroutine at a time.
package aesmode

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"hash"
	"slices"
)

const blockSize = aes.BlockSize

// mac is a CBC-MAC whose last block is masked: XCBC and CMAC differ only in where
// the masks come from.
type mac struct {
	block       cipher.Block
	whole, part [blockSize]byte // masks of a last block that is whole, or padded
	state       [blockSize]byte // chained so far
	last        [blockSize]byte // what is not chained yet; a whole block may be the last
	n           int             // bytes in last
	out         [blockSize]byte
}

// NewXCBC returns AES-XCBC-MAC (RFC 3566) under key, which has 16 bytes; the error
// comes from aes.NewCipher. Its Sum is the whole of 16 bytes, not cut to 12.
func NewXCBC(key []byte) (hash.Hash, error) {
	if len(key) != blockSize {
		return nil, aes.KeySizeError(len(key))
	}
	derive, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	m := new(mac)
	var first [blockSize]byte
	for i, k := range []*[blockSize]byte{&first, &m.whole, &m.part} {
		for j := range k {
			k[j] = byte(i + 1)
		}
		derive.Encrypt(k[:], k[:])
	}
	m.block, err = aes.NewCipher(first[:])
	clear(first[:])
	return m, err
}

// NewCMAC returns AES-CMAC (RFC 4493) under key, which has 16, 24 or 32 bytes; the
// error comes from aes.NewCipher. Its Sum is the whole of 16 bytes, not cut to 12.
func NewCMAC(key []byte) (hash.Hash, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	m := &mac{block: block}
	block.Encrypt(m.whole[:], m.whole[:])
	double(&m.whole)
	m.part = m.whole
	double(&m.part)
	return m, nil
}

// double multiplies by x in GF(2¹²⁸), in constant time: RFC 4493, section 2.3.
func double(b *[blockSize]byte) {
	carry := b[0] >> 7
	for i := range blockSize - 1 {
		b[i] = b[i]<<1 | b[i+1]>>7
	}
	b[blockSize-1] = b[blockSize-1]<<1 ^ 0x87&-carry
}

func (m *mac) Size() int      { return blockSize }
func (m *mac) BlockSize() int { return blockSize }

func (m *mac) Reset() {
	clear(m.state[:])
	m.n = 0
}

// Write chains all but the last bytes, at least one: only Sum knows which
// block is the last.
func (m *mac) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		if m.n == blockSize {
			m.chain(m.last[:])
			m.n = 0
		}
		for m.n == 0 && len(p) > blockSize {
			m.chain(p[:blockSize])
			p = p[blockSize:]
		}
		n := copy(m.last[m.n:], p)
		m.n += n
		p = p[n:]
	}
	return written, nil
}

func (m *mac) chain(block []byte) {
	subtle.XORBytes(m.state[:], m.state[:], block)
	m.block.Encrypt(m.state[:], m.state[:])
}

// Sum appends the MAC of what was written; more can be written afterwards.
func (m *mac) Sum(b []byte) []byte {
	mask := &m.whole
	m.out = [blockSize]byte{}
	copy(m.out[:], m.last[:m.n])
	if m.n < blockSize {
		mask = &m.part
		m.out[m.n] = 0x80
	}
	subtle.XORBytes(m.out[:], m.out[:], mask[:])
	subtle.XORBytes(m.out[:], m.out[:], m.state[:])
	m.block.Encrypt(m.out[:], m.out[:])
	b = slices.Grow(b, blockSize)
	return append(b, m.out[:]...)
}
