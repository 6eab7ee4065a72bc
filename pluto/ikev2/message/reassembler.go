package message

import (
	"errors"
	"fmt"
	"slices"
)

// ErrFragment is a fragment that does not count and is to be forgotten without
// an answer: one that is here already, or that belongs to another message or
// another cut of it than the one being put together.
var ErrFragment = errors.New("fragment left out")

// A Reassembler puts one message at a time together from its fragments, by the
// rules of RFC 7383, section 2.6. Its zero value is ready. It keeps only
// fragments that have been authenticated, and never more than MaxFragments or
// MaxMessage bytes of payloads.
type Reassembler struct {
	header Header
	first  PayloadType
	parts  [][]byte // by number, from 0 on; nil where it is missing
	have   int
	size   int
}

// Reset forgets the message being put together, as when it came in one piece.
func (r *Reassembler) Reset() { *r = Reassembler{} }

// Size returns about how many bytes are kept.
func (r *Reassembler) Size() int { return r.size + sliceSize*len(r.parts) }

// sliceSize is what one of parts takes beside its bytes.
const sliceSize = 24

// Add takes the message that m is a fragment of. When that was the last one
// missing it returns the payloads inside, which alias no fragment, and true. A
// fragment of another message (ID, exchange or direction) takes the place of what is
// there, once authenticated; so the caller first turns away those that it does
// not wait for. Errors are as of Encrypted.Open, or wrap ErrFragment.
func (r *Reassembler) Add(m *Message, p Protector) ([]Payload, bool, error) {
	f := First[*EncryptedFragment](m.Payloads)
	if f == nil {
		return nil, false, malformed("message", "no SKF payload in %s", m.Header)
	}
	total, index := int(f.Total), int(f.Number)-1
	if total > MaxFragments {
		return nil, false, fmt.Errorf("%w: %d of them, at most %d are taken", ErrFragment, total, MaxFragments)
	}
	fresh := len(r.parts) == 0 || r.header != m.Header || total > len(r.parts)
	if !fresh {
		if total < len(r.parts) {
			return nil, false, fmt.Errorf("%w: one of %d, expected one of %d", ErrFragment, total, len(r.parts))
		}
		if r.parts[index] != nil {
			return nil, false, fmt.Errorf("%w: %d of %d is here already", ErrFragment, f.Number, f.Total)
		}
	}
	plaintext, err := p.Open(f.prefix, f.Body)
	if err != nil {
		return nil, false, fmt.Errorf("failed to open SKF: %w", err)
	}
	if fresh {
		*r = Reassembler{header: m.Header, parts: make([][]byte, total)}
	}
	if r.size+len(plaintext) > MaxMessage {
		r.Reset()
		return nil, false, malformed("SKF", "more than %d bytes of payloads", MaxMessage)
	}
	if index == 0 {
		r.first = f.First
	}
	r.parts[index] = append(make([]byte, 0, len(plaintext)), plaintext...)
	r.have++
	r.size += len(plaintext)
	if r.have < total {
		return nil, false, nil
	}
	whole, first := slices.Concat(r.parts...), r.first
	r.Reset()
	payloads, err := parseInner(whole, first)
	return payloads, err == nil, err
}
