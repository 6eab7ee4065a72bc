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
	"ipsec/klips/said"
	"ipsec/klips/segment"
)

// The host and the network of the differential test, which do what they do to
// packets plainly.

// A plainHost is a device that keeps what it is given, in pieces, cut.
type plainHost struct {
	Device
	joiner segment.Joiner
	got    [][]byte
	pieces int
}

func (h *plainHost) WriteBatch(bufs []*packet.Buffer) (int, error) {
	h.joiner.Join(bufs)
	for i := range h.joiner.Groups {
		g := &h.joiner.Groups[i]
		var header segment.Vnet
		g.Finish()
		header.Put(g)
		p := bytes.Clone(bufs[g.First].Bytes())
		for n := h.joiner.After(g.First); n >= 0; n = h.joiner.After(n) {
			p = append(p, bufs[n].Bytes()[g.Head:]...)
		}
		h.pieces++
		if size := int(binary.NativeEndian.Uint16(header[4:])); size > 0 {
			h.got = append(h.got, hostCut(header[:], p)...)
		} else {
			h.got = append(h.got, p)
		}
	}
	return 0, nil
}

// hostCut is plainCut, for a host that looks at the header and at the sum of the pseudo header.
func hostCut(header, p []byte) [][]byte {
	ip, proto := plainIP(p)
	start, at := int(binary.NativeEndian.Uint16(header[6:])), int(binary.NativeEndian.Uint16(header[8:]))
	sum := plainSum(plainPseudo(p, proto, len(p)-ip))
	if header[0] != 1 || start != ip || binary.BigEndian.Uint16(p[start+at:]) != sum || binary.BigEndian.Uint16(p[2:]) != uint16(len(p)) && p[0]>>4 == 4 {
		panic(fmt.Sprintf("header % x of %x", header, p[:60]))
	}
	return plainCut(p, int(binary.NativeEndian.Uint16(header[4:])))
}

// A line is a wire that keeps what is sent, packet by packet.
type line struct {
	Wire
	sent [][]byte
}

func (l *line) WriteBatch(bufs []*packet.Buffer) (int, error) {
	for _, b := range bufs {
		if b.Segment == 0 {
			l.sent = append(l.sent, bytes.Clone(b.Bytes()))
			continue
		}
		p := b.Bytes()
		ip, _ := plainIP(p)
		if len(p) > 65535 {
			panic("longer than any datagram")
		}
		if n := (len(p) - ip - 8 + b.Segment - 1) / b.Segment; n > 64 {
			panic("more than the kernel cuts")
		}
		for n, rest := 0, p[ip+8:]; len(rest) > 0; n++ {
			q := append(bytes.Clone(p[:ip+8]), rest[:min(b.Segment, len(rest))]...)
			rest = rest[min(b.Segment, len(rest)):]
			if q[0]>>4 == 4 {
				binary.BigEndian.PutUint16(q[4:], binary.BigEndian.Uint16(p[4:])+uint16(n))
			}
			l.sent = append(l.sent, plainFix(q))
		}
	}
	return 0, nil
}

// tunnels are the SAs of the test: of each the inner networks differ in their
// second number, and what is in it differs.
func tunnels() []conn {
	var list []conn
	for i, sa := range []klips.SA{
		{Enc: "aesgcm16", EncKey: key(20, 1), ReplayWindow: 4096},
		{Enc: "aesgcm16", EncKey: key(36, 2), ReplayWindow: 4096, ESN: true},
		{Enc: "chacha20poly1305", EncKey: key(36, 3), ReplayWindow: 4096},
		{Enc: "aes", EncKey: key(16, 4), Auth: "sha2_256-128", AuthKey: key(32, 5), ReplayWindow: 4096},
	} {
		for _, encap := range []bool{true, false} {
			for _, six := range []bool{false, true} {
				c := conn{src: "192.1.2.23", dst: "192.1.2.45", protos: []said.Proto{said.IPIP, said.ESP}, sa: sa, encap: encap}
				n := len(list) + 1
				c.srcNet, c.dstNet = fmt.Sprintf("10.%d.0.0/17", n), fmt.Sprintf("10.%d.128.0/17", n)
				if six {
					c.srcNet, c.dstNet = fmt.Sprintf("fd01:%d:1::/48", n), fmt.Sprintf("fd01:%d:2::/48", n)
				}
				if i%2 == 1 {
					c.src, c.dst = "2001:db8:1::23", "2001:db8:1::45"
				}
				list = append(list, c)
			}
		}
	}
	return list
}

// An item is what the host sends: a packet, or one that is to be cut.
type item struct {
	p    []byte
	size int
}

// A flow sends items.
type talker struct {
	r      *rand.Rand
	tunnel int
	c      conn
	tcp    bool
	port   uint16
	seq    uint32
	id     uint16
	df     bool
	size   int // that it prefers
}

func sizes() []int { return []int{1, 7, 64, 536, 1300, 1340} }

