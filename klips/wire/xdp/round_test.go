package xdp

import (
	"encoding/binary"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"ipsec/golden/lab"
	"ipsec/klips/packet"
)

// TestRound carries many more packets than there is memory for from socket to
// socket, of both chunk sizes, and loses none.
func TestRound(t *testing.T) {
	for _, mtu := range []int{1500, 3762} {
		t.Run(fmt.Sprint(mtu), func(t *testing.T) {
			c := newCable(t)
			for _, m := range []*lab.Machine{c.west, c.east} {
				m.Sh(t, fmt.Sprintf("ip link set wan mtu %d", mtu))
			}
			from, to := c.attach(t, c.west), c.attach(t, c.east, east6)
			head := c.header(unix.ETH_P_IPV6)
			out := packet.NewBuffers(50, mtu)
			bufs := packet.NewBuffers(64, 0)
			next := 0
			round := func() {
				for i, b := range out {
					binary.BigEndian.PutUint32(b.Bytes()[60:], uint32(next+i))
				}
				if n, err := from.Send(head, out); n != len(out) || err != nil {
					t.Fatalf("sent %d, %v", n, err)
				}
				for got := 0; got < len(out); {
					n, err := to.Inlets()[0].ReadBatch(bufs)
					if err != nil {
						t.Fatal(err)
					}
					for _, b := range bufs[:n] {
						if p := b.Bytes(); len(p) != mtu || binary.BigEndian.Uint32(p[60:]) != uint32(next) {
							t.Fatalf("packet of %d bytes: % x, want number %d", len(p), p[:64], next)
						}
						clear(b.Bytes())
						next++
						got++
					}
				}
			}
			for i, b := range out {
				b.Set(whole(packet.Outer{Src: west6, Dst: east6, Proto: packet.ESP}, marked(i, mtu-40)))
			}
			if allocs := testing.AllocsPerRun(300, round); allocs != 0 {
				t.Errorf("%v allocations for %d packets, want none", allocs, len(out))
			}
			if next < 3*receiveChunks {
				t.Errorf("%d packets are not enough for this test", next)
			}
		})
	}
}
