package connection

import (
	"testing"

	"ipsec/pluto"
)

// TestReplace has a connection take the place of another: what is routed stays so,
// and the kernel of the world sees to it that no packet passes in between.
func TestReplace(t *testing.T) {
	w := newWorld(t)
	w.table.Listen(ours)
	replace := func(c *pluto.Connection) error { return w.table.Replace(c) }
	if err := replace(network("net")); err != nil {
		t.Fatalf("there is none before: %v", err)
	}
	w.routing("not routed before", "net", Unrouted)
	if err := w.table.Route("net"); err != nil {
		t.Fatal(err)
	}
	w.up(w.conn("net"))
	w.routing("up", "net", Erouted)
	if err := replace(network("net")); err != nil {
		t.Fatal(err)
	}
	w.routing("replaced while it was up", "net", Prospective)
	if !w.table.Asked("net") {
		t.Error("it is no longer to be routed")
	}
	elsewhere := network("net")
	elsewhere.Remote.Host.Addr = addr("198.51.100.77")
	if err := replace(elsewhere); err != nil {
		t.Fatal(err)
	}
	w.routing("replaced by one with another peer", "net", Prospective)
	old := network("net")
	old.Versions = pluto.Versions{IKEv1: true}
	if err := replace(old); err == nil {
		t.Error("one for IKEv1 is loaded")
	}
	w.routing("one that is refused replaces nothing", "net", Prospective)
	// What was one pair of networks is several now.
	for _, name := range []string{"net/1x1", "net/1x2"} {
		pair := network(name)
		pair.Alias = "net"
		if name == "net/1x2" {
			pair.Remote.Clients[0] = prefix("10.77.0.0/16")
		}
		if err := replace(pair); err != nil {
			t.Fatal(err)
		}
		w.routing("one of several", name, Prospective)
	}
	if len(w.table.entries) != 2 {
		t.Errorf("there are %d connections", len(w.table.entries))
	}
	if err := w.table.Delete("net"); err != nil {
		t.Fatal(err)
	}
	w.want("deleted", "0 SAs")
}
