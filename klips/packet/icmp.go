package packet

import (
	"encoding/binary"
	"net/netip"
)

// How much of a packet its ICMP answer may quote, in bytes of the whole answer:
// RFC 1812, section 4.3.2.3, and RFC 4443, section 2.4.
const (
	answer4 = 576
	answer6 = 1280
)

// TooBig makes b the ICMP message that tells the sender of packet, whose
// header is h, that its packets have to fit mtu bytes: "fragmentation needed"
// (RFC 1191) or "packet too big" (RFC 4443). It is false where RFC 1122,
// section 3.2.2, or RFC 4443, section 2.4, forbids an answer.
//
// The answer comes from the packet's destination. Its sender may be this host,
// which refuses packets that claim to come from itself.
func TooBig(b *Buffer, packet []byte, h *Header, mtu int) bool {
	if h.Version == 4 {
		return answer(b, packet, h, 3, 4, uint32(min(mtu, 0xffff)))
	}
	return answer(b, packet, h, 2, 0, uint32(max(mtu, 1280)))
}

// Prohibited makes b the ICMP message that tells the sender of packet that it
// is "administratively prohibited" (RFC 1812, RFC 4443), with the conditions
// of TooBig.
func Prohibited(b *Buffer, packet []byte, h *Header) bool {
	if h.Version == 4 {
		return answer(b, packet, h, 3, 13, 0)
	}
	return answer(b, packet, h, 1, 1, 0)
}

func answer(b *Buffer, packet []byte, h *Header, kind, code uint8, rest uint32) bool {
	if h.Offset > 0 || !unicast(h.Src) || !unicast(h.Dst) || isError(packet, h) {
		return false
	}
	outer := Outer{Src: h.Dst, Dst: h.Src, TTL: 64, Proto: ICMP, DF: true}
	limit := answer4
	if h.Version == 6 {
		outer.Proto, limit = ICMPv6, answer6
	}
	limit -= outer.Len() + 8
	b.Reset()
	quoted := packet[:h.Total]
	b.SetLen(copy(b.Space(), quoted[:min(len(quoted), limit)]))
	head := b.Prepend(8)
	clear(head)
	head[0], head[1] = kind, code
	binary.BigEndian.PutUint32(head[4:], rest)
	message := b.Bytes()
	ip := b.Prepend(outer.Len())
	outer.Put(ip, len(message))
	sum := uint16(0)
	if h.Version == 6 {
		sum = pseudo(b.Bytes(), ICMPv6, len(message))
	}
	binary.BigEndian.PutUint16(message[2:], ^Sum(message, sum))
	return true
}

func unicast(a netip.Addr) bool {
	return !a.IsUnspecified() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// isError reports whether the packet is an ICMP error, which is never answered
// with another, or cannot be told from one.
func isError(packet []byte, h *Header) bool {
	if h.Proto != ICMP && h.Proto != ICMPv6 {
		return false
	}
	if h.Total == h.Payload {
		return true
	}
	kind := packet[h.Payload]
	if h.Version == 6 {
		return kind < 128 || kind == 137
	}
	return kind != 0 && kind != 8 && (kind < 13 || kind > 18)
}
