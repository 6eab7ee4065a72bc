package algorithm

import (
	"crypto/hmac"
	"crypto/sha512"
	"hash"
)

// A MAC computes a truncated HMAC (RFC 2104), XCBC or CMAC over what is written to it since
// the last Reset, packet after packet, without allocating. It is for one
// goroutine at a time.
type MAC struct {
	h     hash.Hash
	size  int
	sum   [sha512.Size]byte // room for the longest of them
	word  [4]byte
	zeros [sha512.Size]byte
}

// NewMAC returns the authenticator of that name under key. The error says
// which length was expected, or which names there are.
func NewMAC(name string, key []byte) (*MAC, error) {
	a, err := FindAuth(name)
	if err != nil {
		return nil, err
	}
	if err := a.CheckKey(key); err != nil {
		return nil, err
	}
	return newMAC(a, key)
}

func newMAC(a Auth, key []byte) (*MAC, error) {
	h, err := a.keyed(key)
	if err != nil {
		return nil, err
	}
	h.Reset() // the first one of an HMAC allocates to keep the keyed state
	return &MAC{h: h, size: a.ICV}, nil
}

// Size returns the length of the ICV in bytes, 12 to 32.
func (m *MAC) Size() int { return m.size }

// Reset begins another message.
func (m *MAC) Reset() { m.h.Reset() }

// Write adds p to the message.
func (m *MAC) Write(p []byte) { m.h.Write(p) }

// WriteUint32 adds v to the message, in network order: the high half of an
// extended sequence number.
func (m *MAC) WriteUint32(v uint32) {
	m.word = [4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}
	m.h.Write(m.word[:])
}

// WriteZeros adds n bytes of zeros to the message, at most Size: the ICV field of an AH.
func (m *MAC) WriteZeros(n int) { m.h.Write(m.zeros[:n]) }

// Sum puts the ICV of the message into icv, which is Size bytes long.
func (m *MAC) Sum(icv []byte) {
	copy(icv, m.h.Sum(m.sum[:0])[:m.size])
}

// Verify reports, in constant time, whether icv is the ICV of the message.
func (m *MAC) Verify(icv []byte) bool {
	return hmac.Equal(icv, m.h.Sum(m.sum[:0])[:m.size])
}