// item draws the next of a flow.
func (s *talker) item() item {
	r := s.r
	size := s.size
	if r.IntN(4) == 0 {
		size = sizes()[r.IntN(len(sizes()))]
	}
	data := size
	if r.IntN(4) == 0 {
		data = r.IntN(size) + 1
	}
	cut := r.IntN(4) == 0
	if cut {
		data = size + 1 + r.IntN(min(60000-size, size*63-1))
	}
	head := 8
	if s.tcp {
		head = 20 + 12*(r.IntN(6)&1)
	}
	src, dst := netip.MustParsePrefix(s.c.srcNet).Addr().Next(), netip.MustParsePrefix(s.c.dstNet).Addr().Next()
	tos := []uint8{0, 0, 0, 0, 0, 0, 2, 0xb9}[r.IntN(8)]
	outer := packet.Outer{Src: src, Dst: dst, TOS: tos, TTL: 60, Proto: 17, ID: s.id, DF: s.df && src.Is4()}
	if s.tcp {
		outer.Proto = 6
	}
	ip := outer.Len()
	p := make([]byte, ip+head+data)
	outer.Put(p, head+data)
	upper := p[ip:]
	for i := range upper[head:] {
		upper[head+i] = byte(r.Uint32())
	}
	binary.BigEndian.PutUint16(upper, s.port)
	binary.BigEndian.PutUint16(upper[2:], 443)
	if s.tcp {
		binary.BigEndian.PutUint32(upper[4:], s.seq)
		upper[12], upper[13] = byte(head/4)<<4, []byte{0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x18, 0x11, 0xd0, 0x50, 0x12, 0x30}[r.IntN(12)]
		binary.BigEndian.PutUint16(upper[14:], 512)
		if head == 32 {
			copy(upper[20:], []byte{1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, byte(r.IntN(5) / 4)})
		}
		s.seq += uint32(data)
	}
	count := uint16(1)
	if cut {
		count = uint16((data + size - 1) / size)
	} else {
		size = 0
	}
	if s.id += count; r.IntN(8) == 0 {
		s.id++
	}
	p = plainFix(p)
	if !cut && r.IntN(8) == 0 {
		p[len(p)-1] ^= 1 // the checksum is wrong, and has to stay so
	}
	return item{p, size}
}

func (it item) cut() [][]byte {
	if it.size == 0 {
		return [][]byte{it.p}
	}
	return plainCut(it.p, it.size)
}

// TestDifferential sends random packets of random flows, in pieces and one by
// one, through two engines and a network that loses, doubles, swaps and marks; and
// compares all that is on the wire, and all that arrives, with what plain code says.
func TestDifferential(t *testing.T) {
	seeds := uint64(12)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { differential(t, rand.New(rand.NewPCG(seed, 4))) })
	}
}

func differential(t *testing.T, r *rand.Rand) {
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
	wire := &line{Wire: fakeWire{west.wire}}
	out := newOutbound(west.Engine, &attachment{virtual: "ipsec0", wire: wire, device: west.device}, batch)
	device := &plainHost{Device: east.device, joiner: segment.Joiner{NoTCP: r.IntN(4) == 0, NoUDP: r.IntN(3) == 0}}
	in := newInbound(east.Engine, &attachment{wire: fakeWire{east.wire}, device: device}, batch/2)
	seqs := make([]uint32, len(list))
	arrived := 0
	for range 6 {
		// What the host sends, and what that is.
		var bufs []*packet.Buffer
		var want []expected
		for len(bufs) < 1+r.IntN(batch) {
			s := senders[r.IntN(len(senders))]
			for range 1 + r.IntN(8) {
				it := s.item()
				b := packet.NewBuffer(packet.MaxSize)
				b.Set(it.p)
				b.Segment = it.size
				bufs = append(bufs, b)
				for _, p := range it.cut() {
					want = append(want, expected{s.tunnel, p})
				}
			}
		}
		wire.sent = nil
		out.process(bufs)
		if len(wire.sent) != len(want) {
			t.Fatalf("%d packets on the wire, want %d", len(wire.sent), len(want))
		}
		for i, p := range wire.sent {
			seqs[want[i].tunnel]++
			checkSent(t, list, want[i], p, seqs[want[i].tunnel])
		}
		// What the network makes of it.
		order := network(r, len(want))
		var marked [][]byte
		var left []expected
		seen := map[int]bool{}
		for _, i := range order {
			p := bytes.Clone(wire.sent[i])
			inner := want[i]
			mark := r.IntN(30) == 0
			if mark {
				packet.SetTOS(p, tosOf(p)|3)
			}
			marked = append(marked, p)
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
		device.got = nil
		in.process(arriving(r, list, marked))
		compare(t, device.got, left)
		arrived += len(left)
	}
	if device.pieces >= arrived && !(device.joiner.NoTCP && device.joiner.NoUDP) {
		t.Errorf("nothing was joined: %d pieces for %d packets", device.pieces, arrived)
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

// checkSent opens a packet on the wire as plain code does.
func checkSent(t *testing.T, list []conn, want expected, p []byte, seq uint32) {
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
	if spi, n := binary.BigEndian.Uint32(esp), binary.BigEndian.Uint32(esp[4:]); spi != uint32(0x1000+want.tunnel) || n != seq {
		t.Fatalf("SPI %#x, sequence number %d; want %#x, %d", spi, n, 0x1000+want.tunnel, seq)
	}
	inner, next, err := plainOpen(&c.sa, esp)
	if err != nil || !bytes.Equal(inner, want.p) || next != map[byte]byte{4: 4, 6: 41}[want.p[0]>>4] {
		t.Fatalf("inside: %v, next %d\n%x, want\n%x", err, next, inner, want.p)
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
