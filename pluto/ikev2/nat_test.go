package ikev2_test

import (
	"net/netip"
	"testing"
	"time"

	"ipsec/pluto"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/plutotest"
)

func TestNAT(t *testing.T) {
	for _, behind := range []string{"west", "east", "nobody, but forceencaps"} {
		t.Run(behind, func(t *testing.T) {
			conn := plutotest.Conn("net", "10.0.0.1", westNet, eastAddr, eastNet)
			conn.Local.ID, conn.Remote.ID = id(t, "@west"), id(t, "@east")
			east := conn.Reversed()
			east.Remote.Host = pluto.Host{Kind: pluto.HostAny}
			w := &world{t: t}
			w.Clock = plutotest.NewClock()
			w.net = plutotest.NewNetwork(w.Clock, 1)
			w.Actors = []plutotest.Actor{w.net}
			w.west = w.host(1, "west", "10.0.0.1", ikev2.Config{}, conn)
			w.east = w.host(2, "east", eastAddr, ikev2.Config{}, east)
			var nat *plutotest.NAT
			switch behind {
			case "west":
				nat = w.net.Translate(netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("10.0.0.1"))
			case "east":
				// Port forwarding of 500 and 4500: the address differs, the ports do not.
				inside := netip.MustParseAddr("10.0.0.2")
				east.Local.Host.Addr = inside
				w.Actors = w.Actors[:2]
				w.east = w.host(2, "east", "10.0.0.2", ikev2.Config{}, east)
				w.net.Attach(netip.MustParseAddr(eastAddr), func(d pluto.Datagram) {
					d.Local = netip.AddrPortFrom(inside, d.Local.Port())
					w.east.Receive(d)
				})
				w.net.Watch = func(d *pluto.Datagram) bool {
					if d.Local.Addr() == inside {
						d.Local = netip.AddrPortFrom(netip.MustParseAddr(eastAddr), d.Local.Port())
					}
					return true
				}
			default:
				conn.ForceEncaps = true
			}
			w.up()
			for _, h := range []*host{w.west, w.east} {
				if c := h.conns.Children[0]; c.Encap.SrcPort != 4500 || c.Encap.DstPort == 0 {
					t.Errorf("encapsulation %+v\n%s", c.Encap, w.log())
				}
			}
			if nat == nil {
				return
			}
			if w.east.conns.Children[0].Encap.DstPort == 4500 {
				t.Error("the port of the NAT is not used")
			}
			sent := w.net.Sent
			w.Run(61 * time.Second)
			if n := w.net.Sent - sent; n != 3 {
				t.Errorf("%d keepalives in a minute", n)
			}
			// The NAT forgets; the next authentic request tells where west is now.
			before := w.east.conns.Children[0].Encap
			nat.Forget()
			w.west.Rekey(w.west.conns.Children[0])
			w.Run(20 * time.Second)
			w.check(1)
			if now := w.east.conns.Children[0].Encap; now == before {
				t.Errorf("east still sends to %v\n%s", now, w.log())
			}
		})
	}
}

// TestKeepAlive counts keepalives with keep_alive= and force_keepalive=.
func TestKeepAlive(t *testing.T) {
	for _, c := range []struct {
		name       string
		west, east ikev2.Config
		sent       int
	}{
		{"every 5 seconds", ikev2.Config{KeepAlive: 5 * time.Second}, ikev2.Config{}, 12},
		{"the other end too", ikev2.Config{}, ikev2.Config{KeepAlive: 10 * time.Second, ForceKeepAlive: true}, 3 + 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := plutotest.Conn("net", "10.0.0.1", westNet, eastAddr, eastNet)
			conn.Local.ID, conn.Remote.ID = id(t, "@west"), id(t, "@east")
			east := conn.Reversed()
			east.Remote.Host = pluto.Host{Kind: pluto.HostAny}
			w := &world{t: t}
			w.Clock = plutotest.NewClock()
			w.net = plutotest.NewNetwork(w.Clock, 1)
			w.Actors = []plutotest.Actor{w.net}
			w.west = w.host(1, "west", "10.0.0.1", c.west, conn)
			w.east = w.host(2, "east", eastAddr, c.east, east)
			w.net.Translate(netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("10.0.0.1"))
			w.up()
			sent := w.net.Sent
			w.Run(61 * time.Second)
			if n := w.net.Sent - sent; n != c.sent {
				t.Errorf("%d keepalives in a minute, want %d", n, c.sent)
			}
		})
	}
}

// TestMoved has the kernel see first that the peer has got another port: it is asked there, and its
// answer moves what it has.
func TestMoved(t *testing.T) {
	conn := plutotest.Conn("net", "10.0.0.1", westNet, eastAddr, eastNet)
	conn.Local.ID, conn.Remote.ID = id(t, "@west"), id(t, "@east")
	east := conn.Reversed()
	east.Remote.Host = pluto.Host{Kind: pluto.HostAny}
	w := &world{t: t}
	w.Clock = plutotest.NewClock()
	w.net = plutotest.NewNetwork(w.Clock, 1)
	w.Actors = []plutotest.Actor{w.net}
	w.west = w.host(1, "west", "10.0.0.1", ikev2.Config{}, conn)
	w.east = w.host(2, "east", eastAddr, ikev2.Config{}, east)
	nat := w.net.Translate(netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("10.0.0.1"))
	w.up()
	var last netip.AddrPort // where west was heard from
	w.net.Attach(w.east.addr, func(d pluto.Datagram) {
		last = d.Remote
		w.east.Receive(d)
	})
	c := w.east.conns.Children[0]
	w.east.Moved(c, netip.MustParseAddrPort("203.0.113.1:33333")) // where nobody answers
	w.Run(time.Second)
	if w.east.conns.Moves != 0 {
		t.Errorf("the peer is sent to where it has not answered from: %+v", c.Encap)
	}
	nat.Forget()
	w.Run(30 * time.Second) // in which west sends keepalives
	w.east.Moved(c, last)
	w.Run(time.Second)
	if c.Encap.DstPort != last.Port() || w.east.conns.Moves != 1 || w.east.States()[0].Remote != last {
		t.Errorf("encapsulation %+v, moves %d, expected %s", c.Encap, w.east.conns.Moves, last)
	}
}
