package packet

import "encoding/binary"

// The codepoints of ECN: the low two bits of TOS, RFC 3168.
const (
	NotECT = 0
	ECT1   = 1
	ECT0   = 2
	CE     = 3
)

// OuterTOS returns the TOS of the outer header for a packet with that inner
// one: DSCP and ECN copied (RFC 6040, section 4.1, normal mode), or 0 where
// hide is set, so that a watcher learns nothing.
func OuterTOS(inner uint8, hide bool) uint8 {
	if hide {
		return 0
	}
	return inner
}

// InnerTOS returns the TOS that a packet leaves a tunnel with: the DSCP of the
// inner header, and its ECN with what the outer one saw on the way (RFC 6040,
// section 4.2). It is false when the packet has to be dropped: congestion
// was experienced by one that cannot say so.
func InnerTOS(inner, outer uint8) (uint8, bool) {
	in, out := inner&3, outer&3
	switch {
	case in == NotECT:
		return inner, out != CE
	case out == CE, in == ECT0 && out == ECT1:
		return inner&^3 | out, true
	}
	return inner, true
}

// SetTOS writes tos into the header of the IP packet b, and brings the
// checksum of an IPv4 one up to date.
func SetTOS(b []byte, tos uint8) {
	if b[0]>>4 == 6 {
		b[0], b[1] = 0x60|tos>>4, tos<<4|b[1]&15
		return
	}
	old := binary.BigEndian.Uint16(b)
	b[1] = tos
	sum := binary.BigEndian.Uint16(b[10:])
	binary.BigEndian.PutUint16(b[10:], Update(sum, old, binary.BigEndian.Uint16(b)))
}
