package segment

import (
	"encoding/binary"

	"ipsec/klips/packet"
)

const (
	maxParts = 64    // packets in one, as the kernel has it for UDP
	maxTotal = 65535 // bytes of one
	lookBack = 8     // groups that a packet may still join
)

// A Group is packets for the host to receive in one piece, or one that goes by
// itself. The piece is the first packet whole, and of the others what is behind
// their headers.
type Group struct {
	First   int // of the packets; the others follow by Joiner.After
	Count   int
	Head    int // length of the headers
	Size    int // of the data of each packet; the last may have less
	IP      int // length of the IP header
	TCP, V6 bool

	p      []byte // the first
	last   int
	total  int // length of the whole
	seq    uint32
	id     uint16
	sameID bool
	flags  uint8
	open   bool
	known  bool // whether flow is one
	first  bool // of fragments
}

// A Joiner joins packets. Its zero value is ready; NoTCP and NoUDP say what the
// host does not take in one piece.
type Joiner struct {
	NoTCP, NoUDP bool

	Groups []Group
	after  []int
	list   []*packet.Buffer
}

// After returns which packet follows packet i in its group, and -1 where there is none.
func (j *Joiner) After(i int) int { return j.after[i] }

// Join puts packets into Groups: all of them, each flow in its order. Only Finish
// changes what they hold.
func (j *Joiner) Join(list []*packet.Buffer) {
	j.Groups, j.after, j.list = j.Groups[:0], j.after[:0], list
	for i, b := range list {
		j.after = append(j.after, -1)
		var g Group
		g.begin(b.Bytes(), i)
		if g.known && j.join(&g, i) {
			continue
		}
		if g.TCP && j.NoTCP || !g.TCP && j.NoUDP {
			g.open = false
		}
		j.Groups = append(j.Groups, g)
	}
}

// join makes the packet of g part of a group of its flow, where there is one that it fits.
func (j *Joiner) join(g *Group, i int) bool {
	for n := len(j.Groups) - 1; n >= max(0, len(j.Groups)-lookBack); n-- {
		to := &j.Groups[n]
		if !to.known || !to.sameFlow(g) {
			continue
		}
		if !to.fits(g) {
			to.open = false
			return false
		}
		j.after[to.last] = i
		to.last = i
		to.add(g)
		return true
	}
	return false
}

// begin looks at one packet. What has ports is known by its flow; what others may
// join is open, and that has a right checksum.
func (g *Group) begin(p []byte, i int) {
	*g = Group{First: i, last: i, Count: 1, p: p, total: len(p)}
	if len(p) < packet.IPv4Len {
		return
	}
	proto := uint8(0)
	plain := false
	switch p[0] >> 4 {
	case 4:
		g.IP, proto = int(p[0]&15)*4, p[9]
		fragment := binary.BigEndian.Uint16(p[6:])
		if fragment&0x1fff != 0 || g.IP < packet.IPv4Len || len(p) != int(binary.BigEndian.Uint16(p[2:])) {
			return
		}
		g.id = binary.BigEndian.Uint16(p[4:])
		g.first = fragment&0x2000 != 0
		plain = g.IP == packet.IPv4Len && fragment&^0x4000 == 0 // without options, and no fragment
	case 6:
		if len(p) < packet.IPv6Len || len(p) != packet.IPv6Len+int(binary.BigEndian.Uint16(p[4:])) {
			return
		}
		g.V6, g.IP, proto, plain = true, packet.IPv6Len, p[6], true
	default:
		return
	}
	switch proto {
	case packet.TCP:
		n := tcpHead(p, g.IP)
		if n == 0 {
			return
		}
		upper := p[g.IP:]
		g.TCP, g.Head, g.known = true, g.IP+n, true
		g.seq, g.flags = binary.BigEndian.Uint32(upper[seqAt:]), upper[flagsAt]
		g.open = plain && g.flags&^(psh|fin|ece) == ack && len(p) > g.Head
	case packet.UDP:
		if len(p) < g.IP+packet.UDPLen {
			return
		}
		upper := p[g.IP:]
		g.Head, g.known = g.IP+packet.UDPLen, true
		g.open = plain && len(p) > g.Head && int(binary.BigEndian.Uint16(upper[lenUDP:])) == len(upper) && upper[sumUDP]|upper[sumUDP+1] != 0
	default:
		return
	}
	g.open = g.open && packet.Sum(p[g.IP:], packet.Pseudo(p, proto, len(p)-g.IP)) == 0xffff
	g.Size = len(p) - g.Head
}

