package aesmode

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// ccm is NIST SP 800-38C; the names in it are those of RFC 3610.
type ccm struct {
	block      cipher.Block
	nonce, tag int // lengths
	counter    [blockSize]byte
	state      [blockSize]byte // of the CBC-MAC
	stream     [blockSize]byte // keystream at hand
	first      [blockSize]byte // S_0, which masks the tag
	padded     [blockSize]byte
}

// NewCCM returns CCM over a block cipher of 16 bytes, with nonces of 7 to 13 bytes
// and an ICV of 4 to 16, an even number. ESP and IKE use nonces of 11 bytes (RFC
// 4309, RFC 5282). It is for one goroutine at a time.
func NewCCM(block cipher.Block, nonce, icv int) (cipher.AEAD, error) {
	if block.BlockSize() != blockSize || nonce < 7 || nonce > 13 || icv < 4 || icv > 16 || icv%2 != 0 {
		return nil, fmt.Errorf("malformed parameters of CCM: blocks of %d bytes, nonce of %d, ICV of %d", block.BlockSize(), nonce, icv)
	}
	return &ccm{block: block, nonce: nonce, tag: icv}, nil
}

func (c *ccm) NonceSize() int { return c.nonce }
func (c *ccm) Overhead() int  { return c.tag }

// Seal does what cipher.AEAD says. It panics at a nonce of another length and at
// more bytes than the length field, as wide as the nonce leaves it, can tell.
func (c *ccm) Seal(dst, nonce, plain, aad []byte) []byte {
	c.start(nonce, aad, len(plain))
	at, size := len(dst), len(plain)
	dst = slices.Grow(dst, size+c.tag)[:at+size+c.tag]
	out := dst[at:]
	for i := 0; i < size; i += blockSize {
		from := plain[i:min(i+blockSize, size)]
		c.authenticate(from)
		c.next()
		subtle.XORBytes(out[i:], from, c.stream[:])
	}
	subtle.XORBytes(out[size:], c.state[:c.tag], c.first[:])
	return dst
}

// Open does what cipher.AEAD says. What it has written is cleared when the ICV
// is wrong.
func (c *ccm) Open(dst, nonce, sealed, aad []byte) ([]byte, error) {
	size := len(sealed) - c.tag
	if size < 0 {
		return nil, errOpen
	}
	c.start(nonce, aad, size)
	at := len(dst)
	dst = slices.Grow(dst, size)[:at+size]
	out := dst[at:]
	for i := 0; i < size; i += blockSize {
		to := out[i:min(i+blockSize, size)]
		c.next()
		subtle.XORBytes(to, sealed[i:size], c.stream[:])
		c.authenticate(to)
	}
	subtle.XORBytes(c.state[:], c.state[:], c.first[:])
	if subtle.ConstantTimeCompare(c.state[:c.tag], sealed[size:]) != 1 {
		clear(out)
		return nil, errOpen
	}
	return dst, nil
}

// start sets the counter to A_0, keeps S_0, and authenticates B_0 and the
// additional data.
func (c *ccm) start(nonce, aad []byte, size int) {
	if len(nonce) != c.nonce {
		panic("aesmode: wrong length of the nonce of CCM")
	}
	width := blockSize - 1 - c.nonce // L, 2 to 8
	if width < 8 && uint64(size) >= 1<<(8*width) || uint64(len(aad)) > math.MaxUint32 {
		panic("aesmode: message too long for CCM")
	}
	c.counter = [blockSize]byte{byte(width - 1)}
	copy(c.counter[1:], nonce)
	c.block.Encrypt(c.first[:], c.counter[:])

	clear(c.state[:])
	binary.BigEndian.PutUint64(c.state[8:], uint64(size))
	copy(c.state[:blockSize-width], c.counter[:])
	c.state[0] |= byte(c.tag-2) / 2 << 3
	if len(aad) > 0 {
		c.state[0] |= 1 << 6
	}
	c.block.Encrypt(c.state[:], c.state[:])
	if len(aad) > 0 {
		c.associate(aad)
	}
}

// associate authenticates the additional data behind its length, RFC 3610,
// section 2.2.
func (c *ccm) associate(aad []byte) {
	clear(c.padded[:])
	n := 2
	if len(aad) < 1<<16-1<<8 {
		binary.BigEndian.PutUint16(c.padded[:], uint16(len(aad)))
	} else {
		n = 6
		binary.BigEndian.PutUint16(c.padded[:], 0xfffe)
		binary.BigEndian.PutUint32(c.padded[2:], uint32(len(aad)))
	}
	n = copy(c.padded[n:], aad)
	c.authenticate(c.padded[:])
	for aad = aad[n:]; len(aad) > 0; aad = aad[n:] {
		n = min(blockSize, len(aad))
		c.authenticate(aad[:n])
	}
}

// authenticate chains a block, which zeros make whole.
func (c *ccm) authenticate(block []byte) {
	subtle.XORBytes(c.state[:], c.state[:], block)
	c.block.Encrypt(c.state[:], c.state[:])
}

// next puts the next block of keystream into stream. The counter has at least
// two bytes, and start has seen to it that it does not come round; four are
// enough for any message in memory that IPsec has.
func (c *ccm) next() {
	for i := blockSize - 1; ; i-- {
		c.counter[i]++
		if c.counter[i] != 0 {
			break
		}
	}
	c.block.Encrypt(c.stream[:], c.counter[:])
}
