package connection

import (
	"testing"
	"time"

	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/pluto"
)

// life takes a connection through all that can happen to it. Errors are passed
// over: what must hold, holds in spite of them.
func (w *world) life() {
	w.table.Listen(ours)
	w.table.Add(network("net"))
	host := network("host")
	host.Local.Clients, host.Remote.Clients = nil, nil
	host.DPD = pluto.DPD{Delay: time.Second, Action: pluto.DPDClear}
	w.table.Add(host)
	w.table.Route("net")
	w.acquire("net")
	net := w.conn("net")

	first := w.child(net)
	w.table.Install(first, true)
	second := w.child(net)
	second.Replaces = first
	w.table.Install(second, false)
	w.table.Use(second)
	w.table.Remove(first, pluto.Replaced)

	third := w.child(net)
	third.Replaces = second
	w.table.Install(third, false)
	w.table.Remove(second, pluto.Replaced) // before Use
	w.table.Event(klips.Expire{ID: w.outOf(third), Hard: true})
	w.table.Remove(third, pluto.PeerDead)

	w.table.Initiate("host")
	fourth := w.child(w.conn("host"))
	w.table.Install(fourth, true)
	narrow := klips.Selector{Src: prefix("10.1.5.0/24"), Dst: prefix("10.2.5.0/24")}
	fifth := w.child(net, narrow)
	w.table.Install(fifth, true)
	w.table.Listen(nil)
	w.table.Listen(ours)
	w.table.Remove(fourth, pluto.PeerDead)

	sixth := w.child(w.conn("net"))
	w.table.Install(sixth, true)
	w.pass(time.Second)
	w.table.Resync()
	w.table.Terminate("net")
}

// end takes everything away, and time to mend what failed.
func (w *world) end() {
	w.table.Delete("net")
	w.table.Delete("host")
	w.pass(10 * time.Second)
}

func (w *world) outOf(c *pluto.Child) (id said.SAID) {
	if b := w.table.bundles[c]; b != nil {
		return b.out[0]
	}
	return id
}

// TestAnyKernelFailure has each call to the kernel fail in turn.
func TestAnyKernelFailure(t *testing.T) {
	w := newWorld(t)
	w.life()
	w.want("down", "10.2.0.0/16 %trap, 192.0.2.9/32 %trap, 0 SAs")
	w.end()
	w.want("in the end", "0 SAs")
	total := w.kernel.calls
	if total < 40 {
		t.Errorf("a life makes %d calls to the kernel: are those counted?", total)
	}
	for n := 1; n <= total && !t.Failed(); n++ {
		w := newWorld(t)
		w.kernel.failing = n
		w.life()
		w.check("life")
		w.end()
		w.want("in the end", "0 SAs")
		if len(w.updown.led) > 0 {
			t.Errorf("still led into KLIPS: %s", w.updown.flows())
		}
		if t.Failed() {
			t.Logf("call %d of %d failed", n, total)
		}
	}
}

// TestAnyUpdownFailure has each call of updown fail in turn.
func TestAnyUpdownFailure(t *testing.T) {
	w := newWorld(t)
	w.life()
	w.end()
	total := w.updown.calls
	for n := 1; n <= total && !t.Failed(); n++ {
		w := newWorld(t)
		w.updown.failing = n
		w.life()
		w.end()
		if got := w.seen(); got != "0 SAs" {
			t.Errorf("with call %d of %d to updown failing, the kernel has %s in the end", n, total, got)
		}
	}
}
