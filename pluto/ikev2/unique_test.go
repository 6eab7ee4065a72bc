package ikev2_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ipsec/conf/identity"
	"ipsec/pluto"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/plutotest"
)

var unique = ikev2.Config{UniqueIDs: true}

// A peer that comes again and again, from the same address and without INITIAL_CONTACT, does
// not pile up IKE SAs.
func TestPeerPilesUp(t *testing.T) {
	conn := subnets()
	w := newWorldOf(t, ikev2.Config{}, unique, []*pluto.Connection{conn}, []*pluto.Connection{conn.Reversed()})
	for i := range 20 {
		w.Actors = w.Actors[:1]
		w.west = w.host(uint64(i+3), fmt.Sprintf("west%d", i), westAddr, ikev2.Config{}, conn)
		w.west.conns.Orphans = true
		w.Actors = append(w.Actors, w.east)
		w.west.Initiate(conn, nil)
		w.Run(3 * time.Second)
		if len(w.west.conns.Children) != 1 {
			t.Fatalf("attempt %d: not up\n%s", i, w.log())
		}
		if n := len(w.east.conns.Children); n > 4 {
			t.Fatalf("attempt %d: east has %d Child SAs\n%s", i, n, w.log())
		}
	}
	w.Run(100 * time.Second)
	w.check(1)
	if n := w.east.established(t); n != 1 {
		t.Errorf("east has %d IKE SAs\n%s", n, w.log())
	}
}

// When both ends call at once they come to have one IKE SA, and never none, whether both look
// for others like it or one alone; without uniqueids=yes they keep both.
func TestBothCallAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name       string
		west, east ikev2.Config
		want       int
	}{
		{"both unique", unique, unique, 1},
		{"west unique", unique, ikev2.Config{}, 1},
		{"east unique", ikev2.Config{}, unique, 1},
		{"neither", ikev2.Config{}, ikev2.Config{}, 2},
	} {
		for _, later := range []time.Duration{0, 5 * time.Millisecond, 15 * time.Millisecond, 25 * time.Millisecond} {
			t.Run(fmt.Sprint(tt.name, " ", later), func(t *testing.T) {
				conn := subnets()
				w := newWorldOf(t, tt.west, tt.east, []*pluto.Connection{conn}, []*pluto.Connection{conn.Reversed()})
				w.west.Initiate(conn, nil)
				w.Run(later)
				w.east.Initiate(w.east.conns.All[0], nil)
				w.Run(time.Second)
				before := w.west.established(t)
				for range 300 {
					w.Run(100 * time.Millisecond)
					if len(w.west.conns.InUse) == 0 || len(w.east.conns.InUse) == 0 {
						t.Fatalf("nothing is in use\n%s", w.log())
					}
				}
				want := min(tt.want, before)
				if a, b := w.west.established(t), w.east.established(t); a != want || b != want {
					t.Errorf("west has %d IKE SAs, east %d, expected %d\n%s", a, b, want, w.log())
				}
				if want == 1 {
					w.check(1)
				}
				w.Run(time.Minute)
				if len(w.west.conns.InUse) == 0 {
					t.Errorf("nothing is in use in the end\n%s", w.log())
				}
			})
		}
	}
}

