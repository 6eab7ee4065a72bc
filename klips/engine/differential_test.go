package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"ipsec/klips"
	"ipsec/klips/packet"
	"ipsec/klips/segment"
)

// TestDifferential sends random packets of random flows, in pieces and one by
// one, through two engines and a network that loses, doubles, swaps and marks; and
// compares all that is on the wire, and all that arrives, with what plain code says.
// With several queues a flow goes by one of them, and an SA comes by one inlet, all at once.
func TestDifferential(t *testing.T) {
	seeds := uint64(12)
	if testing.Short() {
		seeds = 3
	}
	for _, queues := range []int{1, 4} {
		for seed := range seeds {
			t.Run(fmt.Sprintf("%d by %d", seed, queues), func(t *testing.T) { differential(t, rand.New(rand.NewPCG(seed, 4)), queues) })
		}
	}
}

func differential(t *testing.T, r *rand.Rand, queues int) {
	_, west, east := pair(t, klips.Settings{FragICMP: true})
	list := tunnels()
	var senders []*talker
	for i, c := range list {
		c.up(west, east, uint32(0x1000+i))
		for n := range 3 {
			senders = append(senders, &talker{r: r, tunnel: i, c: c, tcp: n < 2, port: uint16(1000 + n), seq: r.Uint32(), id: uint16(r.Uint32()), df: r.IntN(2) == 0, size: sizes()[r.IntN(len(sizes()))]})
		}
	}
	west.wire.SetMTU(2000) // what is too long has tests of its own
	joiner := segment.Joiner{NoTCP: r.IntN(4) == 0, NoUDP: r.IntN(3) == 0}
	lanes := make([]*lane, queues)
	for q := range lanes {
		lanes[q] = newLane(west, east, joiner)
	}
	seqs := numbers{}
	arrived, pieces := 0, 0
	for range 6 {
		// What the host sends, and what that is.
		for total := 0; total < 1+r.IntN(batch); {
			n := r.IntN(len(senders))
			s, l := senders[n], lanes[n%queues]
			for range 1 + r.IntN(8) {
				it := s.item()
				b := packet.NewBuffer(packet.MaxSize)
				b.Set(it.p)
				b.Segment = it.size
				l.bufs = append(l.bufs, b)
				total++
				for _, p := range it.cut() {
					l.want = append(l.want, expected{s.tunnel, p})
				}
			}
		}
		all(lanes, func(l *lane) { l.out.process(l.bufs) })
		var sent [][]byte
		var want []expected
		for _, l := range lanes {
			if len(l.wire.sent) != len(l.want) {
				t.Fatalf("%d packets on the wire, want %d", len(l.wire.sent), len(l.want))
			}
			for i, p := range l.wire.sent {
				checkSent(t, list, l.want[i], p, seqs, queues == 1)
			}
			sent, want = append(sent, l.wire.sent...), append(want, l.want...)
			l.wire.sent, l.want, l.bufs, l.come, l.device.got = nil, nil, nil, nil, nil
		}
		// What the network makes of it.
		order := network(r, len(want))
		var left []expected
		seen := map[int]bool{}
		for _, i := range order {
			p := bytes.Clone(sent[i])
			inner := want[i]
			mark := r.IntN(30) == 0
			if mark {
				packet.SetTOS(p, tosOf(p)|3)
			}
			l := lanes[inner.tunnel%queues]
			l.come = append(l.come, p)
			if seen[i] {
				continue
			}
			seen[i] = true
			if mark {
				if tosOf(inner.p)&3 == 0 {
					continue // dropped: it cannot say that it is marked
				}
				inner.p = bytes.Clone(inner.p)
				packet.SetTOS(inner.p, tosOf(inner.p)|3)
			}
			left = append(left, inner)
		}
		for _, l := range lanes {
			l.arriving = arriving(r, list, l.come)
		}
		all(lanes, func(l *lane) { l.in.process(l.arriving) })
		var got [][]byte
		for _, l := range lanes {
			got = append(got, l.device.got...)
			pieces += l.device.pieces
			l.device.pieces = 0
		}
		compare(t, got, left)
		arrived += len(left)
	}
	if pieces >= arrived && !(joiner.NoTCP && joiner.NoUDP) {
		t.Errorf("nothing was joined: %d pieces for %d packets", pieces, arrived)
	}
}

// An expected is a packet that belongs in a tunnel.
type expected struct {
	tunnel int
	p      []byte
}

func tosOf(p []byte) uint8 {
	if p[0]>>4 == 6 {
		return p[0]<<4 | p[1]>>4
	}
	return p[1]
}

// numbers are the sequence numbers that each tunnel has used.
type numbers map[uint64]bool

