package packet

import (
	"encoding/binary"
	"errors"
	"net/netip"
)

// Protocol numbers of the headers that are looked at.
const (
	HopByHop = 0
	ICMP     = 1
	IPv4     = 4
	TCP      = 6
	UDP      = 17
	DCCP     = 33
	IPv6     = 41
	Routing  = 43
	Fragment = 44
	ESP      = 50
	AH       = 51
	ICMPv6   = 58
	DstOpts  = 60
	COMP     = 108
	SCTP     = 132
	UDPLite  = 136
)

// Lengths of headers in bytes, without options.
const (
	IPv4Len = 20
	IPv6Len = 40
	UDPLen  = 8
)

// ErrMalformed refuses bytes that are no IP packet.
var ErrMalformed = errors.New("malformed IP packet")

// A Header is what the IP header of a packet says, with the extension headers
// of IPv6, and the ports behind it. Offsets and lengths are in bytes.
type Header struct {
	Version  int // 4 or 6
	Src, Dst netip.Addr
	TOS, TTL uint8 // traffic class and hop limit, of IPv6
	Proto    uint8 // what lies at Payload
	Payload  int   // offset behind all headers of IP
	Total    int   // length of the packet as its header has it

	// Split is where transport mode puts its header: behind those that
	// routers on the way read (RFC 4303, section 3.1.1). NextAt is the offset
	// of the byte that names what lies there.
	Split, NextAt int
	ProtoAt       int // the same of what lies at Payload

	DF, More bool
	Offset   int // of the fragment
	ID       uint32

	Ports            bool // whether there are any to read
	SrcPort, DstPort uint16
}

// Fragmented reports whether the packet is a fragment, the first included.
func (h *Header) Fragmented() bool { return h.More || h.Offset > 0 }

// Parse reads the IP header of b. Bytes behind Total are not the packet's.
// Checksums are not verified: that is for the kernel on either side.
func Parse(b []byte) (Header, error) {
	var h Header
	if len(b) < IPv4Len {
		return h, ErrMalformed
	}
	ok := false
	switch b[0] >> 4 {
	case 4:
		ok = h.parse4(b)
	case 6:
		ok = h.parse6(b)
	}
	if !ok {
		return h, ErrMalformed
	}
	if HasPorts(h.Proto) && h.Offset == 0 && h.Total-h.Payload >= 4 {
		h.Ports = true
		h.SrcPort = binary.BigEndian.Uint16(b[h.Payload:])
		h.DstPort = binary.BigEndian.Uint16(b[h.Payload+2:])
	}
	return h, nil
}

// HasPorts reports whether the headers of a protocol begin with two ports.
func HasPorts(proto uint8) bool {
	switch proto {
	case TCP, UDP, DCCP, SCTP, UDPLite:
		return true
	}
	return false
}

func (h *Header) parse4(b []byte) bool {
	length, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if length < IPv4Len || total < length || total > len(b) {
		return false
	}
	fragment := binary.BigEndian.Uint16(b[6:])
	h.Version, h.Total, h.Payload = 4, total, length
	h.Split, h.NextAt, h.ProtoAt = length, 9, 9
	h.Src, h.Dst = netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:]))
	h.TOS, h.TTL, h.Proto = b[1], b[8], b[9]
	h.ID = uint32(binary.BigEndian.Uint16(b[4:]))
	h.DF, h.More = fragment&0x4000 != 0, fragment&0x2000 != 0
	h.Offset = int(fragment&0x1fff) * 8
	return true
}

func (h *Header) parse6(b []byte) bool {
	if len(b) < IPv6Len {
		return false
	}
	h.Version, h.Total = 6, IPv6Len+int(binary.BigEndian.Uint16(b[4:]))
	if h.Total > len(b) || h.Total > MaxSize {
		return false
	}
	h.Src, h.Dst = netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:]))
	h.TOS, h.TTL = b[0]<<4|b[1]>>4, b[7]
	h.DF = true
	h.Split, h.NextAt = IPv6Len, 6
	next, nextAt, at := b[6], 6, IPv6Len
	for {
		length := 0
		switch next {
		case HopByHop, Routing, DstOpts:
			if h.Total-at < 8 || next == HopByHop && at != IPv6Len {
				return false
			}
			length = 8 + int(b[at+1])*8
		case Fragment:
			if h.Total-at < 8 || h.Fragmented() {
				return false
			}
			word := binary.BigEndian.Uint16(b[at+2:])
			h.Offset, h.More = int(word&^7), word&1 != 0
			h.ID = binary.BigEndian.Uint32(b[at+4:])
			length = 8
		default:
			h.Proto, h.ProtoAt, h.Payload = next, nextAt, at
			return true
		}
		if length > h.Total-at {
			return false
		}
		kind := next
		next, nextAt, at = b[at], at, at+length
		if kind == HopByHop || kind == Routing {
			h.Split, h.NextAt = at, nextAt
		}
		if h.Offset > 0 {
			h.Proto, h.ProtoAt, h.Payload = next, nextAt, at
			return true
		}
	}
}

// An Outer is the header of IP that a tunnel puts before a packet.
type Outer struct {
	Src, Dst netip.Addr // of one family
	TOS, TTL uint8
	Proto    uint8
	ID       uint16 // of IPv4
	DF       bool   // of IPv4
}

// Len returns the length of the header in bytes, 20 or 40.
func (o *Outer) Len() int {
	if o.Dst.Is4() {
		return IPv4Len
	}
	return IPv6Len
}

// Put writes the header of a packet that has payload bytes behind it to the
// first Len bytes of b.
func (o *Outer) Put(b []byte, payload int) {
	if o.Dst.Is4() {
		b = b[:IPv4Len]
		clear(b)
		b[0], b[1], b[8], b[9] = 0x45, o.TOS, o.TTL, o.Proto
		binary.BigEndian.PutUint16(b[4:], o.ID)
		if o.DF {
			b[6] = 0x40
		}
		src, dst := o.Src.As4(), o.Dst.As4()
		copy(b[12:], src[:])
		copy(b[16:], dst[:])
		SetLength(b, IPv4Len+payload)
		return
	}
	b = b[:IPv6Len]
	b[0], b[1], b[2], b[3] = 0x60|o.TOS>>4, o.TOS<<4, 0, 0
	b[6], b[7] = o.Proto, o.TTL
	src, dst := o.Src.As16(), o.Dst.As16()
	copy(b[8:], src[:])
	copy(b[24:], dst[:])
	SetLength(b, IPv6Len+payload)
}

// SetLength writes total, the length of the packet that begins with head, into
// its IP header and computes the checksum of an IPv4 one.
func SetLength(head []byte, total int) {
	if head[0]>>4 == 6 {
		binary.BigEndian.PutUint16(head[4:], uint16(total-IPv6Len))
		return
	}
	binary.BigEndian.PutUint16(head[2:], uint16(total))
	sum4(head)
}

// SetDF sets or clears DF in an IPv4 header and computes its checksum; the
// header of IPv6 has none.
func SetDF(head []byte, df bool) {
	if head[0]>>4 != 4 {
		return
	}
	head[6] &^= 0x40
	if df {
		head[6] |= 0x40
	}
	sum4(head)
}

// sum4 fills in the checksum of the IPv4 header at the start of b.
func sum4(b []byte) {
	b[10], b[11] = 0, 0
	binary.BigEndian.PutUint16(b[10:], ^Sum(b[:int(b[0]&15)*4], 0))
}
