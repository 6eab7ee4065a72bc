package engine

import (
	"errors"
	"net/netip"
	"os"
	"time"

	"ipsec/klips"
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
	spare   []*packet.Buffer // for what is decompressed
	used    int
	head    [256]byte // the IP header of a packet in transport mode

	now   time.Time
	worn  []worn
	moved []klips.NewMapping
}

func newInbound(e *Engine, at *attachment, size int) *inbound {
	return &inbound{e: e, at: at, in: packet.NewBuffers(size, packet.MaxSize), spare: make([]*packet.Buffer, size)}
}

// run carries packets until the wire is closed.
func (i *inbound) run(inlet Inlet) {
	e := i.e
	for {
		n, err := inlet.ReadBatch(i.in)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			// The interface may be down, or gone: do not spin.
			e.stats.count(dropRead)
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
	e := i.e
	i.now = e.now()
	e.mu.RLock()
	for _, b := range packets {
		asked := e.debug.in(b.Bytes())
		r := i.one(b)
		if r >= 0 {
			e.stats.count(r)
		}
		switch {
		case asked == "":
		case r >= 0:
			e.debug.say("rcv: %s: dropped as one %v", asked, r)
		default:
			e.debug.say("rcv: %s: good", asked)
		}
	}
	e.mu.RUnlock()
	n, _ := writeAll(i.at.device.WriteBatch, i.out)
	e.stats.add(dropDevice, n)
	e.expire(i.worn)
	if len(i.moved) > 0 {
		e.mu.Lock()
		for _, m := range i.moved {
			e.emit(m)
		}
		e.mu.Unlock()
	}
	clear(i.worn)
	i.out, i.worn, i.moved, i.used = i.out[:0], i.worn[:0], i.moved[:0], 0
}

// delivered is the reason of a packet that was not dropped.
const delivered reason = -1

// An incoming is a packet on its way out of its SAs.
type incoming struct {
	b    *packet.Buffer
	h    packet.Header // outer
	next uint8         // what is in b, once AH and ESP are off

	sas [4]*sadb.SA // those that it came out of, outermost first
	n   int
}

// one takes a packet out of its SAs. The caller holds the engine's lock.
func (i *inbound) one(b *packet.Buffer) reason {
	p := incoming{b: b}
	var err error
	if p.h, err = packet.Parse(b.Bytes()); err != nil || p.h.Fragmented() {
		return dropMalformed
	}
	b.Window(0, p.h.Total)
	if p.h.Proto == packet.AH {
		if r := i.verify(&p); r >= 0 {
			return r
		}
	}
	if p.h.Payload > len(i.head) {
		return dropMalformed
	}
	head := i.head[:copy(i.head[:], b.Bytes()[:p.h.Payload])]
	b.Window(p.h.Payload, p.h.Total)
	p.next = p.h.Proto
	if p.next == packet.ESP {
		if r := i.open(&p); r >= 0 {
			return r
		}
	}
	if p.n == 0 {
		return dropPolicy // nothing vouches for it
	}
	if p.next == packet.COMP {
		if r := i.decompress(&p); r >= 0 {
			return r
		}
	}
	switch p.next {
	case packet.IPv4, packet.IPv6:
		return i.leaveTunnel(&p)
	case 59: // a dummy packet: RFC 4303, section 2.6
		return delivered
	}
	return i.leaveTransport(&p, head)
}

// find returns the SA of an arriving packet where it may have come by it.
func (i *inbound) find(p *incoming, proto said.Proto, spi uint32) (*sadb.SA, reason) {
	sa := i.e.sas.Lookup(said.SAID{Dst: p.h.Dst, SPI: spi, Proto: proto})
	if sa == nil || sa.Larval || sa.Broken {
		return nil, dropNoSA
	}
	encap := sa.Config.Encap.On()
	src := sa.Config.Src
	if encap != p.b.Encap.Src.IsValid() || !encap && src.IsValid() && !src.IsUnspecified() && src != p.h.Src {
		sa.PolicyError()
		return nil, dropPolicy
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

// why says what an error of an SA is counted as.
func why(err error) reason {
	switch {
	case err == sadb.ErrReplay:
		return dropReplay
	case err == sadb.ErrDead:
		return dropNoSA
	}
	return dropAuth
}

// moves notes a change of the address that ESP in UDP comes from.
func (i *inbound) moves(p *incoming, sa *sadb.SA) {
	if from := p.b.Encap.Src; from.IsValid() {
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
