package ah

import (
	"encoding/binary"
	"slices"
)

// mute puts zeros in place of what may change on the way, in a copy p of the
// header h: RFC 4302, section 3.3.3.1 and appendix A.
func (h ipHeader) mute(p []byte) error {
	if h.ipv6 {
		return h.mute6(p)
	}
	p[1] = 0                              // type of service
	binary.BigEndian.PutUint16(p[6:], 0)  // flags and fragment offset
	p[8] = 0                              // time to live
	binary.BigEndian.PutUint16(p[10:], 0) // checksum
	return muteOptions4(p[20:])
}

// The options of IPv4 that stay as they are: RFC 4302, appendix A1.
const (
	endOfOptions = 0
	noOperation  = 1
	looseRoute   = 131
	strictRoute  = 137
)

func unchanging() []byte {
	return []byte{
		130, // security, RFC 1108
		133, // extended security, RFC 1108
		134, // commercial security
		148, // router alert, RFC 2113
		149, // sender directed delivery to many, RFC 1770
	}
}

// muteOptions4 puts zeros in place of every option that is not known to stay
// as it is, type and length included.
func muteOptions4(p []byte) error {
	for len(p) > 0 {
		kind := p[0]
		if kind == endOfOptions {
			return nil
		}
		if kind == noOperation {
			p = p[1:]
			continue
		}
		if len(p) < 2 || p[1] < 2 || int(p[1]) > len(p) {
			return ErrMalformed
		}
		option := p[:p[1]]
		p = p[len(option):]
		if kind == looseRoute || kind == strictRoute {
			if len(option) < 3 {
				return ErrMalformed
			}
			if int(option[2]) <= len(option) { // the pointer is to an address not reached yet
				return ErrRouted
			}
		}
		if !slices.Contains(unchanging(), kind) {
			clear(option)
		}
	}
	return nil
}

func (h ipHeader) mute6(p []byte) error {
	p[0], p[1], p[2], p[3] = 0x60, 0, 0, 0 // traffic class and flow label
	p[7] = 0                               // hop limit
	for kind, at := p[6], 40; at < h.len; {
		size := (int(p[at+1]) + 1) * 8
		extension := p[at : at+size]
		if kind == routing {
			if extension[3] != 0 { // segments left
				return ErrRouted
			}
		} else if err := muteOptions6(extension[2:]); err != nil {
			return err
		}
		kind, at = extension[0], at+size
	}
	return nil
}

// muteOptions6 puts zeros in place of the data of every option whose type has
// the bit that says that it may change on the way.
func muteOptions6(p []byte) error {
	for len(p) > 0 {
		if p[0] == 0 { // Pad1 has no length
			p = p[1:]
			continue
		}
		if len(p) < 2 || int(p[1])+2 > len(p) {
			return ErrMalformed
		}
		option := p[:2+int(p[1])]
		if option[0]&0x20 != 0 {
			clear(option[2:])
		}
		p = p[len(option):]
	}
	return nil
}
