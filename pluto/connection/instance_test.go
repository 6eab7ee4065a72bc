package connection

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ipsec/conf/identity"
	"ipsec/klips"
	"ipsec/pluto"
)

// warriors is a connection for any peer.
func warriors(name string, set func(*pluto.End)) *pluto.Connection {
	c := network(name)
	c.Remote = pluto.End{Host: pluto.Host{Kind: pluto.HostAny}}
	if set != nil {
		set(&c.Remote)
	}
	return c
}

func TestInstances(t *testing.T) {
	w := newWorld(t)
	w.add(warriors("road", nil), network("net"))
	if code(w.table.Route("road")) != pluto.RCRoute || code(w.table.Initiate("road")) != pluto.RCNoPeer {
		t.Error("a connection for any peer is routed, or initiated")
	}
	list := w.table.Candidates(addr("192.0.2.1"), addr("192.0.2.9"), who("192.0.2.9"))
	if got := fmt.Sprint(list); got != fmt.Sprint([]*pluto.Connection{w.conn("net"), w.conn("road")}) {
		t.Errorf("candidates for the peer of net: %s", got)
	}
	if list := w.table.Candidates(addr("192.0.2.1"), addr("203.0.113.7"), who("@a")); len(list) != 1 || list[0] != w.conn("road") {
		t.Errorf("candidates for somebody: %v", list)
	}
	if c := w.table.Instantiate(w.conn("net"), netip.MustParseAddrPort("192.0.2.9:500"), pluto.Peer{}); c != w.conn("net") {
		t.Errorf("net is instantiated: %v", c)
	}

	peer := func(at, id string) *pluto.Connection {
		return w.table.Instantiate(w.conn("road"), netip.MustParseAddrPort(at), pluto.Peer{ID: who(id)})
	}
	a, b := peer("203.0.113.7:500", "@a"), peer("203.0.113.7:4501", "@b")
	if a == b || a.String() != `"road"[1] 203.0.113.7` || b.String() != `"road"[2] 203.0.113.7` {
		t.Errorf("instances %v and %v", a, b)
	}
	if want, _ := identity.Parse("@a"); a.Remote.ID != want {
		t.Errorf("instance is for %v", a.Remote.ID)
	}
	if peer("203.0.113.7:9999", "@a") != a || peer("203.0.113.7:9999", "@A") != a || w.table.Instantiate(a, netip.MustParseAddrPort("203.0.113.8:4500"), pluto.Peer{ID: who("@a")}) != a {
		t.Error("the same peer gets another instance")
	}
	if w.table.Instantiate(a, netip.MustParseAddrPort("203.0.113.7:4501"), pluto.Peer{ID: who("@b")}) != b {
		t.Error("another peer gets the instance of the first")
	}
	w.neg.Live = []*pluto.Connection{b}
	w.pass(2 * idleTime)
	if s := w.table.Status(); s[0].Instances != 1 || s[1].Conn != b {
		t.Errorf("after a while there are %d instances, of which the first is %v", s[0].Instances, s[1].Conn)
	}

	// Two behind one address, with the same flow: the second is refused.
	first := w.up(b)
	w.want("one peer", "203.0.113.7/32 tun, 4 SAs")
	c := peer("203.0.113.7:500", "@c")
	if w.table.clash(c, first.Flows[0]) != nil { // one address: one peer, as far as can be told
		t.Error("a second connection with one host is refused")
	}
	// The last SA goes, and the instance with it.
	w.neg.Live = nil
	w.table.Remove(first, pluto.DeletedByPeer)
	w.want("none", "0 SAs")
	if len(w.updown.led) > 0 {
		t.Errorf("still led into KLIPS: %s", w.updown.flows())
	}
	w.pass(2 * idleTime)
	if s := w.table.Status()[0]; s.Instances != 0 {
		t.Errorf("there are still %d instances", s.Instances)
	}
}

// TestInstanceRestart has a peer die whose connection is to be restarted.
func TestInstanceRestart(t *testing.T) {
	w := newWorld(t)
	road := warriors("road", nil)
	road.DPD = pluto.DPD{Delay: time.Second, Action: pluto.DPDRestart}
	w.add(road)
	c := w.table.Instantiate(w.conn("road"), netip.MustParseAddrPort("203.0.113.7:500"), pluto.Peer{ID: who("@a")})
	w.table.Remove(w.up(c), pluto.PeerDead)
	w.pass(0)
	w.called("dead", `initiate "road"[1] 203.0.113.7`)
	w.table.Failed(c, fmt.Errorf("no answer"))
	w.pass(idleTime)
	w.called("failed")
	if s := w.table.Status()[0]; s.Instances != 0 {
		t.Error("the instance is still there")
	}
	if w.table.Install(w.child(c), true) == nil {
		t.Error("a Child SA of an instance that has gone is set")
	}
}

