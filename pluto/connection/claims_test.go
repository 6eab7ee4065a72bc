package connection

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"ipsec/conf/identity"
	"ipsec/klips"
	"ipsec/pluto"
)

// TestTrespass has peers choose networks of others.
func TestTrespass(t *testing.T) {
	elsewhere := func(name, peer, net string) *pluto.Connection {
		c := network(name)
		c.Remote.Host.Addr = addr(peer)
		c.Remote.Clients = []netip.Prefix{prefix(net)}
		return c
	}
	within := func(net string) func(*pluto.End) { return func(e *pluto.End) { e.Within = prefix(net) } }
	clients := func(net string) func(*pluto.End) {
		return func(e *pluto.End) { e.Clients = []netip.Prefix{prefix(net)} }
	}
	dropAll := network("default")
	dropAll.Shunt, dropAll.Local.Clients, dropAll.Remote = pluto.ShuntDrop, nil, pluto.End{Host: pluto.Host{Kind: pluto.HostAny}}
	lan := network("lan")
	lan.Shunt, lan.Remote = pluto.ShuntPass, pluto.End{Host: pluto.Host{Kind: pluto.HostAny}, Clients: lan.Local.Clients}
	for _, c := range []struct {
		name     string
		loaded   []*pluto.Connection // beside the one of the peer
		choose   func(*pluto.End)
		has, who string // a network that another peer of the same connection has, at 203.0.113.7 where who is @a
		wants    string
		refused  string
	}{
		{name: "its own", choose: within("172.16.0.0/12"), has: "172.16.1.0/24", who: "@a", wants: "172.16.2.0/24"},
		{name: "a part of what is for any peer", choose: clients("172.16.0.0/12"), wants: "172.16.2.0/24"},
		{name: "a part of what is for any peer by another", loaded: []*pluto.Connection{warriors("other", clients("172.16.0.0/12"))}, choose: clients("172.16.0.0/12"), wants: "172.16.2.0/24"},
		{name: "another's", choose: within("172.16.0.0/12"), has: "172.16.1.0/24", who: "@a", wants: "172.16.1.0/24", refused: "with another peer"},
		{name: "a part of another's", choose: within("172.16.0.0/12"), has: "172.16.1.0/24", who: "@a", wants: "172.16.1.128/25", refused: `is taken: "road"[1] 203.0.113.7 has`},
		{name: "more than another's", choose: within("172.16.0.0/12"), has: "172.16.1.0/24", who: "@a", wants: "172.16.0.0/12", refused: "is taken"},
		{name: "what it has had", choose: within("172.16.0.0/12"), has: "172.16.1.0/24", who: "@b", wants: "172.16.1.0/24"},
		{name: "our network", choose: within("10.0.0.0/8"), wants: "10.1.0.0/16", refused: "on our side"},
		{name: "a part of our network", choose: within("10.0.0.0/8"), wants: "10.1.4.0/24", refused: "on our side"},
		{name: "our address", choose: within("192.0.0.0/8"), wants: "192.0.2.1/32", refused: "192.0.2.1 is an address of this host"},
		{name: "an exception of our network", choose: within("10.1.7.0/24"), wants: "10.1.7.9/32"},
		{name: "the network of a gateway that is down", loaded: []*pluto.Connection{network("net")}, choose: within("10.0.0.0/8"), wants: "10.2.4.0/24", refused: `"net" has`},
		{name: "beside it", loaded: []*pluto.Connection{network("net")}, choose: within("10.0.0.0/8"), wants: "10.3.4.0/24"},
		{name: "everything else", loaded: []*pluto.Connection{network("net")}, choose: clients("0.0.0.0/0"), wants: "0.0.0.0/0"},
		{name: "under a default", loaded: []*pluto.Connection{dropAll, lan}, choose: within("172.16.0.0/12"), wants: "172.16.1.0/24"},
		{name: "under a tunnel for all else", loaded: []*pluto.Connection{elsewhere("all", "192.0.2.8", "0.0.0.0/0")}, choose: within("172.16.0.0/12"), wants: "172.16.1.0/24"},
		{name: "what passes", loaded: []*pluto.Connection{lan}, choose: clients("0.0.0.0/0"), wants: "10.1.9.0/24", refused: "on our side"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.add(append(c.loaded, warriors("road", c.choose))...)
			arrive := func(at, id, net string) error {
				i := w.table.Instantiate(w.conn("road"), netip.AddrPortFrom(addr(at), 500), pluto.Peer{ID: who(id)})
				return w.table.Install(w.child(i, klips.Selector{Src: prefix("10.1.0.0/16"), Dst: prefix(net)}), true)
			}
			if c.has != "" {
				if err := arrive("203.0.113.7", c.who, c.has); err != nil {
					t.Fatal(err)
				}
			}
			for _, at := range []string{"203.0.113.9", "203.0.113.7"} { // elsewhere, and behind the same NAT
				err := arrive(at, "@b", c.wants)
				if got := fmt.Sprint(err); (err != nil) != (c.refused != "") || !strings.Contains(got, c.refused) {
					t.Errorf("at %s: %v, want %q", at, err, c.refused)
				}
			}
		})
	}
}

