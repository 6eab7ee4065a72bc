package esp

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"ipsec/klips/algorithm"
	"ipsec/klips/algorithm/aesmode"
)

// newSuite returns the suite of p, whose cipher is c, and the length of its ICV.
func newSuite(c algorithm.Cipher, p Params) (suite, int, error) {
	key, salt := p.EncKey[:len(p.EncKey)-c.Salt], p.EncKey[len(p.EncKey)-c.Salt:]
	if c.AEAD() {
		if p.Auth != "" || len(p.AuthKey) > 0 {
			return nil, 0, fmt.Errorf("%s authenticates by itself, expected no authenticator beside it, found %q", c.Name, p.Auth)
		}
		aead, err := newAEAD(c, key)
		if err != nil {
			return nil, 0, err
		}
		s := &combined{aead: aead, esn: p.ESN, nonce: append(bytes.Clone(salt), make([]byte, c.IV)...), salt: len(salt)}
		return s, c.ICV, nil
	}
	if p.Auth == "" {
		return nil, 0, fmt.Errorf("%s does not authenticate by itself, expected an authenticator beside it", c.Name)
	}
	mac, err := algorithm.NewMAC(p.Auth, p.AuthKey)
	if err != nil {
		return nil, 0, err
	}
	crypt, err := newCrypter(c, key, salt)
	if err != nil {
		return nil, 0, err
	}
	return &separate{crypt: crypt, mac: mac, header: headerLen + c.IV, esn: p.ESN}, mac.Size(), nil
}

func newAEAD(c algorithm.Cipher, key []byte) (cipher.AEAD, error) {
	if c.Name == "chacha20poly1305" {
		return chacha20poly1305.New(key)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(c.Name, "aesccm") {
		return aesmode.NewCCM(block, c.Salt+c.IV, c.ICV)
	}
	return aesmode.NewGCM(block, c.ICV)
}

func newCrypter(c algorithm.Cipher, key, salt []byte) (crypter, error) {
	switch c.Name {
	case "null":
		return null{}, nil
	case "3des":
		block, err := des.NewTripleDESCipher(key)
		if err != nil {
			return nil, err
		}
		return newCBC(block), nil
	case "aes":
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		return newCBC(block), nil
	case "aesctr":
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		return newCTR(block, salt)
	}
	return nil, fmt.Errorf("cipher %q has no implementation", c.Name)
}

// combined is an AEAD: RFC 4106, RFC 4309 and RFC 7634, which agree in
// additional data and, but for the salt's length, in the nonce.
type combined struct {
	aead  cipher.AEAD
	esn   bool
	nonce []byte // the salt, and the IV of the packet at hand
	salt  int    // length
	aad   [12]byte
}

func (s *combined) seal(packet, plain []byte, high uint32) {
	aad := s.prepare(packet, high)
	s.aead.Seal(packet[:headerLen+8][headerLen+8:], s.nonce, plain, aad)
}

func (s *combined) open(packet []byte, high uint32) bool {
	aad := s.prepare(packet, high)
	sealed := packet[headerLen+8:]
	_, err := s.aead.Open(sealed[:0], s.nonce, sealed, aad)
	return err == nil
}

// prepare fills in the nonce and returns the additional data: the SPI and the
// sequence number, all 64 bits of it with ESN.
func (s *combined) prepare(packet []byte, high uint32) []byte {
	copy(s.nonce[s.salt:], packet[headerLen:headerLen+8])
	if !s.esn {
		return packet[:headerLen]
	}
	copy(s.aad[:4], packet[:4])
	binary.BigEndian.PutUint32(s.aad[4:], high)
	copy(s.aad[8:], packet[4:8])
	return s.aad[:]
}

// separate is a cipher and a MAC over what it made: RFC 4303, section 3.3.2.1.
type separate struct {
	crypt  crypter
	mac    *algorithm.MAC
	header int // header and IV
	esn    bool
}

func (s *separate) seal(packet, plain []byte, high uint32) {
	end := len(packet) - s.mac.Size()
	s.crypt.encrypt(packet[s.header:end], plain, packet[headerLen:s.header])
	s.digest(packet[:end], high)
	s.mac.Sum(packet[end:])
}

func (s *separate) open(packet []byte, high uint32) bool {
	end := len(packet) - s.mac.Size()
	s.digest(packet[:end], high)
	if !s.mac.Verify(packet[end:]) {
		return false
	}
	s.crypt.decrypt(packet[s.header:end], packet[headerLen:s.header])
	return true
}

func (s *separate) digest(message []byte, high uint32) {
	s.mac.Reset()
	s.mac.Write(message)
	if s.esn {
		s.mac.WriteUint32(high)
	}
}
