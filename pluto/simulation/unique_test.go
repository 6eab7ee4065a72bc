package simulation

import (
	"net/netip"
	"testing"
	"time"

	"ipsec/klips"
	"ipsec/pluto"
	"ipsec/pluto/plutotest"
)

// TestBreakBeforeMake has a peer take its connection down and bring it up again at once, while
// packets flow that meet our trap in between: both ends call, and end with one IKE SA.
func TestBreakBeforeMake(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		w := newWorld(t, seed)
		w.uniqueIDs = true
		w.net.MinDelay, w.net.MaxDelay = 5*time.Millisecond, 20*time.Millisecond
		west, east := w.add("west", "192.0.2.1"), w.add("east", "192.0.2.2")
		c := plutotest.Conn("net", "192.0.2.1", "10.1.0.0/16", "192.0.2.2", "10.2.0.0/16")
		c.KeyingTries = 0
		west.conns, east.conns = []*pluto.Connection{c}, []*pluto.Connection{c.Reversed()}
		west.wanted[c.Name] = true
		west.boot()
		east.boot()
		w.Run(5 * time.Second)
		if len(east.live()) != 1 {
			t.Fatalf("seed %d: not up", seed)
		}
		west.stop(c.Name)
		west.start(c.Name)
		called := 0
		for range 200 {
			w.Run(time.Millisecond)
			if st := east.table.Status()[0]; st.Owner == 0 {
				called++
				trap := klips.Selector{Src: netip.MustParsePrefix("10.2.0.0/16"), Dst: netip.MustParsePrefix("10.1.0.0/16")}
				packet := klips.Selector{Src: netip.MustParsePrefix("10.2.0.1/32"), Dst: netip.MustParsePrefix("10.1.0.1/32"), Proto: 17, SrcPort: 5000, DstPort: 53}
				east.table.Event(klips.Acquire{Packet: packet, Trap: trap})
			}
		}
		w.Run(20 * time.Second)
		for _, n := range w.nodes {
			sas := 0
			for _, s := range n.machine.States() {
				if s.Parent == 0 {
					sas++
				}
			}
			if sas != 1 || len(n.live()) != 1 || n.table.Status()[0].Owner == 0 {
				t.Errorf("seed %d: %s has %d IKE SAs, %d Child SAs", seed, n.name, sas, len(n.live()))
			}
		}
		if called == 0 {
			t.Errorf("seed %d: no packet has met the trap", seed)
		}
		w.heal()
		w.check()
		if t.Failed() {
			for _, line := range w.lines {
				t.Log(line)
			}
			return
		}
	}
}
