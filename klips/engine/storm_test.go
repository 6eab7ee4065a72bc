package engine

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"ipsec/klips"
	"ipsec/klips/packet"
	"ipsec/klips/said"
)

// TestStorm sends packets both ways over a network that loses, doubles and
// reorders, while the tables change. What comes out came in, and once.
func TestStorm(t *testing.T) {
	n, west, east := pair(t, klips.Settings{FragICMP: true})
	there, back := tunnel(), tunnel()
	back.src, back.dst, back.srcNet, back.dstNet = there.dst, there.src, there.dstNet, there.srcNet
	there.up(west, east, 0x1001)
	back.up(east, west, 0x2001)
	r := rand.New(rand.NewPCG(1, 2))
	var late [][]byte
	lost := 0
	n.Alter = func(p []byte) [][]byte {
		var out [][]byte
		switch r.IntN(10) {
		case 0:
			lost++
		case 1:
			out = [][]byte{p, p}
		case 2, 3:
			late = append(late, p)
		default:
			out = [][]byte{p}
		}
		if len(late) > 8 {
			out = append(out, late...)
			late = nil
		}
		return out
	}

	const count = 1000
	done := make(chan struct{})
	var control, traffic sync.WaitGroup
	for _, g := range []*gateway{west, east} {
		control.Go(func() { churn(t, g, done) })
	}
	number := func(p []byte) int { return int(binary.BigEndian.Uint32(p[28:])) }
	for _, d := range []struct {
		from, to *gateway
		src, dst string
	}{{west, east, "10.1.0.1:1", "10.2.0.1:2"}, {east, west, "10.2.0.1:1", "10.1.0.1:2"}} {
		traffic.Go(func() {
			for i := range count {
				p := udp(d.src, d.dst, 4+i%1300)
				binary.BigEndian.PutUint32(p[28:], uint32(i))
				if h, err := packet.Parse(p); err == nil {
					packet.FixTransport(p, &h)
				}
				d.from.device.Send(p)
			}
			seen := map[int]bool{}
			quiet := time.NewTimer(5 * time.Second)
			for len(seen) < count*6/10 {
				select {
				case p := <-d.to.device.Received:
					i := number(p)
					if seen[i] || len(p) != 28+4+i%1300 {
						t.Errorf("packet %d of %d bytes again, or changed", i, len(p))
					}
					seen[i] = true
				case <-quiet.C:
					t.Errorf("only %d of %d packets came", len(seen), count)
					return
				}
			}
		})
	}
	traffic.Wait()
	close(done)
	control.Wait()
	west.must(west.Close())
	east.must(east.Close()) // and so nothing is on its way
	if lost == 0 || west.stats.get(klips.DropReplay)+east.stats.get(klips.DropReplay) == 0 {
		t.Errorf("%d lost, %d replayed: the network was too kind", lost, west.stats.get(klips.DropReplay)+east.stats.get(klips.DropReplay))
	}
}

// churn changes everything that the packets of TestStorm do not need.
func churn(t *testing.T, g *gateway, done <-chan struct{}) {
	for i := uint32(0); ; i++ {
		select {
		case <-done:
			return
		default:
		}
		id := said.SAID{Dst: addr("203.0.113.9"), SPI: 0x5000 + i%50, Proto: said.ESP}
		sel := klips.Selector{Src: prefix(fmt.Sprintf("10.%d.0.0/16", 50+i%50)), Dst: prefix("10.2.0.0/16")}
		sa := gcm()
		sa.ID = id
		for _, err := range []error{
			g.AddSA(sa), g.AddInflow(id, sel), g.ReplaceEroute(klips.Eroute{Selector: sel, SAID: id}),
			g.UpdateSA(klips.SA{ID: id, Hard: klips.Lifetime{Bytes: 5}}), g.DelEroute(sel), g.DelSA(id),
		} {
			if err != nil {
				t.Error(err)
				return
			}
		}
		if _, err := g.ListSAs(); err != nil {
			t.Error(err)
		}
		if _, err := g.ListEroutes(); err != nil {
			t.Error(err)
		}
		g.Sweep()
	}
}
