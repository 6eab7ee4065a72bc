package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"ipsec/klips/algorithm/aesmode"
	"ipsec/pluto/suite"
)

// ErrOpen refuses an Encrypted payload that is too short, of the wrong length, with
// a wrong ICV or a wrong pad length; it does not tell them apart.
var ErrOpen = errors.New("encrypted payload does not authenticate")

// A Protector seals and opens the Encrypted payloads of one direction of an IKE SA,
// RFC 7296, section 3.14, RFC 5282. It is for one goroutine at a time.
//
// It points into the suite that it was made of. It keeps the bare keys and expands them for each
// message: an IKE SA is idle most of its life, there are many of them, and expanded keys are ten
// times as long, out of reach of Clear besides.
type Protector struct {
	encryption     *suite.Encryption
	integrity      *suite.Integrity // nil with an AEAD
	key, salt, mac []byte
	ivs            []byte // the key that makes the IVs of CBC
	used           uint64 // IVs so far
}

// NewProtector returns the Protector of one direction under its SK_e and SK_a, whose
// lengths the suite tells. From random come 32 bytes with a cipher in CBC
// mode, and nothing otherwise: its IVs are a counter, encrypted under a key that is
// used for nothing else (NIST SP 800-38A, appendix C), those of other ciphers the
// counter itself. The IVs of two Protectors under the same keys repeat
// each other.
func NewProtector(s *suite.Suite, encKey, authKey []byte, random io.Reader) (*Protector, error) {
	p := &Protector{encryption: &s.Encryption}
	if !s.Encryption.AEAD() {
		p.integrity = &s.Integrity
	}
	e := p.encryption
	if want := s.EncKeyLen(); len(encKey) != want {
		return nil, fmt.Errorf("key of %s has %d bytes, expected %d", e.Name, len(encKey), want)
	}
	if want := s.Integrity.Key; len(authKey) != want {
		return nil, fmt.Errorf("integrity key has %d bytes, expected %d", len(authKey), want)
	}
	keys := append(bytes.Clone(encKey), authKey...)
	keys, p.mac = keys[:len(encKey)], keys[len(encKey):]
	p.key, p.salt = keys[:len(keys)-e.Salt], keys[len(keys)-e.Salt:]
	if e.AEAD() || e.ID == suite.AESCTR {
		return p, nil
	}
	p.ivs = make([]byte, 32)
	if _, err := io.ReadFull(random, p.ivs); err != nil {
		return nil, fmt.Errorf("failed to read randomness for %s: %w", e.Name, err)
	}
	return p, nil
}

// Clear overwrites the keys. The Protector is of no use afterwards.
func (p *Protector) Clear() {
	clear(p.key)
	clear(p.salt)
	clear(p.mac)
	clear(p.ivs)
}

// aead returns the cipher of an AEAD.
func (p *Protector) aead() cipher.AEAD {
	e := p.encryption
	if e.ID == suite.ChaCha20Poly1305 {
		return must(chacha20poly1305.New(p.key))
	}
	block := must(aes.NewCipher(p.key))
	switch e.ID {
	case suite.AESCCM8, suite.AESCCM12, suite.AESCCM16:
		return must(aesmode.NewCCM(block, e.Salt+e.IV, e.ICV))
	}
	return must(aesmode.NewGCM(block, e.ICV))
}

// block returns the block cipher under another mode.
func (p *Protector) block() cipher.Block {
	if p.encryption.ID == suite.TripleDES {
		return must(des.NewTripleDESCipher(p.key))
	}
	return must(aes.NewCipher(p.key))
}

// icv returns the length of the ICV.
func (p *Protector) icv() int {
	if p.integrity != nil {
		return p.integrity.ICV
	}
	return p.encryption.ICV
}

// Overhead returns how many bytes longer than a plaintext of n bytes is what Seal
// makes of it.
func (p *Protector) Overhead(n int) int {
	return p.encryption.IV + p.padding(n) + 1 + p.icv()
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
	if p.integrity == nil {
		var nonce [12]byte
		return p.aead().Seal(dst[:body], p.nonce(&nonce, iv), dst[body:], aad)
	}
	p.crypt(dst[body:], iv, true)
	return p.sum(dst, aad, dst[start:])
}

// Open returns the plaintext of body, which is an Encrypted payload without its header,
// and without what pads it. aad is what Seal had. body stays as it is. The
// error is ErrOpen.
func (p *Protector) Open(aad, body []byte) ([]byte, error) {
	size := len(body) - p.encryption.IV - p.icv()
	if size < 1 || size%p.encryption.Block != 0 {
		return nil, ErrOpen
	}
	iv, sealed, icv := body[:p.encryption.IV], body[p.encryption.IV:], body[p.encryption.IV+size:]
	var plain []byte
	if p.integrity == nil {
		var nonce [12]byte
		var err error
		if plain, err = p.aead().Open(nil, p.nonce(&nonce, iv), sealed, aad); err != nil {
			return nil, ErrOpen
		}
	} else {
		var room [64]byte
		if !hmac.Equal(icv, p.sum(room[:0], aad, body[:len(body)-p.icv()])) {
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
	must(aes.NewCipher(p.ivs)).Encrypt(iv[:], iv[:])
	return append(dst, iv[:p.encryption.IV]...)
}

// nonce returns the salt followed by the IV.
func (p *Protector) nonce(room *[12]byte, iv []byte) []byte {
	return append(append(room[:0], p.salt...), iv...)
}

// crypt encrypts or decrypts in place.
func (p *Protector) crypt(data, iv []byte, encrypt bool) {
	switch {
	case p.encryption.ID == suite.AESCTR: // RFC 5930, RFC 3686, section 4
		var nonce [12]byte
		counter := append(p.nonce(&nonce, iv), 0, 0, 0, 1)
		cipher.NewCTR(p.block(), counter).XORKeyStream(data, data)
	case encrypt:
		cipher.NewCBCEncrypter(p.block(), iv).CryptBlocks(data, data)
	default:
		cipher.NewCBCDecrypter(p.block(), iv).CryptBlocks(data, data)
	}
}

// sum appends to dst the ICV of aad followed by data.
func (p *Protector) sum(dst, aad, data []byte) []byte {
	h := must(p.integrity.MAC(p.mac))
	h.Write(aad)
	h.Write(data)
	return h.Sum(dst)[:len(dst)+p.icv()]
}

// Protectors returns what seals messages and what opens them, on the side of the
// IKE SA's initiator or of its responder. NewProtector says what random is for.
func Protectors(s *suite.Suite, k Keys, initiator bool, random io.Reader) (out, in *Protector, err error) {
	i, err := NewProtector(s, k.Ei, k.Ai, random)
	if err != nil {
		return nil, nil, err
	}
	r, err := NewProtector(s, k.Er, k.Ar, random)
	if err != nil {
		return nil, nil, err
	}
	if initiator {
		return i, r, nil
	}
	return r, i, nil
}

// must is for keys whose length is right by construction.
func must[T any](made T, err error) T {
	if err != nil {
		panic("keys: " + err.Error())
	}
	return made
}
