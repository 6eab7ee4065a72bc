package bench

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"ipsec/golden/lab"
	"ipsec/klips"
	"ipsec/klips/client"
	"ipsec/klips/said"
)

// TestSoak runs four TCP flows both ways through SAs that are replaced every five seconds, for
// as long as IPSEC_SOAK says, as 10m. No packet is lost but what queues drop, and
// the daemons do not grow.
func TestSoak(t *testing.T) {
	long, err := time.ParseDuration(os.Getenv("IPSEC_SOAK"))
	if err != nil {
		t.Skip("set IPSEC_SOAK=10m")
	}
	r := newKLIPS(t, build(t), transform{"aes128gcm16", 20, 0, true})
	rekeys := &rekeying{west: dial(t, r.west), east: dial(t, r.east)}
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- rekeys.run(stop) }()
	iperf(t, r, 5*time.Second, "-P", "4", "--bidir") // so that all is in place
	before := r.memory(t)
	rep, _ := iperf(t, r, long, "-P", "4", "--bidir")
	after := r.memory(t)
	close(stop)
	if err := <-ended; err != nil {
		t.Errorf("rekeying: %v", err)
	}
	t.Logf("%.2f Gbit/s one way, %d rekeys, %d MB before and %d MB after", rep.End.Received.Rate/1e9, rekeys.count, before>>20, after>>20)
	if after > before+8<<20 {
		t.Errorf("a daemon has grown from %d to %d bytes", before, after)
	}
	for side, table := range map[string]*client.Client{"west": rekeys.west, "east": rekeys.east} {
		drops, err := table.ListDrops()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range drops {
			switch d.Reason {
			case "refused by the physical interface", "refused by the virtual interface",
				"without an eroute": // what the host sends to neighbours in IPv6
				t.Logf("%s: %d packets %s", side, d.Packets, d.Reason)
			default:
				t.Errorf("%s: %d packets %s", side, d.Packets, d.Reason)
			}
		}
		if sas, err := table.ListSAs(); err != nil || len(sas) > 8 {
			t.Errorf("%s: %d SAs are left, %v", side, len(sas), err)
		}
	}
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
	count      int
	old        [2][]said.SAID
}

func (k *rekeying) run(stop chan struct{}) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		if err := k.rekey(); err != nil {
			return err
		}
		select {
		case <-stop:
			return nil
		case <-tick.C:
		}
	}
}

func (k *rekeying) rekey() error {
	k.count++
	west, east := netip.MustParseAddr(westAddr), netip.MustParseAddr(eastAddr)
	nets := [2]netip.Prefix{netip.MustParsePrefix("10.0.1.0/24"), netip.MustParsePrefix("10.0.2.0/24")}
	tables := []klips.Table{k.west, k.east}
	var fresh [2][]said.SAID
	for i, way := range [2][2]netip.Addr{{west, east}, {east, west}} {
		flow := klips.Selector{Src: nets[i], Dst: nets[1-i]}
		key := make([]byte, 20)
		key[0], key[1], key[2] = byte(i), byte(k.count), byte(k.count>>8)
		esp := klips.SA{ID: said.SAID{Dst: way[1], SPI: uint32(0x5000 + k.count), Proto: said.ESP}, Src: way[0], Enc: "aesgcm16", EncKey: key, ReplayWindow: 4096, Encap: klips.Encap{SrcPort: 4500, DstPort: 4500}}
		tunnel := klips.SA{ID: said.SAID{Dst: way[1], SPI: esp.ID.SPI, Proto: said.IPIP}, TunnelSrc: way[0], TunnelDst: way[1], Inflow: []klips.Selector{flow}}
		fresh[i] = []said.SAID{tunnel.ID, esp.ID}
		for _, table := range []klips.Table{tables[1-i], tables[i]} {
			if err := errors.Join(table.AddSA(tunnel), table.AddSA(esp), table.GroupSAs(fresh[i])); err != nil {
				return fmt.Errorf("number %d: %w", k.count, err)
			}
			tunnel.Inflow = nil
		}
	}
	for i := range tables {
		if err := tables[i].ReplaceEroute(klips.Eroute{Selector: klips.Selector{Src: nets[i], Dst: nets[1-i]}, SAID: fresh[i][0]}); err != nil {
			return err
		}
	}
	time.Sleep(time.Second)
	for i := range k.old {
		for _, id := range k.old[i] {
			if err := errors.Join(k.west.DelSA(id), k.east.DelSA(id)); err != nil {
				return err
			}
		}
	}
	k.old = fresh
	return nil
}
