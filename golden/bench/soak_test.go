package bench

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"ipsec/golden/lab"
	"ipsec/klips"
	"ipsec/klips/client"
	"ipsec/klips/said"
)

// TestSoak runs four TCP flows both ways through SAs in UDP that are replaced every
// five seconds, and a slower one of IPv6 through such SAs of raw ESP, for as long as
// IPSEC_SOAK says, as 10m. No packet is lost but what queues drop and count, no
// daemon grows, and none has more goroutines than one that has just begun.
func TestSoak(t *testing.T) {
	long, err := time.ParseDuration(os.Getenv("IPSEC_SOAK"))
	if err != nil {
		t.Skip("set IPSEC_SOAK=10m")
	}
	bin := build(t)
	for name, encap := range map[string]bool{"UDP": true, "raw": false} {
		t.Run(name, func(t *testing.T) {
			few := soak(t, bin, encap, 0)
			many := soak(t, bin, encap, long)
			for i, side := range []string{"west", "east"} {
				t.Logf("%s: %d goroutines, in the beginning %d", side, len(many[i]), len(few[i]))
				if len(many[i]) > len(few[i]) {
					t.Errorf("%s has %d goroutines at the end, %d in the beginning: made by %q, and %q", side, len(many[i]), len(few[i]), many[i], few[i])
				}
			}
		})
	}
}

// soak runs for that long, with the flows of IPv4 in ESP in UDP or in raw ESP, and returns what made the goroutines that each daemon has
// in the end.
func soak(t *testing.T, bin string, encap bool, long time.Duration) (goroutines [2][]string) {
	r := newBare(t, bin)
	rekeys := &rekeying{west: dial(t, r.west), east: dial(t, r.east), encap: encap}
	if err := rekeys.rekey(); err != nil {
		t.Fatal(err)
	}
	r.up(t)
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- rekeys.run(stop) }()
	r.start(t, r.right, "iperf3", "-s", "-p", "5202")
	if long > 0 {
		iperf(t, r, 5*time.Second, "-P", "4", "--bidir") // so that all is in place
		r.start(t, r.left, "iperf3", "-c", rightClient6, "-p", "5202", "-b", "50M", "-t", fmt.Sprint(int(long.Seconds())))
		before := r.memory(t)
		rep, _ := iperf(t, r, long, "-P", "4", "--bidir")
		after := r.memory(t)
		t.Logf("%.2f Gbit/s one way, %d MB before and %d MB after", rep.End.Received.Rate/1e9, before>>20, after>>20)
		if after > before+8<<20 {
			t.Errorf("a daemon has grown from %d to %d bytes", before, after)
		}
	}
	close(stop)
	err := <-ended
	if err == nil {
		err = rekeys.rekey() // so that all that carried packets is counted
	}
	if err != nil {
		t.Fatalf("rekeying: %v", err)
	}
	refused, late := r.refused(t), uint64(0)
	for side, table := range map[string]*client.Client{"west": rekeys.west, "east": rekeys.east} {
		byWire, byWindow := drops(t, side, table)
		refused, late = refused+byWire, late+byWindow
		if sas, err := table.ListSAs(); err != nil || len(sas) > 8 {
			t.Errorf("%s: %d SAs are left, %v", side, len(sas), err)
		}
	}
	for _, n := range rekeys.carried {
		t.Logf("%d packets sent, %d received; queues refused %d pieces", n.sent, n.received, refused)
		if long > 0 && n.received == 0 || n.received > n.sent || n.sent-n.received > late+64*refused { // as many as are in one piece
			t.Errorf("%d packets sent, %d received, and queues refused no more than %d pieces", n.sent, n.received, refused)
		}
	}
	if late > 0 {
		t.Errorf("%d packets came twice or too late", late)
	}
	for i, pid := range r.daemons {
		goroutines[i] = r.goroutines(t, []*lab.Machine{r.west, r.east}[i], pid)
	}
	return goroutines
}

// drops returns how many packets the queues of the physical interface have refused, and
// how many came too late, or twice; no other may be dropped.
func drops(t *testing.T, side string, table *client.Client) (refused, late uint64) {
	t.Helper()
	list, err := table.ListDrops()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		switch d.Reason {
		case klips.DropWire, klips.DropLate:
			refused += d.Packets
		case klips.DropReplay:
			late += d.Packets
		case klips.DropDevice: // they have come through
		case klips.DropNoEroute: // what the host sends to neighbours in IPv6
		default:
			t.Errorf("%s: %d packets %s", side, d.Packets, d.Reason)
			continue
		}
		t.Logf("%s: %d packets %s", side, d.Packets, d.Reason)
	}
	return refused, late
}

