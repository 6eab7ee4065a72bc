package suite

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"ipsec/klips/algorithm/aesmode"
)

// ErrOpen refuses an Encrypted payload that is too short, of the wrong length, with
// a wrong ICV or a wrong pad length; it does not tell them apart.
var ErrOpen = errors.New("encrypted payload does not authenticate")

// A Protector seals and opens the Encrypted payloads of one direction of an IKE SA,
// RFC 7296, section 3.14, RFC 5282. It is for one goroutine at a time.
type Protector struct {
	encryption Encryption
	icv        int
	salt       []byte
	used       uint64       // IVs so far
	ivs        cipher.Block // what makes the IVs of CBC
	aead       cipher.AEAD  // or else the two below
	block      cipher.Block
	mac        hash.Hash
}

// NewProtector returns the Protector of one direction under its SK_e and SK_a, whose
// lengths the suite tells. From random come 32 bytes with a cipher in CBC
// mode, and nothing otherwise: its IVs are a counter, encrypted under a key that is
// used for nothing else (NIST SP 800-38A, appendix C), those of other ciphers the
// counter itself. The IVs of two Protectors under the same keys repeat
// each other.
func (s Suite) NewProtector(encKey, authKey []byte, random io.Reader) (*Protector, error) {
	e := s.Encryption
	p := &Protector{encryption: e, icv: e.ICV}
	if want := s.encLen; len(encKey) != want {
		return nil, fmt.Errorf("key of %s has %d bytes, expected %d", e.Name, len(encKey), want)
	}
	if want := s.Integrity.Key; len(authKey) != want {
		return nil, fmt.Errorf("integrity key has %d bytes, expected %d", len(authKey), want)
	}
	key := encKey[:len(encKey)-e.Salt]
	p.salt = append(p.salt, encKey[len(key):]...)
	var err error
	if e.AEAD() {
		p.aead, err = newAEAD(e, key)
		return p, err
	}
	p.icv = s.Integrity.ICV
	if p.mac, err = s.Integrity.keyed(authKey); err != nil {
		return nil, err
	}
	if e.ID == TripleDES {
		p.block, err = des.NewTripleDESCipher(key)
	} else {
		p.block, err = aes.NewCipher(key)
	}
	if err != nil || e.ID == AESCTR {
		return p, err
	}
	var ivKey [32]byte
	if _, err := io.ReadFull(random, ivKey[:]); err != nil {
		return nil, fmt.Errorf("failed to read randomness for %s: %w", e.Name, err)
	}
	p.ivs, err = aes.NewCipher(ivKey[:])
	clear(ivKey[:])
	return p, err
}

func newAEAD(e Encryption, key []byte) (cipher.AEAD, error) {
	if e.ID == ChaCha20Poly1305 {
		return chacha20poly1305.New(key)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	switch e.ID {
	case AESCCM8, AESCCM12, AESCCM16:
		return aesmode.NewCCM(block, e.Salt+e.IV, e.ICV)
	}
	return aesmode.NewGCM(block, e.ICV)
}

// Overhead returns how many bytes longer than a plaintext of n bytes is what Seal
// makes of it.
func (p *Protector) Overhead(n int) int {
	return p.encryption.IV + p.padding(n) + 1 + p.icv
}

// padding returns how many bytes go between n bytes of plaintext and the pad length.
func (p *Protector) padding(n int) int {
	block := p.encryption.Block
	return (block - (n+1)%block) % block
}

// Seal appends to dst the IV, the ciphertext of plaintext with its padding and
// pad length, and the ICV, which covers aad too: the message from its first
// byte to the end of the header of the Encrypted payload, lengths filled in. aad may
// be dst itself; plaintext must lie apart from the room behind dst.
func (p *Protector) Seal(dst, aad, plaintext []byte) []byte {
	start := len(dst)
	dst = p.appendIV(dst)
	iv := dst[start:]
	body := len(dst)
	pad := p.padding(len(plaintext))
	dst = append(dst, plaintext...)
	for range pad {
		dst = append(dst, 0)
	}
	dst = append(dst, byte(pad))
	if p.aead != nil {
		var nonce [12]byte
		return p.aead.Seal(dst[:body], p.nonce(&nonce, iv), dst[body:], aad)
	}
	p.crypt(dst[body:], iv, true)
	return p.sum(dst, aad, dst[start:])
}

// Open returns the plaintext of body, which is an Encrypted payload without its header,
// and without what pads it. aad is what Seal had. body stays as it is. The
// error is ErrOpen.
func (p *Protector) Open(aad, body []byte) ([]byte, error) {
	size := len(body) - p.encryption.IV - p.icv
	if size < 1 || size%p.encryption.Block != 0 {
		return nil, ErrOpen
	}
	iv, sealed, icv := body[:p.encryption.IV], body[p.encryption.IV:], body[p.encryption.IV+size:]
	var plain []byte
	if p.aead != nil {
		var nonce [12]byte
		var err error
		if plain, err = p.aead.Open(nil, p.nonce(&nonce, iv), sealed, aad); err != nil {
			return nil, ErrOpen
		}
	} else {
		var room [64]byte
		if !hmac.Equal(icv, p.sum(room[:0], aad, body[:len(body)-p.icv])) {
			return nil, ErrOpen
		}
		plain = append(plain, sealed[:size]...)
		p.crypt(plain, iv, false)
	}
	pad := int(plain[size-1]) + 1
	if pad > size {
		return nil, ErrOpen
	}
	return plain[: size-pad : size-pad], nil
}

// appendIV appends an IV that was not there before. 2⁶⁴ of them are more than
// the 2³² message IDs of an IKE SA can use up.
func (p *Protector) appendIV(dst []byte) []byte {
	var iv [aes.BlockSize]byte
	p.used++
	if p.ivs == nil {
		return binary.BigEndian.AppendUint64(dst, p.used)
	}
	binary.BigEndian.PutUint64(iv[:], p.used)
	p.ivs.Encrypt(iv[:], iv[:])
	return append(dst, iv[:p.encryption.IV]...)
}

// nonce returns the salt followed by the IV.
func (p *Protector) nonce(room *[12]byte, iv []byte) []byte {
	return append(append(room[:0], p.salt...), iv...)
}

// crypt encrypts or decrypts in place.
func (p *Protector) crypt(data, iv []byte, encrypt bool) {
	switch {
	case p.encryption.ID == AESCTR: // RFC 5930, RFC 3686, section 4
		var nonce [12]byte
		counter := append(p.nonce(&nonce, iv), 0, 0, 0, 1)
		cipher.NewCTR(p.block, counter).XORKeyStream(data, data)
	case encrypt:
		cipher.NewCBCEncrypter(p.block, iv).CryptBlocks(data, data)
	default:
		cipher.NewCBCDecrypter(p.block, iv).CryptBlocks(data, data)
	}
}

// sum appends to dst the ICV of aad followed by data.
func (p *Protector) sum(dst, aad, data []byte) []byte {
	p.mac.Reset()
	p.mac.Write(aad)
	p.mac.Write(data)
	return p.mac.Sum(dst)[:len(dst)+p.icv]
}
