package connection

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/pluto"
)

// manual sets by hand what Pluto must leave alone.
func (w *world) manual() {
	w.t.Helper()
	id := said.SAID{Dst: addr("192.0.2.50"), SPI: 0x2001, Proto: said.ESP}
	if err := w.kernel.AddSA(klips.SA{ID: id, Enc: "null", Auth: "md5-96"}); err != nil {
		w.t.Fatal(err)
	}
	flow := klips.Selector{Src: prefix("10.1.0.0/16"), Dst: prefix("10.50.0.0/16")}
	if err := w.kernel.AddEroute(klips.Eroute{Selector: flow, SAID: id}); err != nil {
		w.t.Fatal(err)
	}
}

// TestCrash has a new worker take over.
func TestCrash(t *testing.T) {
	w := newWorld(t)
	w.manual()
	gone := network("gone")
	gone.Remote.Clients = []netip.Prefix{prefix("10.9.0.0/16")}
	other := network("other")
	other.Remote.Clients = []netip.Prefix{prefix("10.3.0.0/16")}
	w.add(network("net"), gone, other, warriors("road", nil))
	w.table.Route("net")
	w.table.Route("gone")
	w.up(w.conn("net"))
	w.up(w.conn("other"))
	road := w.table.Instantiate(w.conn("road"), netip.MustParseAddrPort("203.0.113.7:500"), pluto.Peer{ID: who("@a")})
	w.up(road)
	before := "10.2.0.0/16 tun, 10.3.0.0/16 tun, 10.50.0.0/16 esp, 10.9.0.0/16 %trap, 203.0.113.7/32 tun, 13 SAs"
	w.want("before", before)
	old := w.eroutes()[flowsOf(w.conn("net"))[0]]

	// The supervisor hands over what whack has said, less the connection "gone".
	w.restart()
	delete(w.updown.led, klips.Selector{Src: prefix("10.1.0.0/16"), Dst: prefix("10.9.0.0/16")})
	if err := w.table.Adopt(); err != nil {
		t.Fatal(err)
	}
	w.add(network("net"), other, warriors("road", nil))
	w.table.Route("net")
	if got := w.eroutes()[flowsOf(w.conn("net"))[0]]; got != old {
		t.Errorf("the SAs of the old worker no longer carry packets: %v", got)
	}
	w.routing("routed again", "net", Prospective)
	if err := w.table.Resync(); err != nil {
		t.Fatal(err)
	}
	w.want("taken over", "10.2.0.0/16 tun, 10.3.0.0/16 tun, 10.50.0.0/16 esp, 203.0.113.7/32 tun, 13 SAs")
	w.routing("taken over", "net", Erouted)
	if s := w.table.Status()[0]; !s.Inherited || s.Owner != 0 {
		t.Errorf("status %+v", s)
	}
	if code(w.table.Unroute("net")) != pluto.RCRouteBusy {
		t.Error("it is unrouted under the packets that it carries")
	}
	w.called("before Tick")
	w.pass(time.Second)
	w.called("nobody can rekey them", `initiate "net"`, `initiate "other"`)
	w.table.Failed(w.conn("other"), errors.New("no answer"))
	w.pass(firstRetry)
	w.called("for as long as they are there", `initiate "other"`)

	for addr, want := range map[string]bool{"203.0.113.7": true, "203.0.113.8": false} {
		if got := w.table.Adopted(netip.MustParseAddr(addr)); got != want {
			t.Errorf("SAs with %s were adopted: %t", addr, got)
		}
	}

	// New SAs take the place of the old ones.
	w.up(w.conn("net"))
	if got := w.eroutes()[flowsOf(w.conn("net"))[0]]; got == old {
		t.Error("the old SAs still carry packets")
	}
	w.want("negotiated", "10.2.0.0/16 tun, 10.3.0.0/16 tun, 10.50.0.0/16 esp, 203.0.113.7/32 tun, 15 SAs")

	// One of an old worker that is not negotiated again lasts as long as it lives.
	flow := flowsOf(w.conn("other"))[0]
	last := w.eroutes()[flow]
	delete(w.updown.led, flow) // nobody has routed it since
	w.table.Event(klips.Expire{ID: last, Hard: true})
	if got, ok := w.eroutes()[flow]; ok {
		t.Errorf("after its end, packets go to %v", got)
	}
	// With all of that peer's gone, what came in from it goes too.
	roads := klips.Selector{Src: prefix("10.1.0.0/16"), Dst: prefix("203.0.113.7/32")}
	delete(w.updown.led, roads)
	w.table.Event(klips.Expire{ID: w.eroutes()[roads], Hard: true})
	if err := w.table.Resync(); err != nil {
		t.Fatal(err)
	}
	w.want("in the end", "10.2.0.0/16 tun, 10.50.0.0/16 esp, 5 SAs")
}