func dial(t testing.TB, m *lab.Machine) (c *client.Client) {
	t.Helper()
	err := m.Do(func() (err error) {
		c, err = client.Dial("/var/run/pluto/klips.ctl")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// rekeying replaces the SAs of both directions as a pair of IKE daemons does: the
// new ones are in place on both sides before either sends by them, and the old
// ones stay for what is on its way.
type rekeying struct {
	west, east *client.Client
	encap      bool // of what is not IPv6
	count      int
	old        []said.SAID
	carried    [2]struct{ sent, received uint64 } // packets of all old SAs, of IPv4 and of IPv6
}

func (k *rekeying) run(stop chan struct{}) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return nil
		case <-tick.C:
		}
		if err := k.rekey(); err != nil {
			return err
		}
	}
}

func (k *rekeying) rekey() error {
	k.count++
	addrs := [2]netip.Addr{netip.MustParseAddr(westAddr), netip.MustParseAddr(eastAddr)}
	tables := [2]klips.Table{k.west, k.east}
	var fresh []said.SAID
	var eroutes [2][]klips.Eroute
	for n, nets := range [][2]string{{"10.0.1.0/24", "10.0.2.0/24"}, {"fd01::/64", "fd02::/64"}} {
		for i := range 2 {
			src, dst := addrs[i], addrs[1-i]
			flow := klips.Selector{Src: netip.MustParsePrefix(nets[i]), Dst: netip.MustParsePrefix(nets[1-i])}
			key := make([]byte, 20)
			key[0], key[1], key[2], key[3] = byte(i), byte(k.count), byte(k.count>>8), byte(n)
			esp := klips.SA{ID: said.SAID{Dst: dst, SPI: uint32(0x5000 + k.count<<1 + n), Proto: said.ESP}, Src: src, Enc: "aesgcm16", EncKey: key, ReplayWindow: 64}
			if n == 0 && k.encap {
				esp.Encap = klips.Encap{SrcPort: 4500, DstPort: 4500}
			}
			tunnel := klips.SA{ID: said.SAID{Dst: dst, SPI: esp.ID.SPI, Proto: said.IPIP}, TunnelSrc: src, TunnelDst: dst, Inflow: []klips.Selector{flow}}
			group := []said.SAID{tunnel.ID, esp.ID}
			for _, table := range []klips.Table{tables[1-i], tables[i]} {
				if err := errors.Join(table.AddSA(tunnel), table.AddSA(esp), table.GroupSAs(group)); err != nil {
					return fmt.Errorf("number %d: %w", k.count, err)
				}
				tunnel.Inflow = nil
			}
			fresh = append(fresh, group...)
			eroutes[i] = append(eroutes[i], klips.Eroute{Selector: flow, SAID: tunnel.ID})
		}
	}
	for i, table := range tables {
		for _, eroute := range eroutes[i] {
			if err := table.ReplaceEroute(eroute); err != nil {
				return err
			}
		}
	}
	time.Sleep(time.Second) // as an IKE daemon keeps old SAs for packets under way
	if err := k.collect(); err != nil {
		return err
	}
	for _, id := range k.old {
		if err := errors.Join(k.west.DelSA(id), k.east.DelSA(id)); err != nil {
			return err
		}
	}
	k.old = fresh
	return nil
}

// collect adds up what the old SAs have carried.
func (k *rekeying) collect() error {
	for side, table := range []*client.Client{k.west, k.east} {
		list, err := table.ListSAs()
		if err != nil {
			return err
		}
		for _, sa := range list {
			if sa.ID.Proto != said.ESP || !slices.Contains(k.old, sa.ID) {
				continue
			}
			n := &k.carried[sa.ID.SPI&1]
			if sent := (sa.ID.Dst == netip.MustParseAddr(eastAddr)) == (side == 0); sent {
				n.sent += sa.Usage.Packets
			} else {
				n.received += sa.Usage.Packets
			}
		}
	}
	return nil
}
