package engine

import (
	"slices"
	"testing"

	"ipsec/klips"
	"ipsec/klips/packet"
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
	n := &pieces{sent: &loop{sent: packet.NewBuffers(64, packet.MaxSize)}, got: &joined{Device: east.device}, size: 1360}
	n.out = newOutbound(west.Engine, &attachment{wire: loopWire{n.sent, fakeWire{west.wire}}, device: west.device}, batch)
	n.in = newInbound(east.Engine, &attachment{wire: fakeWire{east.wire}, device: n.got}, batch)
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
