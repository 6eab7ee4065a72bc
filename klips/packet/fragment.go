package packet

import "encoding/binary"

// Split cuts packet, whose header is h, into fragments of at most mtu bytes
// and puts each into a Buffer that next returns, in order. id names the
// packet among those of its sender; one of IPv4 keeps its own. DF is not
// looked at. It is false, before next is called, where mtu leaves no room for
// data or an IPv6 packet is a fragment already.
func Split(packet []byte, h *Header, mtu int, id uint32, next func() *Buffer) bool {
	if h.Version == 6 {
		return split6(packet, h, mtu, id, next)
	}
	data := packet[h.Payload:h.Total]
	room := (mtu - h.Payload) &^ 7
	if room < 8 {
		return false
	}
	for at := 0; at < len(data); at += room {
		end := min(at+room, len(data))
		b := next()
		b.Set(packet[:h.Payload])
		b.Append(data[at:end])
		head := b.Bytes()
		if at > 0 {
			dropOptions(head[IPv4Len:h.Payload])
		}
		word := uint16((h.Offset + at) / 8)
		if h.More || end < len(data) {
			word |= 0x2000
		}
		binary.BigEndian.PutUint16(head[6:], word)
		SetLength(head, b.Len())
	}
	return true
}

// split6 inserts the fragment header of RFC 8200, section 4.5, at h.Split.
func split6(packet []byte, h *Header, mtu int, id uint32, next func() *Buffer) bool {
	data := packet[h.Split:h.Total]
	room := (mtu - h.Split - 8) &^ 7
	if room < 8 || h.Fragmented() {
		return false
	}
	for at := 0; at < len(data); at += room {
		end := min(at+room, len(data))
		b := next()
		b.Set(packet[:h.Split])
		word := uint16(at)
		if end < len(data) {
			word |= 1
		}
		var fragment [8]byte
		fragment[0] = packet[h.NextAt]
		binary.BigEndian.PutUint16(fragment[2:], word)
		binary.BigEndian.PutUint32(fragment[4:], id)
		b.Append(fragment[:])
		b.Append(data[at:end])
		head := b.Bytes()
		head[h.NextAt] = Fragment
		SetLength(head, b.Len())
	}
	return true
}

// dropOptions overwrites with no-operations those options of IPv4 that only a
// first fragment carries (RFC 791, section 3.1).
func dropOptions(options []byte) {
	for len(options) > 0 {
		length := 1
		switch {
		case options[0] == 0:
			return
		case options[0] == 1:
		case len(options) < 2 || options[1] < 2 || int(options[1]) > len(options):
			return
		default:
			length = int(options[1])
			if options[0]&0x80 == 0 {
				for i := range options[:length] {
					options[i] = 1
				}
			}
		}
		options = options[length:]
	}
}
