package engine

import (
	"encoding/binary"

	"ipsec/klips"
	"ipsec/klips/eroute"
	"ipsec/klips/packet"
	"ipsec/klips/sadb"
	"ipsec/klips/said"
)

const (
	// arenaSize is how many bytes are sealed before they are sent; at
	// least one packet of any length.
	arenaSize = 5 << 16
	// viewLimit is how many packets or trains that is at most.
	viewLimit = 256

	// A train: what UDP_SEGMENT takes at once.
	trainCount = 64
	trainBytes = 65507 // of a UDP datagram in IPv4
)

// A stream is where the packets of a flow go that need nothing but a tunnel and
// ESP, as nearly all do. It is found once for packets that follow one another,
// and is good while the engine's lock is held.
type stream struct {
	ok          bool
	flow        eroute.Flow
	entry       *eroute.Entry
	tunnel, esp *sadb.SA
	encap       klips.Encap
	room        int // how long a packet may be
}

// A sealed is the train that is being made, or the packet, in outbound.arena.
type sealed struct {
	view  *packet.Buffer // nil for none
	esp   *sadb.SA
	encap klips.Encap
	outer packet.Outer
	head  int // length of the headers of IP and UDP
	size  int // of the first ESP packet
	count int
	start int // of the headers, in the arena
	full  bool
}

// choose finds the stream of a packet, or reports that there is none and it has
// to go the long way.
func (o *outbound) choose(h *packet.Header) bool {
	e := o.e
	if e.debug.Selected() != 0 || h.Fragmented() || !h.Ports && packet.HasPorts(h.Proto) {
		return false
	}
	flow := eroute.FlowOf(h)
	s := &o.stream
	if s.ok && s.flow == flow {
		return true
	}
	s.ok = false
	entry, ok := e.eroutes.Lookup(flow)
	if !ok || entry == nil || entry.Shunt() != klips.ShuntNone || o.isIKE(&flow, entry) {
		return false
	}
	sa := e.sas.Lookup(entry.SAID)
	if sa == nil {
		return false
	}
	chain := sa.Chain()
	if len(chain) != 2 || chain[0].Config.ID.Proto != said.IPIP || chain[1].Config.ID.Proto != said.ESP {
		return false
	}
	p := outgoing{chain: chain[1:], tunnel: true, outer: packet.Outer{Dst: sa.Config.ID.Dst}, ipv6: sa.Config.ID.Dst.Is6()}
	*s = stream{ok: true, flow: flow, entry: entry, tunnel: chain[0], esp: chain[1], encap: chain[1].Config.Encap}
	s.room = p.room(e.mtu(o.at, sa.Config.ID.Dst))
	return true
}

// fits reports whether a packet of n bytes can be sealed before what is there has
// been sent.
func (o *outbound) fits(n int) bool {
	return len(o.arena)-o.arenaUsed >= n+packet.Headroom+packet.Tailroom && o.viewsUsed < len(o.views) && len(o.spare)-o.used >= sparesLeast
}

// most returns how many packets of size bytes can be sealed before what is there has
// been sent, where one can.
func (o *outbound) most(size int) int {
	room := len(o.arena) - o.arenaUsed - packet.Headroom - packet.Tailroom
	return max(1, min(room/(o.stream.esp.Len(size)+packet.IPv6Len+packet.UDPLen), len(o.views)-o.viewsUsed))
}

// push seals a packet of the stream behind those that are there. It is false where
// they have to be sent first.
func (o *outbound) push(p []byte, h *packet.Header) bool {
	n, ok := o.reserve(sadb.One(len(p)))
	switch {
	case !ok:
		return false
	case n == 0:
		o.drop(klips.DropSA, h)
	default:
		o.place(p, h)
	}
	return true
}

// pushAll does the same with what a packet is still to be cut into, as far as there is
// room, and at least with one.
func (o *outbound) pushAll(h *packet.Header) bool {
	b := o.splitter.Left()
	if most := o.most(b.Size); most < b.Count {
		b.Count, b.Last = most, b.Size
	}
	n, ok := o.reserve(sadb.Batch(b))
	if !ok {
		return false
	}
	if n == 0 {
		o.splitter.Next()
		o.drop(klips.DropSA, h)
	}
	for range n {
		o.place(o.splitter.Next(), h)
	}
	return true
}