// Flow returns a number that the packets of a flow have in common, and flows
// seldom. Fragments are of the flow of their addresses, as they are to the kernel.
func (g *Group) Flow() uint32 {
	addrs, ports := g.p[:0], uint32(0)
	switch {
	case len(g.p) >= packet.IPv6Len && g.p[0]>>4 == 6:
		addrs = g.p[8:40]
	case len(g.p) >= packet.IPv4Len:
		addrs = g.p[12:20]
	}
	if g.known && !g.first {
		ports = binary.NativeEndian.Uint32(g.p[g.IP:])
	}
	h := uint64(ports)
	for ; len(addrs) >= 4; addrs = addrs[4:] {
		h = (h ^ uint64(binary.NativeEndian.Uint32(addrs))) * 0x9e3779b97f4a7c15
		h ^= h >> 32
	}
	return uint32(h)
}

// sameFlow compares addresses, protocol and ports.
func (g *Group) sameFlow(o *Group) bool {
	if g.TCP != o.TCP || g.V6 != o.V6 || string(g.p[g.IP:g.IP+4]) != string(o.p[o.IP:o.IP+4]) {
		return false
	}
	if g.V6 {
		return string(g.p[8:40]) == string(o.p[8:40])
	}
	return string(g.p[12:20]) == string(o.p[12:20])
}

// fits reports whether o, one packet, can be cut off the end of the group again
// as it is.
func (g *Group) fits(o *Group) bool {
	data := len(o.p) - o.Head
	if !g.open || !o.open || g.flags&(psh|fin) != 0 || g.Head != o.Head || data > g.Size ||
		g.total+data > maxTotal || g.Count == maxParts {
		return false
	}
	if g.V6 {
		// Version, traffic class and flow label; next header and hop limit.
		if string(g.p[:4]) != string(o.p[:4]) || string(g.p[6:8]) != string(o.p[6:8]) {
			return false
		}
	} else if g.p[1] != o.p[1] || g.p[6] != o.p[6] || g.p[8] != o.p[8] || !g.nextID(o.id) { // TOS, DF, TTL
		return false
	}
	if !g.TCP {
		return true
	}
	a, b := g.p[g.IP:g.Head], o.p[o.IP:o.Head]
	// Acknowledgement, the length of the header, window, urgent pointer and options.
	return o.seq == g.seq+uint32(g.total-g.Head) && (g.flags^o.flags)&^(psh|fin) == 0 && a[dataAt] == b[dataAt] &&
		string(a[8:12]) == string(b[8:12]) && string(a[14:16]) == string(b[14:16]) && string(a[18:]) == string(b[18:])
}

// nextID reports whether the identification of another packet goes on where that
// of the group ends. Of packets that nobody may cut it means nothing, and some
// senders leave it as it is (RFC 6864, section 4.1).
func (g *Group) nextID(id uint16) bool {
	if id == g.id+uint16(g.Count) && !g.sameID {
		return true
	}
	return g.p[6]&0x40 != 0 && id == g.id && (g.Count == 1 || g.sameID)
}

func (g *Group) add(o *Group) {
	data := len(o.p) - o.Head
	g.sameID = !g.V6 && o.id == g.id
	g.Count++
	g.total += data
	g.flags |= o.flags & (psh | fin)
	if data < g.Size {
		g.open = false
	}
}

// Finish writes what holds for the whole into the headers of its first packet,
// with the sum of the pseudo header for a checksum.
func (g *Group) Finish() {
	if g.Count == 1 {
		return
	}
	packet.SetLength(g.p[:g.IP], g.total)
	upper := g.p[g.IP:]
	if g.TCP {
		upper[flagsAt] |= g.flags & (psh | fin)
		binary.BigEndian.PutUint16(upper[sumAt:], packet.Pseudo(g.p, packet.TCP, g.total-g.IP))
		return
	}
	binary.BigEndian.PutUint16(upper[lenUDP:], uint16(g.total-g.IP))
	binary.BigEndian.PutUint16(upper[sumUDP:], packet.Pseudo(g.p, packet.UDP, g.total-g.IP))
}

// Packets returns what the last Join was given.
func (j *Joiner) Packets() []*packet.Buffer { return j.list }
