package connection

import (
	"net/netip"
	"testing"

	"ipsec/pluto"
)

// TestAnybody has a connection that is for any peer, but for one network behind
// it: packets to that network drop while no peer is there, from when the
// connection is routed or the first peer has come.
func TestAnybody(t *testing.T) {
	for _, routed := range []bool{true, false} {
		w := newWorld(t)
		conn := network("road")
		conn.Remote.Host = pluto.Host{Kind: pluto.HostAny}
		w.add(conn)
		before := "0 SAs"
		if routed {
			if err := w.table.Route("road"); err != nil {
				t.Fatal(err)
			}
			before = "10.2.0.0/16 %drop, 0 SAs"
		}
		w.want("before a peer comes", before)
		for _, peer := range []string{"203.0.113.7:500", "203.0.113.8:500"} { // one after the other
			instance := w.table.Instantiate(w.conn("road"), netip.MustParseAddrPort(peer), pluto.Peer{ID: who("@a")})
			child := w.up(instance)
			w.want("a peer is there", "10.2.0.0/16 tun, 4 SAs")
			if err := w.table.Route("road"); err != nil {
				t.Errorf("it cannot be routed while a peer is there: %v", err)
			}
			w.table.Remove(child, pluto.DeletedByPeer)
			w.want("it has gone", "10.2.0.0/16 %drop, 0 SAs")
		}
		if err := w.table.Unroute("road"); err != nil {
			t.Fatal(err)
		}
		w.want("unrouted", "0 SAs")
	}
}
