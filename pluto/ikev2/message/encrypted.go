package message

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// A Protector encrypts and authenticates what one end sends, with the keys of one
// direction of an IKE SA. It puts the padding in and takes it off.
type Protector interface {
	// Overhead is how much longer a body is than the plaintext of n bytes in it:
	// IV, padding with its length, and ICV.
	Overhead(n int) int
	// Seal appends IV, ciphertext and ICV. What is authenticated without being
	// encrypted is aad: the message from its header up to the body, lengths
	// included (RFC 5282, section 5.1). Where the ICV is a MAC of its own, it
	// covers aad, IV and ciphertext.
	Seal(dst, aad, plaintext []byte) []byte
	// Open gives back the plaintext of body, or fails. It may decrypt in place.
	Open(aad, body []byte) ([]byte, error)
}

// Encrypted is the payload that holds all others, SK in the exchanges of RFC 7296
// (section 3.14).
type Encrypted struct {
	First PayloadType // the type of the first payload inside
	Body  []byte      // IV, ciphertext and ICV
	// prefix is the message up to Body.
	prefix []byte
}

func (*Encrypted) Type() PayloadType                       { return TypeEncrypted }
func (p *Encrypted) appendBody(dst []byte) ([]byte, error) { return append(dst, p.Body...), nil }

// Open authenticates the message that the payload was parsed from, and returns
// the payloads inside, which alias it. An error of Parse's kinds means that the
// peer itself sent what is wrong; any other, that it is not known who did.
func (p *Encrypted) Open(protector Protector) ([]Payload, error) {
	plaintext, err := protector.Open(p.prefix, p.Body)
	if err != nil {
		return nil, fmt.Errorf("failed to open SK: %w", err)
	}
	return parseInner(plaintext, p.First)
}

// parseInner reads the payloads inside an encrypted one, which cannot hold another.
func parseInner(plaintext []byte, first PayloadType) ([]Payload, error) {
	payloads, err := parsePayloads(plaintext, 0, first)
	if err != nil {
		return nil, err
	}
	if n := len(payloads); n > 0 {
		switch last := payloads[n-1].Type(); last {
		case TypeEncrypted, TypeEncryptedFragment:
			return nil, malformed("SK", "%s inside of it", last)
		}
	}
	return payloads, nil
}

// Open opens the message's SK payload.
func (m *Message) Open(p Protector) ([]Payload, error) {
	sk := First[*Encrypted](m.Payloads)
	if sk == nil {
		return nil, malformed("message", "no SK payload in %s", m.Header)
	}
	return sk.Open(p)
}

// Seal appends a message with the payloads encrypted in an SK payload.
func Seal(dst []byte, h Header, payloads []Payload, p Protector) ([]byte, error) {
	plaintext, err := appendPayloads(nil, payloads)
	if err != nil {
		return nil, err
	}
	if n := sealedLen(len(plaintext), p); n > MaxMessage {
		return nil, fmt.Errorf("failed to encode message: %d bytes, at most %d can be sent", n, MaxMessage)
	}
	return seal(dst, h, firstType(payloads), plaintext, p), nil
}

func sealedLen(n int, p Protector) int { return HeaderLen + genericLen + n + p.Overhead(n) }

func seal(dst []byte, h Header, first PayloadType, plaintext []byte, p Protector) []byte {
	n := sealedLen(len(plaintext), p)
	start := len(dst)
	dst = h.append(slices.Grow(dst, n), TypeEncrypted)
	setLength(dst[start:], n)
	dst = append(dst, byte(first), 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(n-HeaderLen))
	return p.Seal(dst, dst[start:], plaintext)
}
