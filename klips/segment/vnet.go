package segment

import "encoding/binary"

// VnetLen is the length of the header that a TUN device with IFF_VNET_HDR has
// before each packet: struct virtio_net_hdr of <linux/virtio_net.h>, in the order of the
// host's bytes.
const VnetLen = 10

// The values of its fields.
const (
	needsChecksum = 1

	gsoTCPv4 = 1
	gsoTCPv6 = 4
	gsoUDP   = 5
	gsoECN   = 0x80
)

// A Vnet is such a header.
type Vnet [VnetLen]byte

// Parse takes p, a header and a packet, apart. Size is what a packet that is to be
// cut has of data in each piece, 0 where it is one packet, whose
// checksum is complete then. It is false where the header does not make sense.
func Parse(p []byte) (body []byte, size int, ok bool) {
	if len(p) < VnetLen {
		return nil, 0, false
	}
	header, body := p[:VnetLen], p[VnetLen:]
	word := func(at int) int { return int(binary.NativeEndian.Uint16(header[at:])) }
	switch header[1] &^ gsoECN {
	case 0:
		if header[0]&needsChecksum != 0 && !Complete(body, word(6), word(6)+word(8)) {
			return nil, 0, false
		}
		return body, 0, true
	case gsoTCPv4, gsoTCPv6, gsoUDP:
		return body, word(4), word(4) > 0
	}
	return nil, 0, false
}

// Put makes v the header of a group.
func (v *Vnet) Put(g *Group) {
	*v = Vnet{}
	if g.Count == 1 {
		return
	}
	v[0], v[1] = needsChecksum, gsoUDP
	sum := sumUDP
	if g.TCP {
		v[1], sum = gsoTCPv4, sumAt
		if g.V6 {
			v[1] = gsoTCPv6
		}
	}
	binary.NativeEndian.PutUint16(v[2:], uint16(g.Head))
	binary.NativeEndian.PutUint16(v[4:], uint16(g.Size))
	binary.NativeEndian.PutUint16(v[6:], uint16(g.IP))
	binary.NativeEndian.PutUint16(v[8:], uint16(sum))
}