// checkSent opens a packet on the wire as plain code does. Its sequence number must be
// the next, or at least nobody else's.
func checkSent(t *testing.T, list []conn, want expected, p []byte, seqs numbers, next bool) {
	t.Helper()
	c := list[want.tunnel]
	ip, proto := plainIP(p)
	h, err := packet.Parse(p)
	if err != nil || h.Src != addr(c.src) || h.Dst != addr(c.dst) || h.TTL != 64 || tosOf(p) != tosOf(want.p) {
		t.Fatalf("outer header %+v, %v", h, err)
	}
	if h.Version == 4 && h.DF != (want.p[0]>>4 == 6 || want.p[6]&0x40 != 0) {
		t.Fatalf("DF %v of %x", h.DF, want.p[:20])
	}
	esp := p[ip:]
	if c.encap {
		if proto != 17 || h.SrcPort != 4500 || h.DstPort != 4500 || int(binary.BigEndian.Uint16(esp[4:])) != len(esp) {
			t.Fatalf("UDP header % x", esp[:8])
		}
		esp = esp[8:]
	} else if proto != 50 {
		t.Fatalf("protocol %d", proto)
	}
	number := binary.BigEndian.Uint64(esp)
	if spi := number >> 32; spi != uint64(0x1000+want.tunnel) || seqs[number] || next && uint32(number) > 1 && !seqs[number-1] {
		t.Fatalf("SPI %#x, want %#x; sequence number %d is not the next, or used twice", spi, 0x1000+want.tunnel, uint32(number))
	}
	seqs[number] = true
	inner, proto, err := plainOpen(&c.sa, esp)
	if err != nil || !bytes.Equal(inner, want.p) || proto != map[byte]byte{4: 4, 6: 41}[want.p[0]>>4] {
		t.Fatalf("inside: %v, next %d\n%x, want\n%x", err, proto, inner, want.p)
	}
}

// network returns which packets arrive, in their order.
func network(r *rand.Rand, n int) (order []int) {
	for i := range n {
		switch r.IntN(40) {
		case 0:
			continue
		case 1:
			order = append(order, i)
		}
		order = append(order, i)
	}
	for range n / 20 {
		a := r.IntN(max(1, len(order)-4))
		b := min(a+r.IntN(4), len(order)-1)
		if b >= 0 {
			order[a], order[b] = order[b], order[a]
		}
	}
	return order
}

// arriving is how an inlet gives packets that come from the wire: with luck, in pieces.
func arriving(r *rand.Rand, list []conn, packets [][]byte) (bufs []*packet.Buffer) {
	most := 1 + r.IntN(64)
	var last *packet.Buffer
	var head []byte
	for _, p := range packets {
		ip, proto := plainIP(p)
		data := p[ip:]
		var b packet.Buffer
		if proto == 17 {
			data = data[8:]
			port := netip.AddrPortFrom(addr("192.1.2.23"), 4500)
			if p[0]>>4 == 6 {
				port = netip.AddrPortFrom(addr("2001:db8:1::23"), 4500)
			}
			b.Encap.Src, b.Encap.Dst = port, port
		}
		h, _ := packet.Parse(p)
		if n := len(data); proto == 17 && last != nil && string(head) == string(p[:2])+string(p[8:9]) && n <= last.Segment &&
			last.Len()+n < 65000 && (last.Len()-len(head))/last.Segment < most {
			last.Append(data)
			if n < last.Segment {
				last = nil
			}
			continue
		}
		outer := packet.Outer{Src: h.Src, Dst: h.Dst, TOS: h.TOS, TTL: h.TTL, Proto: packet.ESP}
		whole := make([]byte, outer.Len()+len(data))
		outer.Put(whole, len(data))
		copy(whole[outer.Len():], data)
		n := packet.NewBuffer(packet.MaxSize)
		n.Set(whole)
		n.Encap = b.Encap
		bufs = append(bufs, n)
		last = nil
		if proto == 17 && r.IntN(8) > 0 {
			last, head = n, []byte(string(p[:2])+string(p[8:9]))
			n.Segment = len(data)
		}
	}
	for _, b := range bufs {
		if h, err := packet.Parse(b.Bytes()); err == nil {
			packet.SetLength(b.Bytes()[:h.Payload], b.Len())
			if b.Segment == b.Len()-h.Payload {
				b.Segment = 0
			}
		}
	}
	return bufs
}

// compare holds what arrived against what should have: each flow in its order.
func compare(t *testing.T, got [][]byte, want []expected) {
	t.Helper()
	flows := map[string][][]byte{}
	flow := func(p []byte) string {
		ip, proto := plainIP(p)
		return string(plainPseudo(p, proto, 0)) + string(p[ip:ip+4])
	}
	for _, w := range want {
		flows[flow(w.p)] = append(flows[flow(w.p)], w.p)
	}
	for _, p := range got {
		f := flows[flow(p)]
		if len(f) == 0 {
			t.Fatalf("nobody sent %x", p)
		}
		if !bytes.Equal(nameless(p), nameless(f[0])) {
			t.Fatalf("got\n%x, want\n%x", p, f[0])
		}
		if plainGood(p) != plainGood(f[0]) {
			t.Fatalf("checksum of\n%x", p)
		}
		flows[flow(p)] = f[1:]
	}
	for f, rest := range flows {
		if len(rest) > 0 {
			t.Fatalf("%d packets of %x did not arrive, the first %x", len(rest), f, rest[0])
		}
	}
}

// nameless is the packet without its identification, where that means nothing: RFC
// 6864, section 4.1.
func nameless(p []byte) []byte {
	if p[0]>>4 == 4 && p[6]&0x40 != 0 {
		p = bytes.Clone(p)
		p[4], p[5], p[10], p[11] = 0, 0, 0, 0
	}
	return p
}
