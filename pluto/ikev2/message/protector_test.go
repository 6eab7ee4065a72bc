package message

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
)

// toy is a Protector whose "cipher" flips all bits, with the layout of
// a block cipher with a MAC of its own: IV of 16 bytes, padding to a multiple of
// 16, ICV of 16 bytes.
type toy struct{ key string }

const toyBlock = 16

var errToy = errors.New("wrong ICV")

func (toy) Overhead(n int) int { return toyBlock + toyBlock - n%toyBlock + toyBlock }

func (p toy) Seal(dst, aad, plaintext []byte) []byte {
	mac := hmac.New(sha256.New, []byte(p.key))
	mac.Write(aad)
	pad := toyBlock - 1 - len(plaintext)%toyBlock
	body := append(make([]byte, toyBlock), plaintext...)
	body = append(append(body, make([]byte, pad)...), byte(pad))
	for i := range body {
		body[i] ^= 0xff
	}
	mac.Write(body)
	return append(append(dst, body...), mac.Sum(nil)[:toyBlock]...)
}

func (p toy) Open(aad, body []byte) ([]byte, error) {
	n := len(body) - toyBlock
	if n < 2*toyBlock || n%toyBlock != 0 {
		return nil, errToy
	}
	mac := hmac.New(sha256.New, []byte(p.key))
	mac.Write(aad)
	mac.Write(body[:n])
	if !hmac.Equal(mac.Sum(nil)[:toyBlock], body[n:]) {
		return nil, errToy
	}
	plain := bytes.Clone(body[toyBlock:n])
	for i := range plain {
		plain[i] ^= 0xff
	}
	pad := int(plain[len(plain)-1])
	if pad >= len(plain) {
		return nil, errToy
	}
	return plain[:len(plain)-1-pad], nil
}