func TestVirtual(t *testing.T) {
	for _, c := range []struct {
		virtual string
		own     string // our network; "" for 10.1.0.0/16
		within  string
		nat     bool
		id      string // "" for @a
		want    string
	}{
		{virtual: "vhost:%no,%priv", nat: false, want: "203.0.113.7/32"},
		{virtual: "vhost:%no,%priv", nat: true, id: "203.0.113.7", want: "203.0.113.7/32"}, // forceencaps=yes
		{virtual: "vhost:%priv,%no", nat: true, id: "192.168.1.2", want: "192.168.0.0/22 192.168.4.0/23 192.168.6.0/24 192.168.8.0/21 192.168.16.0/20 192.168.32.0/19 192.168.64.0/18 192.168.128.0/17"},
		{virtual: "vhost:%priv", nat: true, want: "192.168.0.0/22 192.168.4.0/23 192.168.6.0/24 192.168.8.0/21 192.168.16.0/20 192.168.32.0/19 192.168.64.0/18 192.168.128.0/17"},
		{virtual: "vnet:%v4:172.16.0.0/12,%v4:!172.24.0.0/13", nat: true, want: "172.16.0.0/13"},
		{virtual: "vnet:%v4:10.1.0.0/16", nat: true, want: ""},                                                     // our own network
		{virtual: "vnet:%v4:172.16.0.0/12,%v4:!172.24.0.0/13", own: "0.0.0.0/0", nat: true, want: "172.16.0.0/13"}, // which is all
		{within: "172.16.0.0/12", want: "172.16.0.0/12"},
	} {
		w := newWorld(t)
		road := warriors("road", func(e *pluto.End) {
			e.Virtual = c.virtual
			if c.within != "" {
				e.Within = prefix(c.within)
			}
		})
		if c.own != "" {
			road.Local.Clients = []netip.Prefix{prefix(c.own)}
		}
		w.add(road)
		i := w.table.Instantiate(w.conn("road"), netip.MustParseAddrPort("203.0.113.7:4500"), pluto.Peer{ID: who(cmp.Or(c.id, "@a")), BehindNAT: c.nat})
		got := strings.Trim(fmt.Sprint(i.Remote.Clients), "[]")
		if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" || strings.HasSuffix(c.virtual, "%no") && got != c.want || c.virtual == "vhost:%no,%priv" && !strings.HasPrefix(got, c.want+" ") {
			t.Errorf("%s%s: the peer may choose from %s, want %s", c.virtual, c.within, got, c.want)
		}
	}
}

func TestVirtualHost(t *testing.T) {
	w := newWorld(t)
	w.add(warriors("road", func(e *pluto.End) { e.Virtual = "vhost:%priv" }))
	i := w.table.Instantiate(w.conn("road"), netip.MustParseAddrPort("203.0.113.7:4500"), pluto.Peer{ID: who("@a"), BehindNAT: true})
	flow := func(dst string) klips.Selector { return klips.Selector{Src: prefix("10.1.0.0/16"), Dst: prefix(dst)} }
	if err := w.table.Install(w.child(i, flow("192.168.1.0/24")), true); err == nil || !strings.Contains(err.Error(), "one host") {
		t.Errorf("a network for vhost: %v", err)
	}
	w.up(i, flow("192.168.1.5/32"))
	w.neg.Live = []*pluto.Connection{i}
	// Another at another address, with the same client behind its NAT.
	j := w.table.Instantiate(w.conn("road"), netip.MustParseAddrPort("203.0.113.8:4500"), pluto.Peer{ID: who("@b"), BehindNAT: true})
	if err := w.table.Install(w.child(j, flow("192.168.1.5/32")), true); err == nil || !strings.Contains(err.Error(), `"road"[1] 203.0.113.7 has`) {
		t.Errorf("the client of another: %v", err)
	}
	// The first at another address: it may, and has the packets from then on.
	k := w.table.Instantiate(w.conn("road"), netip.MustParseAddrPort("203.0.113.9:4500"), pluto.Peer{ID: who("@a"), BehindNAT: true})
	w.up(k, flow("192.168.1.5/32"))
	for f, id := range w.eroutes() {
		if id.Dst != addr("203.0.113.9") {
			t.Errorf("%v goes to %v", f.Dst, id)
		}
	}
}

func TestAllowAny(t *testing.T) {
	w := newWorld(t)
	c := network("net")
	c.Remote.AllowAny = true
	w.add(c)
	if list := w.table.Candidates(addr("192.0.2.1"), addr("203.0.113.7"), who("@a")); len(list) != 1 {
		t.Errorf("candidates %v", list)
	}
	i := w.table.Instantiate(w.conn("net"), netip.MustParseAddrPort("203.0.113.7:500"), pluto.Peer{ID: who("192.0.2.9")})
	if i == w.conn("net") || i.Remote.Host.Addr != addr("203.0.113.7") {
		t.Errorf("instance %v", i)
	}
	if w.table.Instantiate(w.conn("net"), netip.MustParseAddrPort("192.0.2.9:500"), pluto.Peer{ID: who("192.0.2.9")}) != w.conn("net") {
		t.Error("the peer at its own address gets an instance")
	}
}