// reserve has the SAs of the stream count packets before they are sealed, all at
// once. It returns how many of them may go, and false where what is there has to be
// sent first.
func (o *outbound) reserve(b sadb.Batch) (int, bool) {
	s := &o.stream
	run, state, err := o.line.Reserve(s.esp, b, o.now)
	if err == sadb.ErrTurn {
		return 0, false
	}
	o.note(s.esp, state)
	n := 0
	if err == nil {
		if n = run.Left(); n < b.Count {
			b.Count, b.Last = n, b.Size
		}
		n, state = s.tunnel.PassAll(b, o.now) // numbers that it leaves over are lost, with its last packet
		o.note(s.tunnel, state)
	}
	s.entry.Count(max(n, 1), o.now.UnixNano())
	o.granted = run
	return n, true
}

// place seals a packet, for which there is a run.
func (o *outbound) place(p []byte, h *packet.Header) {
	s, t := &o.stream, &o.sealed
	next := uint8(packet.IPv4)
	if h.Version == 6 {
		next = packet.IPv6
	}
	size := s.esp.Len(len(p))
	tos := packet.OuterTOS(h.TOS, o.e.settings.HideTOS)
	if !t.takes(s, tos, h.DF, size) {
		o.shut()
		o.begins(tos, h.DF)
	}
	if _, err := o.granted.Seal(&o.scratch, o.arena[:o.arenaUsed], p, next); err != nil {
		o.drop(klips.DropSA, h)
		if t.count == 0 {
			o.forget()
		}
		return
	}
	o.arenaUsed += size
	if t.count == 0 {
		t.size = size
	}
	t.count++
	t.full = !t.encap.On() || size < t.size || t.count == trainCount
}

// takes reports whether another ESP packet of size bytes may go in the train.
func (t *sealed) takes(s *stream, tos uint8, df bool, size int) bool {
	return t.view != nil && !t.full && t.esp == s.esp && t.outer.TOS == tos && t.outer.DF == df &&
		size <= t.size && packet.UDPLen+t.count*t.size+size <= trainBytes
}

// begins makes room for another train, or packet.
func (o *outbound) begins(tos uint8, df bool) {
	s, t := &o.stream, &o.sealed
	c := &s.tunnel.Config
	*t = sealed{
		view:  &o.views[o.viewsUsed],
		esp:   s.esp,
		encap: s.encap,
		outer: packet.Outer{Src: c.TunnelSrc, Dst: c.ID.Dst, TOS: tos, TTL: ttl, DF: df, Proto: packet.ESP},
		start: o.arenaUsed,
	}
	o.viewsUsed++
	t.head = t.outer.Len()
	if t.encap.On() {
		t.head += packet.UDPLen
		t.outer.Proto = packet.UDP
	}
	o.arenaUsed += t.head
}

// forget takes the train back that has nothing in it.
func (o *outbound) forget() {
	o.arenaUsed = o.sealed.start
	o.viewsUsed--
	o.sealed = sealed{}
}

// shut ends the train, and puts it on its way.
func (o *outbound) shut() {
	t := &o.sealed
	if t.view == nil {
		return
	}
	end := o.arenaUsed
	t.view.Over(o.arena, t.start, end)
	head := o.arena[t.start:end]
	t.outer.ID = uint16(o.e.ids.Add(uint32(t.count)) - uint32(t.count) + 1)
	ip := t.outer.Len()
	t.outer.Put(head, len(head)-ip)
	if t.encap.On() {
		udp := head[ip:t.head]
		binary.BigEndian.PutUint16(udp, t.encap.SrcPort)
		binary.BigEndian.PutUint16(udp[2:], t.encap.DstPort)
		binary.BigEndian.PutUint16(udp[4:], uint16(len(head)-ip))
		udp[6], udp[7] = 0, 0
		t.view.Segment = t.size
	}
	o.out = append(o.out, t.view)
	o.sealed = sealed{}
}
