package connection

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"ipsec/pluto"
)

// TestLater has a peer ask for a second Child SA while the first one carries
// packets: those go by it only when the peer has surely heard of it, or has let
// go of the first.
func TestLater(t *testing.T) {
	for _, c := range []struct {
		name string
		then func(w *world, old *pluto.Child)
	}{
		{"in time", func(w *world, old *pluto.Child) { w.pass(hearing) }},
		{"the old one goes", func(w *world, old *pluto.Child) { w.table.Remove(old, pluto.DeletedByPeer) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.add(network("net"))
			conn := w.conn("net")
			flow := flowsOf(conn)[0]
			old := w.child(conn)
			old.Answered = true
			if err := w.table.Install(old, true); err != nil {
				t.Fatal(err)
			}
			first := w.eroutes()[flow]
			next := w.child(conn)
			next.Answered = true
			if err := w.table.Install(next, true); err != nil {
				t.Fatal(err)
			}
			if got := w.eroutes()[flow]; got != first {
				t.Errorf("packets go by the new SA at once: %v", got)
			}
			c.then(w, old)
			if got := w.eroutes()[flow]; got == first {
				t.Error("packets still go by the old SA")
			}
			w.table.Remove(next, pluto.DeletedHere)
			w.pass(hearing)
		})
	}
}

// TestUseAgain has the kernel refuse the eroute of a new Child SA for a while: when
// the old one has gone, packets go by the new one as soon as the kernel lets them.
func TestUseAgain(t *testing.T) {
	w := newWorld(t)
	w.add(network("net"))
	flow := flowsOf(w.conn("net"))[0]
	old := w.up(w.conn("net"))
	next := w.child(w.conn("net"))
	next.Replaces = old
	if err := w.table.Install(next, false); err != nil {
		t.Fatal(err)
	}
	fault := w.kernel.Fault
	w.kernel.Fault = func(method string) error {
		if method == "ReplaceEroute" {
			return syscall.ENOBUFS
		}
		return nil
	}
	w.table.Use(next)
	w.table.Remove(old, pluto.Replaced)
	w.pass(5 * time.Second)
	w.kernel.Fault = fault
	w.pass(5 * time.Second)
	if got := w.eroutes()[flow]; got != w.outOf(next) {
		t.Errorf("packets meet %v, want %v", got, w.outOf(next))
	}
	w.routing("after all", "net", Erouted)
	n := 0
	for _, r := range w.reports {
		if strings.Contains(r.Text, "it is tried again") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("reported %d times", n)
	}
}
