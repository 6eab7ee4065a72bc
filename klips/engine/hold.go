package engine

import (
	"net/netip"
	"time"

	"ipsec/klips"
	"ipsec/klips/eroute"
	"ipsec/klips/packet"
	"ipsec/klips/said"
)

const (
	heldLimit = 1024             // flows that wait for an SA
	heldSize  = 9216             // bytes of a packet that is worth keeping
	heldTime  = 30 * time.Second // after which a flow may ask again
)

// A held is the first packet of a flow that met a %trap.
type held struct {
	at     *attachment
	packet []byte // nil where it was too long to keep
	until  time.Time
}

// A trapped is a packet that has met a %trap, while the tables could not be
// changed.
type trapped struct {
	held
	flow eroute.Flow
}

// hold puts a %hold in place of the %trap for the packet's flow, and asks for
// SAs. Where the trap has gone meanwhile, the packet is dropped.
func (e *Engine) hold(t *trapped) {
	e.mu.Lock()
	defer e.mu.Unlock()
	entry, _ := e.eroutes.Lookup(t.flow)
	if entry == nil || entry.Shunt() != klips.ShuntTrap {
		e.stats.count(klips.DropHeld)
		return
	}
	trap := entry.Read()
	hosts := klips.Selector{Src: host(t.flow.Src), Dst: host(t.flow.Dst), Proto: trap.Proto, SrcPort: trap.SrcPort, DstPort: trap.DstPort}
	if e.held[hosts] != nil || e.attached[t.at.virtual] != t.at {
		e.stats.count(klips.DropHeld)
		return
	}
	if len(e.held) >= heldLimit || len(e.events) == cap(e.events) {
		e.stats.count(klips.DropHeld)
		return
	}
	if hosts != trap.Selector { // else the trap itself is what would be replaced
		entry, err := e.eroutes.Replace(klips.Eroute{Selector: hosts, SAID: said.Shunt(said.SPIHold), Ident: trap.Ident})
		if err != nil {
			return
		}
		entry.Held = true
	}
	e.held[hosts] = &held{t.at, t.packet, e.now().Add(heldTime)}
	flow := klips.Selector{Src: hosts.Src, Dst: hosts.Dst, Proto: t.flow.Proto, SrcPort: t.flow.SrcPort, DstPort: t.flow.DstPort}
	e.debug.done(klips.TopicEroute, nil, "eroute: %v -> %v waits for an SA", hosts.Src, hosts.Dst)
	e.emit(klips.Acquire{Packet: flow, Trap: trap.Selector, Ident: trap.Ident})
}

func host(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// release takes away the holds whose flows r covers, and returns their packets.
// The caller holds mu for writing.
func (e *Engine) release(r klips.Eroute) (released []*held) {
	switch eroute.ShuntOf(r.SAID) {
	case klips.ShuntTrap, klips.ShuntHold:
		return nil
	}
	for s, h := range e.held {
		if eroute.Within(s, r.Selector) {
			e.unhold(s)
			released = append(released, h)
		}
	}
	return released
}

// unhold removes a hold, and its eroute unless that has been replaced. The
// caller holds mu for writing.
func (e *Engine) unhold(s klips.Selector) {
	delete(e.held, s)
	if entry := e.eroutes.Get(s); entry != nil && entry.Held {
		e.eroutes.Delete(s)
	}
}

// inject sends a packet that was held on its way.
func (e *Engine) inject(h *held) {
	if h.packet == nil {
		return
	}
	a := h.at
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.side == nil {
		a.side = newOutbound(e, a, 1)
	}
	a.side.in[0].Set(h.packet)
	a.side.process(a.side.in[:1])
}

// trap keeps what hold needs of a packet.
func (o *outbound) trap(b *packet.Buffer, h *packet.Header, flow eroute.Flow) {
	if len(o.trapped) == cap(o.trapped) {
		o.drop(klips.DropHeld, h)
		return
	}
	t := trapped{held: held{at: o.at}, flow: flow}
	if b.Len() <= heldSize {
		t.packet = append([]byte(nil), b.Bytes()...)
	}
	o.trapped = append(o.trapped, t)
}
