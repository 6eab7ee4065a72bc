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
	s, icv, err := oneSuite(c, p)
	if err != nil || stateless(c) {
		return s, icv, err
	}
	p.EncKey, p.AuthKey = bytes.Clone(p.EncKey), bytes.Clone(p.AuthKey) // for another
	return several{algorithm.NewStates(s, func() suite {
		another, _, err := oneSuite(c, p)
		if err != nil {
			panic("esp: parameters that were good are not: " + err.Error())
		}
		return another
	})}, icv, nil
}

// stateless reports whether goroutines may share a suite of the cipher: those of
// aesmode and CBC keep a state, and so does every MAC.
func stateless(c algorithm.Cipher) bool {
	return c.AEAD() && !strings.HasPrefix(c.Name, "aesccm") && c.Name != "aesgcm8"
}

// several gives each goroutine a suite of its own.
type several struct{ *algorithm.States[suite] }

func (s several) seal(w *Scratch, packet, plain []byte, high uint32) {
	one := s.Get()
	one.seal(w, packet, plain, high)
	s.Put(one)
}

func (s several) open(w *Scratch, packet []byte, high uint32) bool {
	one := s.Get()
	ok := one.open(w, packet, high)
	s.Put(one)
	return ok
}

// oneSuite is like newSuite, for a suite that one goroutine uses at a time.
func oneSuite(c algorithm.Cipher, p Params) (suite, int, error) {
	key, salt := p.EncKey[:len(p.EncKey)-c.Salt], p.EncKey[len(p.EncKey)-c.Salt:]
	if c.AEAD() {
		if p.Auth != "" || len(p.AuthKey) > 0 {
			return nil, 0, fmt.Errorf("%s authenticates by itself, expected no authenticator beside it, found %q", c.Name, p.Auth)
		}
		aead, err := newAEAD(c, key)
		if err != nil {
			return nil, 0, err
		}
		s := &combined{aead: aead, esn: p.ESN, saltLen: uint8(len(salt))}
		copy(s.salt[:], salt)
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
	aead    cipher.AEAD
	salt    [4]byte
	saltLen uint8
	esn     bool
}

func (s *combined) seal(w *Scratch, packet, plain []byte, high uint32) {
	nonce, aad := s.prepare(w, packet, high)
	s.aead.Seal(packet[:headerLen+8][headerLen+8:], nonce, plain, aad)
}

func (s *combined) open(w *Scratch, packet []byte, high uint32) bool {
	nonce, aad := s.prepare(w, packet, high)
	sealed := packet[headerLen+8:]
	_, err := s.aead.Open(sealed[:0], nonce, sealed, aad)
	return err == nil
}

// prepare returns the nonce, which is the salt and the IV, and the additional
// data: the SPI and the sequence number, all 64 bits of it with ESN.
func (s *combined) prepare(w *Scratch, packet []byte, high uint32) (nonce, aad []byte) {
	nonce = w.nonce[:s.saltLen+8]
	copy(nonce, s.salt[:s.saltLen])
	copy(nonce[s.saltLen:], packet[headerLen:headerLen+8])
	if !s.esn {
		return nonce, packet[:headerLen]
	}
	copy(w.aad[:4], packet[:4])
	binary.BigEndian.PutUint32(w.aad[4:], high)
	copy(w.aad[8:], packet[4:8])
	return nonce, w.aad[:]
}

// separate is a cipher and a MAC over what it made: RFC 4303, section 3.3.2.1.
type separate struct {
	crypt  crypter
	mac    *algorithm.MAC
	header int // header and IV
	esn    bool
}

func (s *separate) seal(_ *Scratch, packet, plain []byte, high uint32) {
	end := len(packet) - s.mac.Size()
	s.crypt.encrypt(packet[s.header:end], plain, packet[headerLen:s.header])
	s.digest(packet[:end], high)
	s.mac.Sum(packet[end:])
}

func (s *separate) open(_ *Scratch, packet []byte, high uint32) bool {
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