func TestHostNames(t *testing.T) {
	w := newWorld(t)
	c := network("net")
	c.Remote.Host = pluto.Host{Kind: pluto.HostName, Name: "gw.example.org"}
	host := network("host")
	host.Remote = pluto.End{Host: c.Remote.Host}
	w.add(c, host)
	w.resolver.asked = nil
	if err := w.table.Initiate("net"); code(err) != pluto.RCNoPeer {
		t.Errorf("initiate: %v", err)
	}
	w.want("before it is resolved", trapped) // its networks are known
	if err := w.table.Route("host"); code(err) != pluto.RCNoPeer {
		t.Errorf("route host: %v", err)
	}
	if len(w.resolver.asked) != 1 {
		t.Errorf("asked for %q", w.resolver.asked)
	}
	w.table.Resolved("gw.example.org", netip.Addr{})
	w.pass(askingTime)
	if len(w.resolver.asked) != 2 {
		t.Errorf("asked for %q after a failure", w.resolver.asked)
	}
	w.neg.Take()
	w.table.Resolved("gw.example.org", addr("192.0.2.9"))
	w.pass(0)
	w.called("resolved", `terminate "net"`, `terminate "host"`, `initiate "net"`) // what there may be with nobody
	w.want("resolved", "10.2.0.0/16 %trap, 192.0.2.9/32 %trap, 0 SAs")

	// It moves while it is up, and is followed when it has died.
	child := w.up(w.conn("net"))
	w.table.Terminate("host")
	w.table.Resolved("gw.example.org", addr("192.0.2.77"))
	if w.conn("net").Remote.Host.Addr != addr("192.0.2.9") || w.table.bundles[child] == nil {
		t.Error("a tunnel that is up is taken down for what the DNS says")
	}
	w.neg.Take()
	w.table.Remove(child, pluto.PeerDead)
	w.pass(0)
	if got := w.conn("net").Remote.Host.Addr; got != addr("192.0.2.77") {
		t.Errorf("net goes to %s", got)
	}
	w.called("dead", `terminate "net"`, `initiate "net"`)
	w.want("moved", "10.2.0.0/16 %trap, 192.0.2.77/32 %trap, 0 SAs")
	w.pass(time.Hour)
	w.called("and no more than once")

	// It has moved again, which is asked for while the old address is called.
	w.table.Delete("host")
	w.neg.Take()
	w.resolver.asked = nil
	w.table.Failed(w.conn("net"), errors.New("no answer"))
	w.table.Initiate("net")
	w.called("a person asks", `initiate "net"`)
	if !slices.Contains(w.resolver.asked, "gw.example.org") {
		t.Errorf("asked for %q", w.resolver.asked)
	}
	w.table.Resolved("gw.example.org", addr("192.0.2.78"))
	w.pass(0)
	w.called("moved at once", `terminate "net"`, `initiate "net"`)
	if got := w.conn("net").Remote.Host.Addr; got != addr("192.0.2.78") {
		t.Errorf("net goes to %s", got)
	}
	w.pass(askingTime)
	w.table.Resolved("gw.example.org", addr("192.0.2.79"))
	w.pass(0)
	w.called("a late answer waits for the outcome")
}

func FuzzParsePrivate(f *testing.F) {
	f.Add("%v4:10.0.0.0/8,%v6:fd00::/8,%v4:!10.1.0.0/16")
	f.Add(" %v4:!0.0.0.0/0, ")
	f.Add("%v6:10.0.0.0/8")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePrivate(text)
		if err != nil {
			return
		}
		for _, net := range append(p.Allowed, p.Except...) {
			if !net.IsValid() || net != net.Masked() {
				t.Errorf("%q has %v", text, net)
			}
		}
	})
}

// TestGroups: groups are asked of attribute certificates, which nobody looks at. A connection that
// holds its peer to them is for nobody.
func TestGroups(t *testing.T) {
	w := newWorld(t)
	c := network("net")
	c.Local.Groups = "ours, for the peer to look at"
	w.add(c)
	if w.table.Status()[0].Oriented != true {
		t.Error("a connection with groups of our own is not taken")
	}
	w.table.Delete("net")
	c = network("net")
	c.Remote.Groups = "staff"
	w.add(c)
	if st := w.table.Status()[0]; st.Oriented || len(w.table.Offers(addr("192.0.2.1"), addr("192.0.2.9"))) != 0 {
		t.Errorf("a connection whose peer is held to groups is in force: %+v", st)
	}
}
