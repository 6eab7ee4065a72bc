package engine

import (
	"bytes"
	"slices"
	"testing"

	"ipsec/klips"
	"ipsec/klips/packet"
	"ipsec/klips/said"
	"ipsec/klips/segment"
)

// pieces carries packets of 64 KB that the host sends in one piece out of one
// engine and into another, in memory.
type pieces struct {
	out  *outbound
	in   *inbound
	sent *loop
	got  *joined
	p    []byte
	size int
}

// joined is a device that joins what it is given, and drops it.
type joined struct {
	Device
	joiner  segment.Joiner
	header  segment.Vnet
	packets int
}

func (d *joined) WriteBatch(bufs []*packet.Buffer) (int, error) {
	d.joiner.Join(bufs)
	for i := range d.joiner.Groups {
		d.joiner.Groups[i].Finish()
		d.header.Put(&d.joiner.Groups[i])
	}
	d.packets += len(bufs)
	return 0, nil
}

func newPieces(west, east *gateway, encap bool, tcp bool) *pieces {
	c := tunnel()
	c.encap = encap
	c.up(west, east, 0x1001)
	n := &pieces{sent: &loop{sent: packet.NewBuffers(64, packet.MaxSize)}, got: &joined{Device: fakeDevice{east.device}}, size: 1360}
	n.out = newOutbound(west.Engine, &attachment{wire: loopWire{n.sent, fakeWire{west.wire}}, device: fakeDevice{west.device}}, batch)
	n.in = newInbound(east.Engine, &attachment{wire: fakeWire{east.wire}, device: n.got}, batch, packet.MaxSize)
	head := packet.UDPLen
	outer := packet.Outer{Src: addr("10.1.0.1"), Dst: addr("10.2.0.1"), TTL: 64, Proto: packet.UDP, DF: true}
	if tcp {
		head, outer.Proto = 20, packet.TCP
	}
	n.p = make([]byte, 20+head+n.size*44)
	outer.Put(n.p, len(n.p)-20)
	if tcp {
		n.p[32], n.p[33] = 5<<4, 0x10
	}
	return n
}

// carry returns how many packets arrived.
func (n *pieces) carry() int {
	n.sent.n, n.got.packets = 0, 0
	for _, b := range n.out.in[:3] {
		b.Set(n.p)
		b.Segment = n.size
	}
	n.out.process(n.out.in[:3])
	for i, b := range n.sent.sent[:n.sent.n] {
		to := n.in.in[i]
		p := b.Bytes()
		if b.Segment == 0 {
			to.Set(p)
			continue
		}
		copy(p[packet.UDPLen:], p[:packet.IPv4Len])
		to.Set(p[packet.UDPLen:])
		to.Bytes()[9] = packet.ESP
		packet.SetLength(to.Bytes(), to.Len())
		to.Segment = b.Segment
		to.Encap.Src, to.Encap.Dst = addrPort("192.1.2.23:4500"), addrPort("192.1.2.45:4500")
	}
	batch := slices.Clone(n.in.in[:n.sent.n])
	n.in.process(batch)
	return n.got.packets
}

func TestPiecesDoNotAllocate(t *testing.T) {
	for _, c := range []struct {
		name       string
		encap, tcp bool
	}{{"TCP in UDP", true, true}, {"UDP in UDP", true, false}} {
		t.Run(c.name, func(t *testing.T) {
			_, west, east := pair(t, klips.Settings{})
			n := newPieces(west, east, c.encap, c.tcp)
			if got := n.carry(); got != 3*44 {
				t.Fatalf("%d packets came in, want %d", got, 3*44)
			}
			if trains := n.sent.n; trains != 3 {
				t.Errorf("%d trains, want 3", trains)
			}
			if groups := len(n.got.joiner.Groups); groups > 3 && c.tcp {
				t.Errorf("%d pieces for the host, want 3 at most", groups)
			}
			if allocs := testing.AllocsPerRun(20, func() { n.carry() }); allocs > 1 { // the clone of a slice, by the test
				t.Errorf("%v allocations", allocs)
			}
		})
	}
}

// TestPiecesTooBig has the host send a packet to be cut into pieces that do not fit:
// with DF it is told what does, without each goes in fragments, the long way.
func TestPiecesTooBig(t *testing.T) {
	for _, c := range []struct {
		name  string
		encap bool
		df    bool
		debug []string
		size  int
		want  int
	}{
		{"in UDP", true, true, nil, 1460, 1438},
		{"ESP", false, true, nil, 1460, 1446},
		{"in UDP, without DF", true, false, nil, 1460, 0},
		{"ESP, without DF", false, false, nil, 1460, 0},
		{"somebody watches", true, true, []string{"all"}, 1300, 0}, // which goes the long way too
		{"nothing of it", true, true, nil, 1300, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, west, east := pair(t, klips.Settings{FragICMP: true, Debug: c.debug})
			n := newPieces(west, east, c.encap, true)
			packet.SetDF(n.p, c.df)
			want := plainCut(n.p, c.size)
			out := newOutbound(west.Engine, &attachment{wire: fakeWire{west.wire}, device: fakeDevice{west.device}}, 1)
			out.in[0].Set(n.p)
			out.in[0].Segment = c.size
			out.process(out.in)
			if c.want > 0 {
				if got := tooBig(t, receive(t, west.device.Received), want[0]); got != c.want {
					t.Errorf("told of an MTU of %d, want %d", got, c.want)
				}
				west.drops(klips.DropTooBig, uint64(len(want)))
				idle(t, east.device.Received)
				return
			}
			for i := range want {
				if got := receive(t, east.device.Received); !bytes.Equal(got, want[i]) {
					t.Fatalf("packet %d: got\n%x, want\n%x", i, got, want[i])
				}
			}
		})
	}
}

// TestPiecesTrapped has the first of what a packet is cut into ask for an SA: it is
// kept, and the others are dropped.
func TestPiecesTrapped(t *testing.T) {
	_, west, east := pair(t, klips.Settings{FragICMP: true})
	n := newPieces(west, east, true, true)
	west.must(west.ReplaceEroute(klips.Eroute{Selector: klips.Selector{Src: prefix("10.1.0.0/16"), Dst: prefix("10.2.0.0/16")}, SAID: said.Shunt(said.SPITrap)}))
	want := plainCut(n.p, n.size)
	out := newOutbound(west.Engine, west.attached["ipsec0"], 1)
	out.in[0].Set(n.p)
	out.in[0].Segment = n.size
	out.process(out.in)
	receive(t, west.Events())
	west.drops(klips.DropHeld, uint64(len(want)-1))
	for _, h := range west.held {
		if !bytes.Equal(h.packet, want[0]) {
			t.Errorf("held %x, want %x", h.packet, want[0])
		}
	}
	if len(west.held) != 1 {
		t.Errorf("%d packets are held, want 1", len(west.held))
	}
}
