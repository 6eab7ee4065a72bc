package simulation

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"ipsec/conf/identity"
	"ipsec/pluto"
	"ipsec/pluto/credential"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/plutotest"
)

// counting counts how often it is asked who an end is: once for each connection that is looked at.
type counting struct {
	*credential.Store
	asked int
}

func (c *counting) PeerID(conn *pluto.Connection) (identity.ID, error) {
	c.asked++
	return c.Store.PeerID(conn)
}

var _ ikev2.Credentials = (*counting)(nil)

// TestThousandBehindOneAddress: a thousand peers with an identity and a connection each, behind one
// address, come up within seconds: as one host that has all of them, and as many hosts behind a NAT. How many
// connections are looked at for one of them does not grow with their number.
func TestThousandBehindOneAddress(t *testing.T) {
	for _, tt := range []struct {
		name         string
		count, hosts int
	}{{"few", 20, 1}, {"one host", 1000, 1}, {"many hosts", 300, 300}} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 1)
			w.crowded = true
			w.net.MinDelay, w.net.MaxDelay = 10*time.Millisecond, 20*time.Millisecond
			hub := w.add("hub", "192.0.2.1")
			credentials := &counting{Store: hub.store.(*credential.Store)}
			hub.store = credentials
			outside := netip.MustParseAddr("203.0.113.1")
			for i := range tt.count {
				c := plutotest.Conn(fmt.Sprintf("peer%d", i), "192.0.2.1", "10.0.0.0/16", "%any", fmt.Sprintf("10.%d.%d.0/24", 1+i/250, i%250))
				c.Remote.ID = parseID(fmt.Sprintf("@peer%d", i))
				c.Local.ID = parseID("@hub")
				hub.conns = append(hub.conns, c)
				inside := netip.AddrFrom4([4]byte{172, 16, byte(i % tt.hosts >> 8), byte(i%tt.hosts + 1)})
				if i < tt.hosts {
					w.add(fmt.Sprintf("host%d", i), inside.String())
					w.nat(outside, inside)
				}
				n := w.nodes[1+i%tt.hosts]
				mine := c.Reversed()
				mine.Local.Host = pluto.Host{Kind: pluto.HostAddr, Addr: inside}
				n.conns = append(n.conns, mine)
				n.wanted[mine.Name] = true
			}
			for _, n := range w.nodes {
				n.boot()
			}
			start := w.Clock.Now()
			for len(hub.live()) < tt.count {
				w.Run(100 * time.Millisecond)
				if took := w.Clock.Now().Sub(start); took > 10*time.Second {
					t.Fatalf("%d of %d are up after %v", len(hub.live()), tt.count, took)
				}
			}
			t.Logf("%d up after %v", tt.count, w.Clock.Now().Sub(start))
			if each := float64(credentials.asked) / float64(tt.count); each > 4 {
				t.Errorf("%.1f connections are looked at for each peer", each)
			}
		})
	}
}
