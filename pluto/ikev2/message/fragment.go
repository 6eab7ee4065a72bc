package message

import (
	"encoding/binary"
	"fmt"
)

// EncryptedFragment holds a part of the payloads of a message (RFC 7383).
type EncryptedFragment struct {
	First  PayloadType // in fragment 1, the type of the first payload inside
	Number uint16      // from 1 on
	Total  uint16
	Body   []byte // IV, ciphertext and ICV
	// prefix is the message up to Body.
	prefix []byte
}

// fragmentLen is the length of number and total.
const fragmentLen = 4

func (*EncryptedFragment) Type() PayloadType { return TypeEncryptedFragment }

// parseFragment reads the body that starts at message[at].
func parseFragment(b []byte, first PayloadType, message []byte, at int) (*EncryptedFragment, error) {
	f, rest, err := fixed(TypeEncryptedFragment, b, fragmentLen)
	if err != nil {
		return nil, err
	}
	p := &EncryptedFragment{
		First:  first,
		Number: binary.BigEndian.Uint16(f),
		Total:  binary.BigEndian.Uint16(f[2:]),
		Body:   rest,
		prefix: prefix(message, at+fragmentLen),
	}
	if p.Number == 0 || p.Number > p.Total {
		return nil, malformed("SKF", "fragment %d of %d", p.Number, p.Total)
	}
	if p.Number > 1 && first != TypeNone {
		return nil, malformed("SKF", "fragment %d names a first payload", p.Number)
	}
	return p, nil
}

func (p *EncryptedFragment) appendBody(dst []byte) ([]byte, error) {
	dst = binary.BigEndian.AppendUint16(dst, p.Number)
	dst = binary.BigEndian.AppendUint16(dst, p.Total)
	return append(dst, p.Body...), nil
}

// SealFragments is Seal into as many messages as it takes for none to be longer
// than size: one with an SK payload if that is short enough, else several with an
// SKF payload each. The size does not count the headers of UDP and IP nor the
// non-ESP marker.
func SealFragments(h Header, payloads []Payload, p Protector, size int) ([][]byte, error) {
	plaintext, err := appendPayloads(nil, payloads)
	if err != nil {
		return nil, err
	}
	if len(plaintext) > MaxMessage {
		return nil, fmt.Errorf("failed to encode message: %d bytes of payloads, at most %d can be sent", len(plaintext), MaxMessage)
	}
	size = min(size, MaxMessage)
	first := firstType(payloads)
	if sealedLen(len(plaintext), p) <= size {
		return [][]byte{seal(nil, h, first, plaintext, p)}, nil
	}
	const fixed = HeaderLen + genericLen + fragmentLen
	part := size - fixed
	for part > 0 && fixed+part+p.Overhead(part) > size {
		part--
	}
	if part <= 0 {
		return nil, fmt.Errorf("failed to make fragments: none of %d bytes can hold anything", size)
	}
	total := (len(plaintext) + part - 1) / part
	if total > MaxFragments {
		return nil, fmt.Errorf("failed to make fragments: %d of %d bytes, at most %d can be sent", total, size, MaxFragments)
	}
	messages := make([][]byte, 0, total)
	for i := range total {
		chunk := plaintext[i*part : min((i+1)*part, len(plaintext))]
		n := fixed + len(chunk) + p.Overhead(len(chunk))
		m := h.append(make([]byte, 0, n), TypeEncryptedFragment)
		setLength(m, n)
		m = append(m, byte(first), 0)
		m = binary.BigEndian.AppendUint16(m, uint16(n-HeaderLen))
		m = binary.BigEndian.AppendUint16(m, uint16(i+1))
		m = binary.BigEndian.AppendUint16(m, uint16(total))
		messages = append(messages, p.Seal(m, m, chunk))
		first = TypeNone
	}
	return messages, nil
}