// TestTrespassOfGateways has a gateway narrow its flow to a part of another's.
func TestTrespassOfGateways(t *testing.T) {
	w := newWorld(t)
	large, small, spare := network("large"), network("small"), network("spare")
	large.Remote.Clients = []netip.Prefix{prefix("10.0.0.0/8")}
	small.Remote.Host.Addr, spare.Remote.Host.Addr = addr("192.0.2.8"), addr("192.0.2.7")
	w.add(large, small, spare)
	flow := func(dst string) klips.Selector { return klips.Selector{Src: prefix("10.1.0.0/16"), Dst: prefix(dst)} }
	w.up(w.conn("small"))
	if err := w.table.Install(w.child(w.conn("large"), flow("10.2.128.0/17")), true); err == nil {
		t.Error("a part of a network that has been cut out of a larger one goes to the peer of that")
	}
	w.up(w.conn("large"))
	w.table.Terminate("small")
	w.table.Unroute("small")
	w.up(w.conn("spare")) // to the same network, of which the other is down
	w.table.Delete("large")
	w.table.Delete("small")
	w.table.Delete("spare")
	if len(w.table.claims.at)+len(w.table.claims.sizes) > 0 {
		t.Errorf("claims of nobody are left: %v", w.table.claims)
	}
}

// TestSiblingsAreProved: a peer that any identity will do of has proved itself by
// one authority, and is not let into a connection for another.
func TestSiblingsAreProved(t *testing.T) {
	with := func(name string, set func(*pluto.End)) *pluto.Connection {
		c := warriors(name, func(e *pluto.End) {
			e.ID = identity.FromCert()
			e.CA = "C=DE, CN=ca"
			e.Cert = "a.pem"
			e.PublicKeys = []string{"0sAQ"}
		})
		set(&c.Remote)
		return c
	}
	w := newWorld(t)
	w.add(
		with("a", func(*pluto.End) {}),
		with("twin", func(e *pluto.End) { e.Clients = []netip.Prefix{prefix("10.7.0.0/16")} }),
		with("ca", func(e *pluto.End) { e.CA = "C=DE, CN=other" }),
		with("cert", func(e *pluto.End) { e.Cert = "b.pem" }),
		with("key", func(e *pluto.End) { e.PublicKeys = []string{"0sAw"} }))
	i := w.table.Instantiate(w.conn("a"), netip.MustParseAddrPort("203.0.113.7:500"), pluto.Peer{ID: who("@a")})
	for _, c := range []*pluto.Connection{w.conn("a"), i} {
		if list := w.table.Siblings(c); len(list) != 1 || list[0] != w.conn("twin") {
			t.Errorf("siblings of %v: %v", c, list)
		}
	}
}

// TestSiblingsBehindOneNAT: who comes from the address of another peer, and has proved another
// identity, is not let into the connection of that peer, which names no identity but its address.
func TestSiblingsBehindOneNAT(t *testing.T) {
	w := newWorld(t)
	office := network("office")
	office.Remote.Host.Addr = addr("203.0.113.7")
	w.add(office, warriors("road", func(*pluto.End) {}))
	for id, want := range map[string]int{"@guest": 0, "203.0.113.7": 1} {
		i := w.table.Instantiate(w.conn("road"), netip.MustParseAddrPort("203.0.113.7:500"), pluto.Peer{ID: who(id)})
		if list := w.table.Siblings(i); len(list) != want {
			t.Errorf("siblings of %v for %s: %v, expected %d", i, id, list, want)
		}
	}
}
