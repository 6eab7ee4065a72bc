package packet

import (
	"encoding/binary"
	"math/bits"
)

// Sum returns the ones' complement sum of b, folded to 16 bits and not
// inverted, on top of initial (RFC 1071). An odd last byte counts as the high
// half of a word.
//
// Inside, words are of the order in which they lie in memory: the sum does not
// depend on it but for the order of its own bytes (RFC 1071, section 2). They are
// added as halves into sums of twice their length, which need no carries and so do
// not wait for one another.
func Sum(b []byte, initial uint16) uint16 {
	first, second, third, fourth := uint64(bits.ReverseBytes16(initial)), uint64(0), uint64(0), uint64(0)
	for len(b) >= 64 {
		p := (*[64]byte)(b)
		first += uint64(binary.LittleEndian.Uint32(p[0:]))
		second += uint64(binary.LittleEndian.Uint32(p[4:]))
		third += uint64(binary.LittleEndian.Uint32(p[8:]))
		fourth += uint64(binary.LittleEndian.Uint32(p[12:]))
		first += uint64(binary.LittleEndian.Uint32(p[16:]))
		second += uint64(binary.LittleEndian.Uint32(p[20:]))
		third += uint64(binary.LittleEndian.Uint32(p[24:]))
		fourth += uint64(binary.LittleEndian.Uint32(p[28:]))
		first += uint64(binary.LittleEndian.Uint32(p[32:]))
		second += uint64(binary.LittleEndian.Uint32(p[36:]))
		third += uint64(binary.LittleEndian.Uint32(p[40:]))
		fourth += uint64(binary.LittleEndian.Uint32(p[44:]))
		first += uint64(binary.LittleEndian.Uint32(p[48:]))
		second += uint64(binary.LittleEndian.Uint32(p[52:]))
		third += uint64(binary.LittleEndian.Uint32(p[56:]))
		fourth += uint64(binary.LittleEndian.Uint32(p[60:]))
		b = b[64:]
	}
	sum, carry := bits.Add64(first+second, third+fourth, 0)
	for len(b) >= 8 {
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(b), carry)
		b = b[8:]
	}
	rest := uint64(0)
	for i, c := range b {
		rest |= uint64(c) << (8 * i)
	}
	sum, carry = bits.Add64(sum, rest, carry)
	sum, carry = bits.Add64(sum, 0, carry)
	sum += carry
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>16 + sum&0xffff
	sum = sum>>16 + sum&0xffff
	return bits.ReverseBytes16(uint16(sum))
}

// Update returns the checksum after a word that it covers has changed from old
// to new (RFC 1624, equation 3).
func Update(checksum, old, new uint16) uint16 {
	sum := uint32(^checksum) + uint32(^old) + uint32(new)
	sum = sum>>16 + sum&0xffff
	sum = sum>>16 + sum&0xffff
	return ^uint16(sum)
}

// pseudo returns the sum of the pseudo header of the packet in b for an upper
// layer of that protocol and length in bytes.
func pseudo(b []byte, proto uint8, length int) uint16 {
	words := [4]byte{byte(length >> 8), byte(length), 0, proto}
	sum := Sum(words[:], 0)
	if b[0]>>4 == 4 {
		return Sum(b[12:20], sum)
	}
	return Sum(b[8:40], sum)
}

// Pseudo returns the sum of the pseudo header of the packet in b, as it is part
// of the checksum of an upper layer of that protocol and length in bytes.
func Pseudo(b []byte, proto uint8, length int) uint16 { return pseudo(b, proto, length) }

// FixTransport computes the checksum of the TCP segment or UDP datagram in b
// anew, whose header is h: after a NAT changed the addresses on the way of ESP
// in UDP in transport mode (RFC 3948, section 3.1.2). A UDP checksum that is
// absent stays so, and fragments and other protocols are left alone.
func FixTransport(b []byte, h *Header) {
	at := 0
	switch h.Proto {
	case TCP:
		at = 16
	case UDP:
		at = 6
	default:
		return
	}
	upper := b[h.Payload:h.Total]
	if h.Fragmented() || len(upper) < at+2 {
		return
	}
	field := upper[at : at+2]
	if h.Proto == UDP && h.Version == 4 && field[0]|field[1] == 0 {
		return
	}
	field[0], field[1] = 0, 0
	sum := ^Sum(upper, pseudo(b, h.Proto, len(upper)))
	if h.Proto == UDP && sum == 0 {
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(field, sum)
}

// Add returns the ones' complement sum of two words.
func Add(a, b uint16) uint16 {
	sum := uint32(a) + uint32(b)
	return uint16(sum>>16 + sum&0xffff)
}
