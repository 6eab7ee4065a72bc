package engine

import (
	"errors"
	"os"
	"syscall"
	"time"

	"ipsec/klips"
	"ipsec/klips/eroute"
	"ipsec/klips/packet"
	"ipsec/klips/sadb"
	"ipsec/klips/wire"
)

const (
	spares      = 192 // buffers for fragments, compressed packets and answers
	sparesLeast = 128 // how many a packet finds at least
)

// An outbound carries packets from the virtual interface of an attachment to
// the physical one. It is for one goroutine.
type outbound struct {
	e  *Engine
	at *attachment

	in, out, back []*packet.Buffer // read; for the wire; answers, for the device
	spare         []*packet.Buffer
	used          int // of spare
	take          func() *packet.Buffer

	now       time.Time
	answers   limiter
	fragments fragments
	assembly  assembly
	head      [256]byte // the header of a packet in transport mode

	// What waits until the lock is given back.
	trapped []trapped
	worn    []worn
}

func newOutbound(e *Engine, at *attachment, size int) *outbound {
	o := &outbound{
		e:       e,
		at:      at,
		in:      packet.NewBuffers(size, packet.MaxSize),
		spare:   make([]*packet.Buffer, spares),
		trapped: make([]trapped, 0, 16),
	}
	o.take = func() *packet.Buffer {
		if o.spare[o.used] == nil { // most are never wanted
			o.spare[o.used] = packet.NewBuffer(packet.MaxSize)
		}
		b := o.spare[o.used]
		o.used++
		b.Reset()
		return b
	}
	return o
}

// run carries packets until the device is closed.
func (o *outbound) run() {
	for {
		n, err := o.at.device.ReadBatch(o.in)
		switch {
		case errors.Is(err, os.ErrClosed):
			return
		case err != nil:
			o.e.log("no more packets from " + o.at.virtual + ": " + err.Error())
			return
		}
		o.process(o.in[:n])
	}
}

// process carries packets to the wire, and leaves nothing of them behind.
func (o *outbound) process(packets []*packet.Buffer) {
	o.now = o.e.now()
	for len(packets) > 0 {
		o.e.mu.RLock()
		for len(packets) > 0 && len(o.spare)-o.used >= sparesLeast {
			o.one(packets[0])
			packets = packets[1:]
		}
		o.e.mu.RUnlock()
		o.flush()
	}
}

func (o *outbound) flush() {
	e := o.e
	if n, err := writeAll(o.at.wire.WriteBatch, o.out); n > 0 {
		e.stats.add(dropWire, n)
		if errors.Is(err, syscall.EMSGSIZE) {
			o.at.wire.Refresh() // its MTU is not what it was
		}
	}
	n, _ := writeAll(o.at.device.WriteBatch, o.back)
	e.stats.add(dropDevice, n)
	e.expire(o.worn)
	for i := range o.trapped {
		e.hold(&o.trapped[i])
	}
	clear(o.trapped)
	clear(o.worn)
	o.out, o.back, o.used = o.out[:0], o.back[:0], 0
	o.trapped, o.worn = o.trapped[:0], o.worn[:0]
}

// one sends a packet where its eroute says. The caller holds the engine's lock.
func (o *outbound) one(b *packet.Buffer) {
	e := o.e
	h, err := packet.Parse(b.Bytes())
	if err != nil {
		e.stats.count(dropMalformed)
		return
	}
	b.Window(0, h.Total)
	flow := eroute.FlowOf(&h)
	o.fragments.complete(&h, &flow)
	if isIKE(&flow) && o.at.wire.Owns(flow.Src) {
		o.pass(b, &h)
		return
	}
	entry, ok := e.eroutes.Lookup(flow)
	switch {
	case !ok:
		e.stats.count(dropFragment)
		return
	case entry == nil:
		e.stats.count(dropNoEroute)
		return
	}
	entry.Count(o.now.UnixNano())
	switch entry.Shunt() {
	case klips.ShuntNone:
		o.encapsulate(b, &h, e.sas.Lookup(entry.SAID))
	case klips.ShuntPass:
		o.pass(b, &h)
	case klips.ShuntTrap:
		o.trap(b, flow, entry)
	case klips.ShuntReject:
		e.stats.count(dropShunt)
		if o.answers.allow(o.now) {
			if answer := o.take(); packet.Prohibited(answer, b.Bytes(), &h) {
				o.back = append(o.back, answer)
			}
		}
	default:
		e.stats.count(dropShunt)
	}
}

// isIKE reports whether the packet is one of IKE by its source port: what
// negotiates SAs cannot wait for one.
func isIKE(f *eroute.Flow) bool {
	return f.Proto == packet.UDP && !f.Partial && (f.SrcPort == 500 || f.SrcPort == wire.Port)
}

// pass sends a packet as it is.
func (o *outbound) pass(b *packet.Buffer, h *packet.Header) {
	mtu := o.e.mtu(o.at, h.Dst)
	switch {
	case h.Total <= mtu:
		o.out = append(o.out, b)
	case h.DF:
		o.tooBig(b.Bytes(), h, mtu)
	default:
		o.fragment(b, h, mtu)
	}
}

// fragment sends a packet in fragments.
func (o *outbound) fragment(b *packet.Buffer, h *packet.Header, mtu int) {
	from := o.used
	if most := h.Total/max(1, (mtu-h.Payload-8)&^7) + 1; most > len(o.spare)-o.used ||
		!packet.Split(b.Bytes(), h, mtu, o.e.id(), o.take) {
		o.e.stats.count(dropTooBig)
		return
	}
	o.out = append(o.out, o.spare[from:o.used]...)
}

// tooBig drops a packet that must not be cut, and says so to its sender.
func (o *outbound) tooBig(p []byte, h *packet.Header, mtu int) {
	o.e.stats.count(dropTooBig)
	if !o.answers.allow(o.now) {
		return
	}
	if answer := o.take(); packet.TooBig(answer, p, h, mtu) {
		o.back = append(o.back, answer)
	}
}

// note keeps what a packet has brought an SA to, for when the lock is given back.
func (o *outbound) note(sa *sadb.SA, state sadb.State) {
	if state == sadb.Soft || state == sadb.Hard {
		o.worn = append(o.worn, worn{sa, state == sadb.Hard})
	}
}
