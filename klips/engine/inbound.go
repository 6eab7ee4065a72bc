package engine

import (
	"errors"
	"net/netip"
	"os"
	"time"

	"ipsec/klips"
	"ipsec/klips/esp"
	"ipsec/klips/packet"
	"ipsec/klips/sadb"
	"ipsec/klips/said"
)

// An inbound carries packets from one inlet of the physical interface of an
// attachment to the virtual one. It is for one goroutine.
type inbound struct {
	e  *Engine
	at *attachment

	in, out []*packet.Buffer
	spare   []*packet.Buffer // for what is decompressed, or needs room before it
	used    int
	views   []packet.Buffer // of packets that came in one piece
	viewed  int
	offset  int       // how far one that came in one piece has been dealt with
	head    [256]byte // the IP header of a packet in transport mode
	known   known
	scratch esp.Scratch

	now   time.Time
	worn  []worn
	moved []klips.NewMapping
}

// newInbound returns one that reads n packets at once, of up to size bytes.
func newInbound(e *Engine, at *attachment, n, size int) *inbound {
	return &inbound{e: e, at: at, in: packet.NewBuffers(n, size), spare: make([]*packet.Buffer, n), views: make([]packet.Buffer, viewLimit)}
}

// run carries packets until the wire is closed.
func (i *inbound) run(inlet Inlet) {
	e := i.e
	pacer := newPacer(len(i.in))
	for n := 0; ; {
		pacer.pace(i.in[:n])
		var err error
		n, err = inlet.ReadBatch(i.in)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			// The interface may be down, or gone: do not spin.
			e.stats.count(klips.DropRead)
			select {
			case <-e.stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		i.process(i.in[:n])
	}
}

// process carries packets to the device, and leaves nothing of them behind.
func (i *inbound) process(packets []*packet.Buffer) {
	i.now = i.e.now()
	for len(packets) > 0 {
		i.e.mu.RLock()
		i.known = known{}
		for len(packets) > 0 && i.used < len(i.spare) && i.viewed < len(i.views) && i.all(packets[0]) {
			packets = packets[1:]
		}
		i.e.mu.RUnlock()
		i.flush()
	}
}

func (i *inbound) flush() {
	e := i.e
	n, _ := i.at.device.WriteBatch(i.out)
	e.stats.add(klips.DropDevice, n)
	e.expire(i.worn)
	if len(i.moved) > 0 {
		e.mu.Lock()
		for _, m := range i.moved {
			e.emit(m)
		}
		e.mu.Unlock()
	}
	clear(i.worn)
	i.out, i.worn, i.moved, i.used, i.viewed = i.out[:0], i.worn[:0], i.moved[:0], 0, 0
}

// all takes a packet, or those that came in one piece, out of its SAs. It is
// false where it has to be called again after a flush. The caller holds the
// engine's lock.
func (i *inbound) all(b *packet.Buffer) bool {
	h, err := packet.Parse(b.Bytes())
	if err != nil || h.Fragmented() {
		i.e.stats.count(klips.DropMalformed)
		return true
	}
	if b.Segment == 0 {
		i.count(i.one(b, h), b, &h)
		return true
	}
	for i.offset = max(i.offset, h.Payload); i.offset < h.Total; {
		if i.used == len(i.spare) || i.viewed == len(i.views) {
			return false
		}
		from := i.offset
		i.offset = min(from+b.Segment, h.Total)
		view := &i.views[i.viewed]
		view.Part(b, from, i.offset)
		if view.Len() <= 4 || esp.SPI(view.Bytes()) == 0 {
			continue // no ESP: the inlet has dealt with it
		}
		i.viewed++
		i.count(i.piece(view, h, b.Bytes()[:h.Payload]), view, &h)
	}
	i.offset = 0
	return true
}

// count counts a packet that was dropped, and says what became of one for the topic rcv.
func (i *inbound) count(r klips.DropReason, b *packet.Buffer, h *packet.Header) {
	e := i.e
	if r >= 0 {
		e.stats.count(r)
	}
	switch {
	case !e.debug.On(klips.TopicRcv):
	case r >= 0:
		e.debug.Sayf(klips.TopicRcv, "rcv: %s: dropped as one %v", e.debug.describe(h), r)
	default:
		e.debug.Sayf(klips.TopicRcv, "rcv: %s: good", e.debug.describe(h))
	}
}

// delivered is the reason of a packet that was not dropped.
const delivered klips.DropReason = -1

// An incoming is a packet on its way out of its SAs.
type incoming struct {
	b    *packet.Buffer
	h    packet.Header // outer
	next uint8         // what is in b, once AH and ESP are off

	// piece is set where the room before b belongs to packets that came with it.
	piece bool

	sas [4]*sadb.SA // those that it came out of, outermost first
	n   int
}

// one takes a packet, whose header is h, out of its SAs. The caller holds the
// engine's lock.
func (i *inbound) one(b *packet.Buffer, h packet.Header) klips.DropReason {
	p := incoming{b: b, h: h}
	b.Window(0, p.h.Total)
	if p.h.Proto == packet.AH {
		if r := i.verify(&p); r >= 0 {
			return r
		}
	}
	if p.h.Payload > len(i.head) {
		return klips.DropMalformed
	}
	head := i.head[:copy(i.head[:], b.Bytes()[:p.h.Payload])]
	b.Window(p.h.Payload, p.h.Total)
	return i.inner(&p, head)
}

// piece is like one, for an ESP packet whose IP header, h, is in head.
func (i *inbound) piece(b *packet.Buffer, h packet.Header, head []byte) klips.DropReason {
	return i.inner(&incoming{b: b, h: h, piece: true}, head)
}

// inner takes what is behind the header out of its SAs, and delivers it.
func (i *inbound) inner(p *incoming, head []byte) klips.DropReason {
	p.next = p.h.Proto
	if p.next == packet.ESP {
		if r := i.open(p); r >= 0 {
			return r
		}
	}
	if p.n == 0 {
		return klips.DropPolicy // it is not authenticated
	}
	if p.next == packet.COMP {
		if r := i.decompress(p); r >= 0 {
			return r
		}
	}
	switch p.next {
	case packet.IPv4, packet.IPv6:
		return i.leaveTunnel(p)
	case 59: // a dummy packet: RFC 4303, section 2.6
		return delivered
	}
	return i.leaveTransport(p, head)
}

// find returns the SA of an arriving packet, or why the packet may not have come by it.
func (i *inbound) find(p *incoming, proto said.Proto, spi uint32) (*sadb.SA, klips.DropReason) {
	id := said.SAID{Dst: p.h.Dst, SPI: spi, Proto: proto}
	if i.known.sa == nil || i.known.id != id {
		i.known = known{id: id, sa: i.e.sas.Lookup(id)}
	}
	sa := i.known.sa
	if sa == nil || sa.Larval || sa.Broken {
		return nil, klips.DropNoSA
	}
	encap := sa.Config.Encap.On()
	src := sa.Config.Src
	if encap != p.b.Encap.Src.IsValid() || !encap && src.IsValid() && !src.IsUnspecified() && src != p.h.Src {
		sa.PolicyError()
		return nil, klips.DropPolicy
	}
	return sa, delivered
}

// through notes that the packet came out of sa, authentic.
func (i *inbound) through(p *incoming, sa *sadb.SA, state sadb.State) {
	p.sas[p.n] = sa
	p.n++
	if state == sadb.Soft || state == sadb.Hard {
		i.worn = append(i.worn, worn{sa, state == sadb.Hard})
	}
}

// why returns the reason that an error of an SA is counted under.
func why(err error) klips.DropReason {
	switch {
	case err == sadb.ErrReplay:
		return klips.DropReplay
	case err == sadb.ErrDead:
		return klips.DropNoSA
	}
	return klips.DropAuth
}

// moves notes a change of the address that ESP in UDP comes from.
func (i *inbound) moves(p *incoming, sa *sadb.SA) {
	if from := p.b.Encap.Src; from.IsValid() && (i.known.sa != sa || i.known.from != from) {
		i.known.from = from
		if old, moved := sa.Moved(from); moved {
			i.moved = append(i.moved, klips.NewMapping{ID: sa.Config.ID, Old: old, New: from})
		}
	}
}

// peer returns the address that the packets of sa are expected from.
func (p *incoming) peer() netip.Addr {
	if src := p.sas[0].Config.Src; src.IsValid() && !src.IsUnspecified() {
		return src
	}
	return p.h.Src
}
