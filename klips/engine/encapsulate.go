package engine

import (
	"encoding/binary"

	"ipsec/klips"
	"ipsec/klips/ah"
	"ipsec/klips/esp"
	"ipsec/klips/packet"
	"ipsec/klips/sadb"
	"ipsec/klips/said"
)

// ttl is the TTL of the outer header of a tunnel.
const ttl = 64

// maxHead is how long the header of a packet in transport mode may be, in
// bytes: what ESP, UDP and AH leave of the room before it.
const maxHead = packet.Headroom - esp.Headroom - packet.UDPLen - ah.Headroom

// An outgoing is a packet on its way through a chain of SAs: the payload so
// far in b, what it is, and the IP header that will precede it.
type outgoing struct {
	b     *packet.Buffer
	next  uint8
	chain []*sadb.SA // those that it has yet to go through

	tunnel bool
	outer  packet.Outer // of a tunnel
	head   []byte       // else
	nextAt int          // in head
	ipv6   bool
}

// encapsulate sends a packet through sa and those grouped outside it.
func (o *outbound) encapsulate(b *packet.Buffer, h *packet.Header, sa *sadb.SA) {
	e := o.e
	if sa == nil {
		o.drop(klips.DropNoSA, h)
		return
	}
	p := outgoing{b: b, chain: sa.Chain()}
	if p.chain == nil {
		o.drop(klips.DropNoSA, h)
		return
	}
	if h.Fragmented() && p.chain[0].Config.ID.Proto != said.IPIP {
		if p.b = o.assemble(b, h); p.b == nil {
			return
		}
	}
	original := p.b.Bytes()
	if !o.begin(&p, h) || !o.compress(&p) {
		o.drop(klips.DropSA, h)
		return
	}
	mtu := e.mtu(o.at, sa.Config.ID.Dst)
	room := p.room(mtu)
	cut := p.b.Len() > room
	if cut && h.DF && e.settings.FragICMP && h.Total > least(h.Version) {
		if !p.tunnel {
			room += len(p.head)
		}
		o.tooBig(original, h, room)
		return
	}
	if cut {
		p.outer.DF = false
	}
	if p.b.Len()+packet.Headroom > packet.MaxSize {
		o.drop(klips.DropTooBig, h)
		return
	}
	if !o.protect(&p) {
		o.drop(klips.DropSA, h)
		return
	}
	if p.b.Len() <= mtu {
		o.out = append(o.out, p.b)
		return
	}
	whole, err := packet.Parse(p.b.Bytes())
	if err != nil {
		o.drop(klips.DropSA, h)
		return
	}
	o.fragment(p.b, &whole, mtu)
}

// assemble returns the whole packet that a fragment is the last of, and writes
// its header to h; nil where it is not.
func (o *outbound) assemble(b *packet.Buffer, h *packet.Header) *packet.Buffer {
	kept, ok := o.assembly.add(b.Bytes(), h, o.now)
	if kept == nil {
		if !ok {
			o.drop(klips.DropFragment, h)
		}
		return nil
	}
	whole := o.take()
	whole.Set(kept.Bytes())
	var err error
	if *h, err = packet.Parse(whole.Bytes()); err != nil {
		o.drop(klips.DropMalformed, h)
		return nil
	}
	h.DF = false // it was in fragments
	return whole
}

// least is the length in bytes of a packet that is never answered with "too big":
// one that is no longer goes in fragments where the path is narrower.
func least(version int) int {
	if version == 6 {
		return minMTU
	}
	return 576
}

// begin takes the IP header off, or for a tunnel the packet as it is, and
// makes ready the header that it will have.
func (o *outbound) begin(p *outgoing, h *packet.Header) bool {
	first := p.chain[0]
	if first.Config.ID.Proto != said.IPIP {
		// Only a whole packet has a payload to protect, and only its
		// destination has the SA to open it.
		if h.Fragmented() || h.Split > len(o.head) || h.Dst != first.Config.ID.Dst {
			return false
		}
		p.ipv6 = h.Version == 6
		p.head, p.nextAt = o.head[:copy(o.head[:], p.b.Bytes()[:h.Split])], h.NextAt
		p.next = p.head[p.nextAt]
		if !p.ipv6 && h.ID == 0 {
			binary.BigEndian.PutUint16(p.head[4:], uint16(o.e.id()))
		}
		p.b.Window(h.Split, p.b.Len())
		return true
	}
	state := first.Pass(p.b.Len(), o.now)
	o.note(first, state)
	if state == sadb.Dead {
		return false
	}
	p.chain = p.chain[1:]
	p.next = packet.IPv4
	if h.Version == 6 {
		p.next = packet.IPv6
	}
	p.tunnel = true
	p.outer = packet.Outer{
		Src: first.Config.TunnelSrc,
		Dst: first.Config.ID.Dst,
		TOS: packet.OuterTOS(h.TOS, o.e.settings.HideTOS),
		TTL: ttl,
		ID:  uint16(o.e.id()),
		DF:  h.DF,
	}
	p.ipv6 = p.outer.Dst.Is6()
	return true
}

