package engine

import (
	"slices"
	"testing"

	"ipsec/klips"
	"ipsec/klips/packet"
	"ipsec/klips/said"
)

// A loop hands packets over in memory, without allocating.
type loop struct {
	Wire
	Device
	sent []*packet.Buffer // copies
	n    int
}

func (l *loop) WriteBatch(bufs []*packet.Buffer) (int, error) {
	for _, b := range bufs {
		to := l.sent[l.n%len(l.sent)]
		to.Set(b.Bytes())
		to.Segment = b.Segment
		l.n++
	}
	return 0, nil
}

type loopWire struct {
	*loop
	Wire
}

func (l loopWire) WriteBatch(_ int, b []*packet.Buffer) (int, error) { return l.loop.WriteBatch(b) }

type loopDevice struct {
	*loop
	Device
}

func (l loopDevice) WriteBatch(b []*packet.Buffer) (int, error) { return l.loop.WriteBatch(b) }

// TestAllocations carries batches out and in.
func TestAllocations(t *testing.T) {
	for _, c := range []struct {
		name   string
		protos []said.Proto
		encap  bool
		size   int
	}{
		{"ESP", []said.Proto{said.IPIP, said.ESP}, false, 1000},
		{"ESP in UDP", []said.Proto{said.IPIP, said.ESP}, true, 1000},
		{"ESP and AH", []said.Proto{said.IPIP, said.ESP, said.AH}, false, 1000},
		{"IPCOMP", []said.Proto{said.IPIP, said.COMP, said.ESP}, false, 1000},
		{"fragments", []said.Proto{said.IPIP, said.ESP}, false, 4000},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, west, east := pair(t, klips.Settings{FragICMP: true})
			conn := tunnel()
			conn.protos, conn.encap = c.protos, c.encap
			conn.up(west, east, 0x1001)
			const count = 32
			sent := &loop{sent: packet.NewBuffers(count*4, packet.MaxSize)}
			out := newOutbound(west.Engine, &attachment{virtual: "ipsec0", wire: loopWire{sent, fakeWire{west.wire}}, device: fakeDevice{west.device}}, count)
			p := udp("10.1.0.1:1", "10.2.0.1:2", c.size)
			send := func() {
				sent.n = 0
				for _, b := range out.in {
					b.Set(p)
				}
				out.process(out.in)
			}
			send()
			if n := testing.AllocsPerRun(20, send); n != 0 {
				t.Errorf("%v allocations for %d packets out", n, count)
			}
			if c.size > 1400 || c.encap {
				return // it takes a host to put them together, or a socket
			}
			got := &loop{sent: packet.NewBuffers(count, packet.MaxSize)}
			in := newInbound(east.Engine, &attachment{wire: fakeWire{east.wire}, device: loopDevice{got, fakeDevice{east.device}}}, count, packet.MaxSize)
			batch := slices.Clone(in.in)
			accept := func() {
				send()
				got.n = 0
				for i, b := range batch {
					b.Set(sent.sent[i].Bytes())
				}
				in.process(batch)
				if got.n != count {
					t.Fatalf("%d packets came in", got.n)
				}
			}
			accept()
			if n := testing.AllocsPerRun(20, accept); n != 0 {
				t.Errorf("%v allocations for %d packets in", n, count)
			}
		})
	}
}
