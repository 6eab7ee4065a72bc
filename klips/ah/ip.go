package ah

import "encoding/binary"

// ipHeader is where the header of an IP packet ends and where it names what
// follows: for IPv6 with the extension headers that come before AH.
type ipHeader struct {
	ipv6 bool
	len  int // of the header with its options and extension headers
	next int // the offset of the protocol field to set to AH
}

// The protocol numbers of extension headers.
const (
	hopByHop    = 0
	routing     = 43
	fragment    = 44
	destOptions = 60
)

// parse reads the header of an IP packet, which is exactly as long as it says
// that it is. It goes past the extension headers that come before AH: RFC 4302,
// section 3.1.1.
func parse(p []byte) (ipHeader, error) {
	switch {
	case len(p) >= 20 && p[0]>>4 == 4:
		h := ipHeader{len: int(p[0]&15) * 4, next: 9}
		if h.len < 20 || h.len > len(p) || int(binary.BigEndian.Uint16(p[2:])) != len(p) {
			return h, ErrMalformed
		}
		if binary.BigEndian.Uint16(p[6:])&0x3fff != 0 { // more fragments, or an offset
			return h, ErrFragment
		}
		return h, nil
	case len(p) >= 40 && p[0]>>4 == 6:
		if int(binary.BigEndian.Uint16(p[4:]))+40 != len(p) {
			return ipHeader{}, ErrMalformed
		}
		return parseExtensions(p)
	}
	return ipHeader{}, ErrMalformed
}

// parseExtensions goes past hop-by-hop options and routing headers, and past
// destination options where a routing header follows them, since only then are
// they for those on the way.
func parseExtensions(p []byte) (ipHeader, error) {
	h := ipHeader{ipv6: true, len: 40, next: 6}
	at, next := h.len, h.next
	for {
		kind := p[next]
		switch kind {
		case hopByHop, routing, destOptions:
		case fragment:
			return h, ErrFragment
		case Protocol:
			return ipHeader{ipv6: true, len: at, next: next}, nil
		default:
			return h, nil
		}
		if len(p) < at+8 || kind == hopByHop && at != 40 {
			return h, ErrMalformed
		}
		size := (int(p[at+1]) + 1) * 8
		if len(p) < at+size {
			return h, ErrMalformed
		}
		next, at = at, at+size
		if kind != destOptions {
			h.next, h.len = next, at
		}
	}
}

// longest returns how long a packet of the family may be.
func (h ipHeader) longest() int {
	if h.ipv6 {
		return 40 + 0xffff
	}
	return 0xffff
}

// announce makes the header p say that a packet is total bytes long and that
// proto follows.
func (h ipHeader) announce(p []byte, proto uint8, total int) {
	p[h.next] = proto
	if h.ipv6 {
		binary.BigEndian.PutUint16(p[4:], uint16(total-40))
	} else {
		binary.BigEndian.PutUint16(p[2:], uint16(total))
	}
}

// set makes the packet p announce its length and proto, and gives it the
// checksum that it then has, if it is IPv4.
func (h ipHeader) set(p []byte, proto uint8) {
	h.announce(p, proto, len(p))
	if h.ipv6 {
		return
	}
	p[10], p[11] = 0, 0
	var sum uint32
	for i := 0; i < h.len; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(p[10:], ^uint16(sum>>16+sum))
}