// TestCrashAndTerminate takes down what a worker has left to the next.
func TestCrashAndTerminate(t *testing.T) {
	for what, do := range map[string]func(*world){
		"terminate": func(w *world) { w.table.Terminate("net") },
		"up again":  func(w *world) { w.table.Remove(w.up(w.conn("net")), pluto.DeletedByPeer) },
	} {
		w := newWorld(t)
		w.add(network("net"))
		w.up(w.conn("net"))
		w.restart()
		if err := w.table.Adopt(); err != nil {
			t.Fatal(err)
		}
		w.add(network("net"))
		w.table.Route("net")
		if err := w.table.Resync(); err != nil {
			t.Fatal(err)
		}
		w.want("taken over", "10.2.0.0/16 tun, 4 SAs")
		do(w)
		w.want(what, "10.2.0.0/16 %trap, 2 SAs")
		w.pass(remainTime)
		w.want(what+", in a while", trapped)
	}
}

// TestLostEvents has KLIPS cut off a table that did not listen, and lose some of
// what it had.
func TestLostEvents(t *testing.T) {
	w := newWorld(t)
	w.manual()
	other := network("other")
	other.Remote.Clients = []netip.Prefix{prefix("10.3.0.0/16")}
	w.add(network("net"), other)
	child := w.up(w.conn("net"))
	w.up(w.conn("other"))
	w.kernel.DelSA(w.table.bundles[child].out[1])
	flow := flowsOf(w.conn("other"))[0]
	w.updown.led = map[klips.Selector]int{}
	w.kernel.DelEroute(flow)
	stray := klips.Selector{Src: prefix("10.1.0.0/16"), Dst: prefix("10.77.0.0/16")}
	w.kernel.ReplaceEroute(klips.Eroute{Selector: stray, SAID: said.Shunt(said.SPITrap), Ident: [2]string{"@a", "@b"}})
	hold := klips.Eroute{Selector: klips.Selector{Src: prefix("10.1.0.7/32"), Dst: prefix("10.2.0.7/32")}, SAID: said.Shunt(said.SPIHold), Ident: [2]string{"@a", "@b"}}
	w.kernel.ReplaceEroute(hold)
	if err := w.table.Resync(); err != nil {
		t.Fatal(err)
	}
	w.called("resync", "rekey #1")
	w.want("resync", "10.2.0.0/16 %trap, 10.2.0.7/32 %hold, 10.3.0.0/16 tun, 10.50.0.0/16 esp, 8 SAs")
	w.table.Remove(child, pluto.Expired)
	if err := w.table.Resync(); err != nil {
		t.Fatal(err)
	}
	w.want("resync again", "10.2.0.0/16 %trap, 10.2.0.7/32 %hold, 10.3.0.0/16 tun, 10.50.0.0/16 esp, 5 SAs")
}

// TestShutdown takes the SAs, and leaves the traps and the routes.
func TestShutdown(t *testing.T) {
	w := newWorld(t)
	w.manual()
	w.add(network("net"), warriors("road", nil))
	w.table.Initiate("net")
	w.up(w.conn("net"))
	w.table.Shutdown()
	w.want("shut down", "10.2.0.0/16 %trap, 10.50.0.0/16 esp, 1 SAs")
	if slices.ContainsFunc(w.updown.did, func(s string) bool { return s[:4] == "unro" }) {
		t.Errorf("updown did %q", w.updown.did)
	}
}

// BenchmarkLoad loads 10,000 connections, routes them and reads their status.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		w := newWorld(nil)
		w.kernel.after, w.updown.after = func(string) {}, func(string) {}
		w.table.Listen(ours)
		for i := range 10000 {
			c := network("net")
			c.Name += string(rune('0'+i%10)) + string(rune(0x4e00+i/10))
			c.Remote.Host.Addr = netip.AddrFrom4([4]byte{203, 0, byte(i >> 8), byte(i)})
			c.Remote.Clients = []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)}
			if err := w.table.Add(c); err != nil {
				b.Fatal(err)
			}
			if err := w.table.Route(c.Name); err != nil {
				b.Fatal(err)
			}
		}
		if n := len(w.table.Status()); n != 10000 {
			b.Fatal(n)
		}
	}
}
