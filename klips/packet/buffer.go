// Package packet reads and writes IPv4 and IPv6 packets: headers with their
// options and extensions, checksums, fragments, the ICMP messages that answer
// a packet, and the ECN and DSCP bits of tunnels (RFC 6040).
//
// Nothing here allocates for a packet: it lives in a [Buffer] with room around
// it for all that a data path puts on.
package packet

import "net/netip"

// The room around a packet in a Buffer, in bytes: before it for an outer
// header of IPv6, UDP, AH, ESP and an ICMP answer, behind it for the padding,
// trailer and ICV of ESP.
const (
	Headroom = 256
	Tailroom = 64
)

// MaxSize is the length in bytes of the longest packet that IPv4 can describe,
// and the longest that is handled of IPv6.
const MaxSize = 65535

// A Buffer holds one packet, with spare room before and behind it. It is for
// one goroutine at a time.
type Buffer struct {
	store      []byte
	start, end int

	// Segment is not zero where there are several packets, one behind the
	// other, of which all but the last, which may be shorter, have that many
	// bytes. It stands for one of two things. Where the host sent it, or has
	// it, it is one TCP segment or UDP datagram that is too long, and to be
	// cut: Segment counts the bytes behind the TCP or UDP header. On the
	// wire it is a header of IP, and of UDP on the way out, that is to precede
	// each ESP packet behind it: Segment counts the bytes of an ESP packet.
	Segment int

	// Encap are the addresses of the UDP datagram that the packet came in,
	// its IP and UDP headers replaced by an IP header that names ESP. The zero
	// value says that it did not come in UDP.
	Encap struct{ Src, Dst netip.AddrPort }
}

// NewBuffer returns an empty Buffer for packets of up to size bytes.
func NewBuffer(size int) *Buffer {
	b := &Buffer{store: make([]byte, Headroom+size+Tailroom)}
	b.Reset()
	return b
}

// NewBuffers returns n Buffers as NewBuffer makes them.
func NewBuffers(n, size int) []*Buffer {
	buffers := make([]*Buffer, n)
	for i := range buffers {
		buffers[i] = NewBuffer(size)
	}
	return buffers
}

// Reset empties the Buffer and restores the room before the packet.
func (b *Buffer) Reset() {
	b.start, b.end, b.Segment = Headroom, Headroom, 0
	b.Encap.Src, b.Encap.Dst = netip.AddrPort{}, netip.AddrPort{}
}

// Space returns the bytes that a packet may be read into; SetLen then says how
// many there are.
func (b *Buffer) Space() []byte { return b.store[Headroom : len(b.store)-Tailroom] }

// SpaceAfter is Space with n more bytes, at most Headroom, before it.
func (b *Buffer) SpaceAfter(n int) []byte { return b.store[Headroom-n : len(b.store)-Tailroom] }

// Over makes b the packet that lies in store from start to end. It has the rest
// of store as its room, which may be that of other packets too.
func (b *Buffer) Over(store []byte, start, end int) {
	b.store, b.start, b.end, b.Segment = store, start, end, 0
	b.Encap.Src, b.Encap.Dst = netip.AddrPort{}, netip.AddrPort{}
}

// Part makes b bytes from to to of the packet in whole, with its Encap.
func (b *Buffer) Part(whole *Buffer, from, to int) {
	b.store, b.start, b.end, b.Segment = whole.store, whole.start+from, whole.start+to, 0
	b.Encap = whole.Encap
}

// SetLen makes the first n bytes of Space the packet.
func (b *Buffer) SetLen(n int) { b.start, b.end = Headroom, Headroom+n }

// Set copies p into the Buffer, cut off where it is longer than the room.
func (b *Buffer) Set(p []byte) {
	b.Reset()
	b.SetLen(copy(b.Space(), p))
}

// Len returns the length of the packet in bytes.
func (b *Buffer) Len() int { return b.end - b.start }

// Bytes returns the packet. The room behind it is within its capacity.
func (b *Buffer) Bytes() []byte { return b.store[b.start:b.end] }

// Before returns the bytes that end n before the packet, with all that follows
// within their capacity: what an append overwrites from there.
func (b *Buffer) Before(n int) []byte { return b.store[:b.start-n] }

// Whole returns the packet with the room before it, and where in that it starts.
func (b *Buffer) Whole() (store []byte, at int) { return b.store[:b.end], b.start }

// Prepend makes the packet longer by n bytes at its start and returns those.
// It panics when n is more than the room, which the chain of transforms bounds.
func (b *Buffer) Prepend(n int) []byte {
	b.start -= n
	return b.store[b.start : b.start+n]
}

// Grow makes the packet longer by n bytes at its end, which hold anything.
func (b *Buffer) Grow(n int) { b.end += n }

// Append puts a copy of p behind the packet, cut off where it is longer than
// the room.
func (b *Buffer) Append(p []byte) {
	b.end += copy(b.store[b.end:len(b.store)-Tailroom], p)
}

// Window makes bytes from to to of the packet the packet.
func (b *Buffer) Window(from, to int) {
	b.start, b.end = b.start+from, b.start+to
}