// compress applies the COMP of a chain. A payload that does not shrink goes on
// as it is (RFC 3173, section 2.2).
func (o *outbound) compress(p *outgoing) bool {
	if len(p.chain) == 0 || p.chain[0].Config.ID.Proto != said.COMP {
		return true
	}
	sa := p.chain[0]
	p.chain = p.chain[1:]
	smaller := o.take()
	result, state, ok := sa.Compress(smaller.Space()[:0], p.b.Bytes(), p.next, o.now)
	o.note(sa, state)
	if state == sadb.Dead {
		return false
	}
	did := "compressed"
	if !ok {
		did = "left as they are"
	}
	o.e.debug.transform(klips.TopicIPCOMP, sa.Config.ID, did, p.b.Len(), nil)
	if ok {
		smaller.SetLen(len(result))
		p.b, p.next = smaller, packet.COMP
	}
	return true
}

// room returns how long the payload may be for the whole to fit mtu bytes.
func (p *outgoing) room(mtu int) int {
	room := mtu - len(p.head)
	if p.tunnel {
		room = mtu - p.outer.Len()
	}
	for i := len(p.chain) - 1; i >= 0; i-- {
		if p.chain[i].Config.Encap.On() {
			room -= packet.UDPLen
		}
		room = p.chain[i].Room(room, p.ipv6)
	}
	return room
}

// protect applies ESP and AH, and makes a packet of IP of it all.
func (o *outbound) protect(p *outgoing) bool {
	if len(p.chain) > 0 && p.chain[0].Config.ID.Proto == said.ESP {
		if !o.seal(p, p.chain[0]) {
			return false
		}
		p.chain = p.chain[1:]
	}
	p.finish()
	for _, sa := range p.chain { // AH
		buf, at := p.b.Whole()
		whole, state, err := o.line.Protect(sa, buf, at, o.now)
		o.e.debug.transform(klips.TopicAH, sa.Config.ID, "protected", p.b.Len(), err)
		o.note(sa, state)
		if err != nil {
			return false
		}
		p.b.Prepend(len(whole) - p.b.Len())
	}
	return true
}

func (o *outbound) seal(p *outgoing, sa *sadb.SA) bool {
	header := sa.HeaderLen()
	before := p.b.Before(header)
	line := o.line
	if len(p.chain) > 1 {
		line = nil // it is the numbers of the AH around it that are in order
	}
	sealed, state, err := line.Seal(sa, &o.scratch, before, p.b.Bytes(), p.next, o.now)
	o.e.debug.transform(klips.TopicESP, sa.Config.ID, "sealed", p.b.Len(), err)
	o.note(sa, state)
	if err != nil {
		return false
	}
	p.b.Prepend(header)
	p.b.Grow(len(sealed) - len(before) - p.b.Len())
	p.next = packet.ESP
	if encap := sa.Config.Encap; encap.On() {
		length := p.b.Len() + packet.UDPLen
		udp := p.b.Prepend(packet.UDPLen)
		binary.BigEndian.PutUint16(udp, encap.SrcPort)
		binary.BigEndian.PutUint16(udp[2:], encap.DstPort)
		binary.BigEndian.PutUint16(udp[4:], uint16(length))
		udp[6], udp[7] = 0, 0
		p.next = packet.UDP
	}
	return true
}

// finish puts the IP header before the payload.
func (p *outgoing) finish() {
	size := p.b.Len()
	at := len(p.head)
	if p.tunnel {
		at = p.outer.Len()
		p.outer.Proto = p.next
		p.outer.Put(p.b.Prepend(at), size)
	} else {
		head := p.b.Prepend(at)
		copy(head, p.head)
		head[p.nextAt] = p.next
		packet.SetLength(head, at+size)
	}
	if p.ipv6 && p.next == packet.UDP {
		// IPv6 does not know a UDP checksum of zero; IPv4 wants it
		// (RFC 3948, section 2.1).
		packet.FixTransport(p.b.Bytes(), &packet.Header{Version: 6, Proto: packet.UDP, Payload: at, Total: at + size})
	}
}
