package esp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// A crypter encrypts what another authenticates. Lengths are multiples of what
// it aligns to.
type crypter interface {
	encrypt(dst, src, iv []byte) // dst and src are of one length, the same or apart
	decrypt(data, iv []byte)
}

// null is RFC 2410.
type null struct{}

func (null) encrypt(dst, src, _ []byte) { copy(dst, src) }
func (null) decrypt(_, _ []byte)        {}

// settable is what the CBC modes of crypto/cipher are beside a BlockMode; it
// saves making one for each packet. crypto/tls relies on it likewise.
type settable interface {
	cipher.BlockMode
	SetIV([]byte)
}

// cbc is RFC 2451 and RFC 3602.
type cbc struct{ enc, dec settable }

func newCBC(block cipher.Block) crypter {
	iv := make([]byte, block.BlockSize())
	return &cbc{
		enc: cipher.NewCBCEncrypter(block, iv).(settable),
		dec: cipher.NewCBCDecrypter(block, iv).(settable),
	}
}

func (c *cbc) encrypt(dst, src, iv []byte) {
	c.enc.SetIV(iv)
	c.enc.CryptBlocks(dst, src)
}

func (c *cbc) decrypt(data, iv []byte) {
	c.dec.SetIV(iv)
	c.dec.CryptBlocks(data, data)
}

// ctr is RFC 3686. cipher.NewCTR allocates and cannot start again elsewhere; but
// GCM encrypts in the same counter mode, under the same nonce and counting from
// 2 where RFC 3686 counts from 1 (NIST SP 800-38D, section 7.1). So the first
// block is done here and the rest is GCM's, whose tag is dropped.
type ctr struct {
	block   cipher.Block
	gcm     cipher.AEAD
	nonce   [12]byte // the nonce of the SA, and the IV of the packet at hand
	stream  [aes.BlockSize]byte
	scratch []byte
}

func newCTR(block cipher.Block, nonce []byte) (crypter, error) {
	gcm, err := cipher.NewGCM(block)
	c := &ctr{block: block, gcm: gcm}
	copy(c.nonce[:], nonce)
	return c, err
}

func (c *ctr) encrypt(dst, src, iv []byte) {
	copy(c.nonce[4:], iv)
	copy(c.stream[:], c.nonce[:])
	binary.BigEndian.PutUint32(c.stream[12:], 1)
	c.block.Encrypt(c.stream[:], c.stream[:])
	first := subtle.XORBytes(dst, src, c.stream[:])
	c.scratch = c.gcm.Seal(c.scratch[:0], c.nonce[:], src[first:], nil)
	copy(dst[first:], c.scratch)
}

func (c *ctr) decrypt(data, iv []byte) { c.encrypt(data, data, iv) }
