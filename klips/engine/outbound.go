package engine

import (
	"errors"
	"os"
	"syscall"
	"time"

	"ipsec/klips"
	"ipsec/klips/eroute"
	"ipsec/klips/esp"
	"ipsec/klips/packet"
	"ipsec/klips/sadb"
	"ipsec/klips/segment"
)

const (
	spares      = 192 // buffers for fragments, compressed packets and answers
	sparesLeast = 128 // how many a packet finds at least
)

// An outbound carries packets from a queue of the virtual interface of an attachment
// to the physical one. It is for one goroutine.
type outbound struct {
	e     *Engine
	at    *attachment
	queue int // of the device, and of the wire

	in, out, back []*packet.Buffer // read; for the wire; answers, for the device
	spare         []*packet.Buffer
	used          int // of spare
	take          func() *packet.Buffer

	now       time.Time
	scratch   esp.Scratch
	answers   limiter
	fragments fragments
	assembly  assembly
	head      [maxHead]byte // the header of a packet in transport mode

	// Packets that went the short way.
	splitter  segment.Splitter
	splitting packet.Header // of the packet that is being cut
	stream    stream
	granted   sadb.Run
	line      *sadb.Line
	sealed    sealed
	arena     []byte
	arenaUsed int
	views     []packet.Buffer // of the arena
	viewsUsed int

	// What waits until the lock is released.
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
		line:    e.order.Line(),
		arena:   make([]byte, arenaSize),
		views:   make([]packet.Buffer, viewLimit),
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
func (o *outbound) run(queue Queue) {
	pacer := newPacer(0)
	for n := 0; ; {
		pacer.pace(o.in[:n])
		var err error
		n, err = queue.ReadBatch(o.in)
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
		o.stream.ok = false
		for len(packets) > 0 && o.fits(packets[0].Len()) && o.one(packets[0]) {
			packets = packets[1:]
		}
		o.shut()
		o.e.mu.RUnlock()
		o.flush()
	}
}

func (o *outbound) flush() {
	e := o.e
	o.line.Wait()
	n, err := o.at.wire.WriteBatch(o.queue, o.out)
	o.line.Done()
	if n > 0 {
		e.stats.add(klips.DropWire, n)
		if errors.Is(err, syscall.EMSGSIZE) {
			o.at.wire.Refresh() // its MTU is not what it was
		}
	}
	n, _ = o.at.device.WriteBatch(o.back)
	e.stats.add(klips.DropDevice, n)
	e.expire(o.worn)
	for i := range o.trapped {
		e.hold(&o.trapped[i])
	}
	clear(o.trapped)
	clear(o.worn)
	o.out, o.back, o.used, o.arenaUsed, o.viewsUsed = o.out[:0], o.back[:0], 0, 0, 0
	o.trapped, o.worn = o.trapped[:0], o.worn[:0]
}

// one sends a packet, or what it is to be cut into, where its eroute says. It is
// false where it has to be called again after a flush. The caller holds the
// engine's lock.
func (o *outbound) one(b *packet.Buffer) bool {
	if b.Segment > 0 {
		return o.cut(b)
	}
	h, err := packet.Parse(b.Bytes())
	switch {
	case err != nil:
		o.drop(klips.DropMalformed, &h)
	case o.choose(&h) && h.Total <= o.stream.room:
		return o.push(b.Bytes()[:h.Total], &h)
	case o.crowded():
		return false
	default:
		o.single(b, &h)
	}
	return true
}

// cut sends what a packet is to be cut into.
func (o *outbound) cut(b *packet.Buffer) bool {
	if !o.splitter.More() {
		h, err := packet.Parse(b.Bytes())
		if err != nil || !o.splitter.Start(b.Bytes(), &h, b.Segment) {
			o.drop(klips.DropMalformed, &h)
			return true
		}
		o.splitting = h
	}
	for short := o.choose(&o.splitting); o.splitter.More(); {
		n := o.splitter.Len()
		if !o.fits(n) {
			return false
		}
		if short && n <= o.stream.room {
			if !o.pushAll(&o.splitting) {
				return false
			}
			continue
		}
		if o.crowded() {
			return false
		}
		piece := o.take()
		piece.Set(o.splitter.Next())
		h, err := packet.Parse(piece.Bytes())
		if err != nil {
			o.drop(klips.DropMalformed, &h)
			continue
		}
		o.single(piece, &h)
	}
	return true
}

// crowded reports whether what is there has to be sent before a packet goes the long
// way, so that each packet leaves in the order of its sequence number.
func (o *outbound) crowded() bool { return o.at.several && o.line.Holds() }

// single sends a packet the long way.
func (o *outbound) single(b *packet.Buffer, h *packet.Header) {
	e := o.e
	o.shut() // what came before goes first
	before := len(o.out)
	o.route(b, h)
	if len(o.out) > before && e.debug.On(klips.TopicTunnel|klips.TopicTunnelXmit) {
		e.debug.Sayf(klips.TopicTunnel|klips.TopicTunnelXmit, "tunnel: %s: sent as %s", e.debug.describe(h), e.debug.sent(o.out[before].Bytes(), len(o.out)-before))
	}
}

// drop counts a packet that goes no further.
func (o *outbound) drop(r klips.DropReason, h *packet.Header) {
	o.e.stats.count(r)
	if o.e.debug.On(klips.TopicTunnel) {
		o.e.debug.Sayf(klips.TopicTunnel, "tunnel: %s: dropped as one %v", o.e.debug.describe(h), r)
	}
}

// route sends a packet on by its eroute.
func (o *outbound) route(b *packet.Buffer, h *packet.Header) {
	e := o.e
	b.Window(0, h.Total)
	flow := eroute.FlowOf(h)
	if !o.fragments.complete(h, &flow, o.now) {
		o.drop(klips.DropFragment, h)
		return
	}
	entry, ok := e.eroutes.Lookup(flow)
	if e.debug.On(klips.TopicRadij) {
		e.debug.Sayf(klips.TopicRadij, "radij: %s: %s", e.debug.describe(h), entryText(entry, ok))
	}
	switch {
	case !ok:
		o.drop(klips.DropFragment, h)
		return
	case o.isIKE(&flow, entry):
		o.pass(b, h)
		return
	case entry == nil:
		o.drop(klips.DropNoEroute, h)
		return
	}
	entry.Count(1, o.now.UnixNano())
	switch entry.Shunt() {
	case klips.ShuntNone:
		o.encapsulate(b, h, e.sas.Lookup(entry.SAID))
	case klips.ShuntPass:
		o.pass(b, h)
	case klips.ShuntTrap:
		o.trap(b, h, flow)
	case klips.ShuntReject:
		o.drop(klips.DropShunt, h)
		if o.answers.allow(o.now) {
			if answer := o.take(); packet.Prohibited(answer, b.Bytes(), h) {
				o.back = append(o.back, answer)
			}
		}
	default:
		o.drop(klips.DropShunt, h)
	}
}

// isIKE reports whether the packet is an IKE message from this host: what
// negotiates SAs cannot wait for an SA. It goes as it is only to the peer itself,
// or where there is no SA. Port 4500 does not count: what leaves from there is
// for KLIPS to send, and any process may bind it on some interface.
func (o *outbound) isIKE(f *eroute.Flow, entry *eroute.Entry) bool {
	return f.Proto == packet.UDP && !f.Partial && f.SrcPort == portIKE && o.at.wire.Owns(f.Src) &&
		(entry == nil || entry.Shunt() != klips.ShuntNone || entry.SAID.Dst == f.Dst)
}

const portIKE = 500

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
		o.drop(klips.DropTooBig, h)
		return
	}
	o.out = append(o.out, o.spare[from:o.used]...)
}

// tooBig drops a packet that must not be cut, and says so to its sender.
func (o *outbound) tooBig(p []byte, h *packet.Header, mtu int) {
	o.drop(klips.DropTooBig, h)
	if !o.answers.allow(o.now) {
		return
	}
	if answer := o.take(); packet.TooBig(answer, p, h, mtu) {
		o.back = append(o.back, answer)
	}
}

// note remembers a lifetime that an SA has reached until the lock is released.
func (o *outbound) note(sa *sadb.SA, state sadb.State) {
	if state == sadb.Soft || state == sadb.Hard {
		o.worn = append(o.worn, worn{sa, state == sadb.Hard})
	}
}