// An IKE SA that is reauthenticated has all of its Child SAs made anew before it goes: the
// first of them does not end the rest.
func TestUniqueReauth(t *testing.T) {
	var conns, theirs []*pluto.Connection
	for i := range 3 {
		c := plutotest.Conn(fmt.Sprint("net", i), westAddr, fmt.Sprintf("10.1.%d.0/24", i), eastAddr, fmt.Sprintf("10.2.%d.0/24", i))
		c.Reauth = true
		conns, theirs = append(conns, c), append(theirs, c.Reversed())
	}
	w := newWorldOf(t, unique, unique, conns, theirs)
	for _, c := range conns {
		w.west.Initiate(c, nil)
	}
	w.Run(10 * time.Second)
	w.check(3)
	w.net.MinDelay, w.net.MaxDelay = time.Second, time.Second // which makes it last
	w.west.RekeyIKE(conns[0])
	for range 400 {
		w.Run(100 * time.Millisecond)
		for _, h := range []*host{w.west, w.east} {
			up := map[string]bool{}
			for c := range h.conns.InUse {
				up[c.Conn.Name] = true
			}
			if len(up) != 3 {
				t.Fatalf("%d connections are up\n%s", len(up), w.log())
			}
		}
	}
	w.Run(10 * time.Second)
	w.check(3)
	if a, b := w.west.established(t), w.east.established(t); a != 1 || b != 1 {
		t.Errorf("west has %d IKE SAs, east %d\n%s", a, b, w.log())
	}
}

// What a peer has by one connection is not counted with, nor ended for, what comes by another that
// demands less of the same identity: neither by INITIAL_CONTACT, nor by uniqueids=yes, nor by
// the limits.
func TestSameNameProvedOtherwise(t *testing.T) {
	vip := subnets()
	vip.Local.ID = identity.FromAddr(netip.MustParseAddr("192.0.2.99"))
	guests := vip.Reversed()
	guests.Name, guests.Remote = "guests", pluto.End{Host: pluto.Host{Kind: pluto.HostAny}}
	w := newWorldOf(t, ikev2.Config{}, ikev2.Config{UniqueIDs: true, Limits: ikev2.Limits{Alike: 2, Children: 4}},
		[]*pluto.Connection{vip}, []*pluto.Connection{vip.Reversed(), guests})
	w.west.Initiate(vip, nil)
	w.Run(time.Second)
	w.check(1)
	theirs := w.east.conns.Children[0]
	for i := range 6 {
		mall := plutotest.Conn("mall", "192.0.2.66", "", eastAddr, eastNet)
		mall.Local.ID = vip.Local.ID
		w.Actors = w.Actors[:3]
		h := w.host(uint64(i+3), "mall", "192.0.2.66", ikev2.Config{}, mall)
		h.conns.Orphans = i > 0 // without INITIAL_CONTACT
		h.Initiate(mall, nil)
		w.Run(2 * time.Second)
		if len(h.conns.Children) != 1 {
			t.Fatalf("attempt %d: not up\n%s", i, w.log())
		}
		if !slices.Contains(w.east.conns.Children, theirs) {
			t.Fatalf("attempt %d: the Child SA of vip is gone\n%s", i, w.log())
		}
	}
	for range 4 {
		w.west.Rekey(w.west.conns.Children[0])
		w.Run(20 * time.Second)
	}
	if last := w.west.reports[len(w.west.reports)-1]; !strings.Contains(last, "IPsec SA established") {
		t.Errorf("vip's own Child SAs are counted with those of others: %s", last)
	}
}

// A peer that writes its name in other letters is the same peer.
func TestNameInOtherLetters(t *testing.T) {
	vip := subnets().Reversed()
	vip.Remote.Host = pluto.Host{Kind: pluto.HostAny}
	vip.Remote.ID = identity.ID{Type: identity.TypeFQDN, Data: "vip"}
	w := newWorldOf(t, ikev2.Config{}, unique, nil, []*pluto.Connection{vip})
	for i, name := range []string{"vip", "VIP", "Vip"} {
		addr := fmt.Sprintf("198.51.100.%d", i+1)
		mine := plutotest.Conn("vip", addr, westNet, eastAddr, eastNet)
		mine.Local.ID = identity.ID{Type: identity.TypeFQDN, Data: name}
		w.host(uint64(i+3), name, addr, ikev2.Config{}, mine).Initiate(mine, nil)
		w.Run(2 * time.Second)
		if n := len(w.east.conns.Children); n != 1 {
			t.Fatalf("%s: east has %d Child SAs, expected one\n%s", name, n, w.log())
		}
	}
}
