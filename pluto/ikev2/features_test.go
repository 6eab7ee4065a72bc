package ikev2_test

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/pluto"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/plutotest"
)

// notifies counts the notifications of a type in what is sent without protection.
func (w *world) notifies(t message.NotifyType) *int {
	n := new(int)
	w.net.Watch = func(d *pluto.Datagram) bool {
		if m, err := message.Parse(d.Payload); err == nil && message.FindNotify(m.Payloads, t) != nil {
			*n++
		}
		return true
	}
	return n
}

func TestCookies(t *testing.T) {
	conn := subnets()
	w := newWorldOf(t, ikev2.Config{}, ikev2.Config{Limits: ikev2.Limits{Cookies: 2}}, []*pluto.Connection{conn}, []*pluto.Connection{conn.Reversed()})
	n := w.notifies(message.Cookie)
	// Two initiators that never come with IKE_AUTH.
	for i := range 2 {
		ghost := w.host(uint64(10+i), "ghost", westAddr, ikev2.Config{}, conn)
		w.net.Attach(ghost.addr, nil)
		ghost.Initiate(conn, nil)
	}
	w.Run(100 * time.Millisecond)
	w.net.Attach(w.west.addr, w.west.Receive)
	w.up()
	if *n != 2 { // asked for, and sent back
		t.Errorf("%d messages with a cookie, expected 2", *n)
	}
}

func TestHalfOpenLimits(t *testing.T) {
	conn := subnets()
	w := newWorldOf(t, ikev2.Config{}, ikev2.Config{Limits: ikev2.Limits{PerPeer: 3}}, []*pluto.Connection{conn}, []*pluto.Connection{conn.Reversed()})
	for i := range 20 {
		ghost := w.host(uint64(10+i), "ghost", westAddr, ikev2.Config{}, conn)
		w.net.Attach(ghost.addr, nil)
		ghost.Initiate(conn, nil)
	}
	w.Actors = w.Actors[:3]
	w.Run(time.Second)
	if n := len(w.east.States()); n != 3 {
		t.Errorf("%d half-open IKE SAs, expected 3", n)
	}
	if n := len(w.east.reports); n > 11 {
		t.Errorf("%d lines in a second", n)
	}
	w.Run(time.Minute)
	if n := len(w.east.States()); n != 0 {
		t.Errorf("%d half-open IKE SAs after a minute", n)
	}
}

func TestOtherGroup(t *testing.T) {
	conn := subnets()
	east := conn.Reversed()
	conn.IKE = ike(t, "aes128-sha256-curve25519-ecp256")
	east.IKE = ike(t, "aes128-sha256-ecp256")
	w := newWorldOf(t, ikev2.Config{}, ikev2.Config{}, []*pluto.Connection{conn}, []*pluto.Connection{east})
	n := w.notifies(message.InvalidKEPayload)
	w.up()
	if *n != 1 {
		t.Errorf("%d INVALID_KE_PAYLOAD", *n)
	}
	if a := w.west.States()[0].Algorithms; !strings.Contains(a, "ecp256") {
		t.Errorf("algorithms %s", a)
	}
}

func TestFragmentation(t *testing.T) {
	conn := subnets()
	w := newWorld(t, conn)
	for i := range 200 { // Traffic selectors beyond what fits into a datagram.
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, byte(i), 0}), 24)
		if i == 0 {
			conn.Local.Clients = nil
		}
		conn.Local.Clients = append(conn.Local.Clients, p)
	}
	fragments, longest := 0, 0
	w.net.Watch = func(d *pluto.Datagram) bool {
		longest = max(longest, len(d.Payload))
		if len(d.Payload) > 16 && message.PayloadType(d.Payload[16]) == message.TypeEncryptedFragment {
			fragments++
		}
		return true
	}
	w.net.Loss = 0.2
	w.net.Double = 0.2
	w.net.MaxDelay = 100 * time.Millisecond
	w.west.Initiate(conn, nil)
	w.Run(60 * time.Second)
	w.check(1)
	if fragments < 3 || longest > 1280-20-8-4 {
		t.Errorf("%d fragments, the longest message has %d bytes", fragments, longest)
	}
}

func TestTransportMode(t *testing.T) {
	conn := plutotest.Conn("host", westAddr, "", eastAddr, "")
	conn.Mode = pluto.TransportMode
	conn.Local.Proto, conn.Remote.Proto = 17, 17
	conn.Remote.Port = 1701
	w := newWorld(t, conn)
	w.up()
	c := w.west.conns.Children[0]
	want := klips.Selector{Src: netip.MustParsePrefix(westAddr + "/32"), Dst: netip.MustParsePrefix(eastAddr + "/32"), Proto: 17, DstPort: 1701}
	if c.Mode != pluto.TransportMode || len(c.Flows) != 1 || c.Flows[0] != want {
		t.Errorf("mode %v, flows %v", c.Mode, c.Flows)
	}
}

func TestCompressionAndESN(t *testing.T) {
	conn := subnets()
	conn.Compress = true
	conn.ESP = esp(t, "aes128-sha256-esn")
	w := newWorld(t, conn)
	w.up()
	c, d := w.west.conns.Children[0], w.east.conns.Children[0]
	if !c.ESN || !d.ESN || c.In.CPI == 0 || c.In.CPI != d.Out.CPI || c.Out.CPI != d.In.CPI {
		t.Errorf("west %+v, east %+v", c, d)
	}
}

func TestNarrowing(t *testing.T) {
	conn := subnets()
	east := conn.Reversed()
	conn.Local.Clients = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	conn.Remote.Clients = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	east.Local.Clients = []netip.Prefix{netip.MustParsePrefix(eastNet), netip.MustParsePrefix("2001:db8:2::/48")}
	east.Remote.Clients = []netip.Prefix{netip.MustParsePrefix(westNet), netip.MustParsePrefix("2001:db8:1::/48")}
	w := newWorldOf(t, ikev2.Config{}, ikev2.Config{}, []*pluto.Connection{conn}, []*pluto.Connection{east})
	w.up()
	got := w.west.conns.Children[0].Flows
	if len(got) != 2 || got[0].Src.String() != westNet || got[0].Dst.String() != eastNet || got[1].Dst.String() != "2001:db8:2::/48" {
		t.Errorf("flows %v", got)
	}
}

// TestSiblings brings three connections between the same ends up: under one IKE SA, each by
// the connection that fits.
func TestSiblings(t *testing.T) {
	var west, east []*pluto.Connection
	for _, third := range []string{"10", "11", "12"} {
		c := plutotest.Conn("net"+third, westAddr, "10."+third+".0.0/16", eastAddr, eastNet)
		west, east = append(west, c), append([]*pluto.Connection{c.Reversed()}, east...)
	}
	w := newWorldOf(t, ikev2.Config{}, ikev2.Config{}, west, east)
	for _, c := range west {
		w.west.Initiate(c, &klips.Selector{Src: netip.PrefixFrom(c.Local.Clients[0].Addr(), 32), Dst: netip.MustParsePrefix("10.2.3.4/32"), Proto: 6})
	}
	w.Run(5 * time.Second)
	w.check(3)
	if w.west.established(t) != 1 {
		t.Errorf("more than one IKE SA:\n%s", w.log())
	}
	for _, c := range w.east.conns.Children {
		if c.Conn.Remote.Clients[0] != c.Flows[0].Dst {
			t.Errorf("%s has the flows %v", c.Conn, c.Flows)
		}
	}
	w.west.Terminate(west[0])
	w.Run(10 * time.Second)
	w.check(2)
	w.east.Terminate(w.east.conns.All[0])
	w.Run(10 * time.Second)
	w.check(1)
	w.east.Terminate(w.east.conns.All[1])
	w.Run(100 * time.Second)
	w.check(0)
	if n := w.west.established(t) + w.east.established(t); n != 0 {
		t.Errorf("%d IKE SAs are left", n)
	}
}

func TestKernelRefuses(t *testing.T) {
	for _, side := range []string{"west", "east"} {
		w := newWorld(t, subnets())
		h := w.west
		if side == "east" {
			h = w.east
		}
		var made []*pluto.Child
		w.west.conns.Refuse = func(c *pluto.Child) error { made = append(made, c); return nil }
		w.east.conns.Refuse = w.west.conns.Refuse
		h.conns.Refuse = func(c *pluto.Child) error { made = append(made, c); return errors.New("no room") }
		w.west.Initiate(w.west.conns.All[0], nil)
		w.Run(10 * time.Second)
		w.check(0)
		if len(made) == 0 {
			t.Errorf("%s refuses: no SAs were made", side)
		}
		for _, c := range made {
			for _, key := range [][]byte{c.In.EncKey, c.In.AuthKey, c.Out.EncKey, c.Out.AuthKey} {
				if bytes.ContainsFunc(key, func(r rune) bool { return r != 0 }) {
					t.Errorf("%s refuses: keys of #%d are left", side, c.Serial)
				}
			}
		}
		if len(w.west.conns.Failures) != 1 {
			t.Errorf("%s refuses: failures %q\n%s", side, w.west.conns.Failures, w.log())
		}
	}
}

func TestManyPeers(t *testing.T) {
	east := plutotest.Conn("any", eastAddr, eastNet, "%any", "")
	w := newWorldOf(t, ikev2.Config{}, ikev2.Config{}, nil, []*pluto.Connection{east})
	for i := range 20 {
		addr := netip.AddrFrom4([4]byte{198, 51, 100, byte(i + 1)}).String()
		c := plutotest.Conn("net", addr, "", eastAddr, eastNet)
		h := w.host(uint64(100+i), "peer", addr, ikev2.Config{}, c)
		h.Initiate(c, nil)
	}
	w.Run(5 * time.Second)
	if n := len(w.east.conns.Children); n != 20 {
		t.Errorf("%d Child SAs\n%s", n, w.log())
	}
}

func TestShutdown(t *testing.T) {
	w := newWorld(t, subnets())
	w.up()
	w.west.Shutdown()
	w.Run(10 * time.Second)
	w.check(0)
	w.east.Initiate(w.east.conns.All[0], nil)
	w.Run(100 * time.Second)
	w.check(0)
}

func TestIPv6(t *testing.T) {
	conn := plutotest.Conn("six", "2001:db8::1", "2001:db8:1::/48", "2001:db8::2", "2001:db8:2::/48")
	w := &world{t: t}
	w.Clock = plutotest.NewClock()
	w.net = plutotest.NewNetwork(w.Clock, 1)
	w.Actors = []plutotest.Actor{w.net}
	w.west = w.host(1, "west", "2001:db8::1", ikev2.Config{}, conn)
	w.east = w.host(2, "east", "2001:db8::2", ikev2.Config{}, conn.Reversed())
	w.up()
	if f := w.east.conns.Children[0].Flows; len(f) != 1 || f[0].Src.String() != "2001:db8:2::/48" {
		t.Errorf("flows %v", f)
	}
}

func TestAH(t *testing.T) {
	conn := subnets()
	conn.Protocol = pluto.AH
	w := newWorld(t, conn)
	w.up()
	c := w.west.conns.Children[0]
	if c.Protocol != said.AH || c.In.Enc != "" || len(c.In.AuthKey) == 0 {
		t.Errorf("%+v", c)
	}
	w.west.Rekey(c)
	w.Run(20 * time.Second)
	w.check(1)
}

// TestWithoutPFS rekeys with a peer that has pfs=no, or that demands a group.
func TestWithoutPFS(t *testing.T) {
	for _, group := range []string{"", "modp2048"} {
		conn := subnets()
		east := conn.Reversed()
		east.PFS = group != ""
		east.PFSGroup = group
		w := newWorldOf(t, ikev2.Config{}, ikev2.Config{}, []*pluto.Connection{conn}, []*pluto.Connection{east})
		w.up()
		old := w.west.conns.Children[0].In.SPI
		w.west.Rekey(w.west.conns.Children[0])
		w.Run(20 * time.Second)
		w.check(1)
		if now := w.west.conns.Children[0].In.SPI; (now != old) != (group == "") {
			t.Errorf("pfsgroup=%q at east: the SPI is %08x, was %08x\n%s", group, now, old, w.log())
		}
	}
}

// TestBusyPeer has one end make a Child SA while the other replaces the IKE SA.
func TestBusyPeer(t *testing.T) {
	one := plutotest.Conn("one", westAddr, "10.10.0.0/16", eastAddr, eastNet)
	two := plutotest.Conn("two", westAddr, "10.11.0.0/16", eastAddr, eastNet)
	w := newWorldOf(t, ikev2.Config{}, ikev2.Config{}, []*pluto.Connection{one, two}, []*pluto.Connection{one.Reversed(), two.Reversed()})
	w.up()
	w.Run(10 * time.Second)
	w.west.Initiate(two, nil)
	w.east.RekeyIKE(w.east.conns.All[0])
	w.Run(30 * time.Second)
	w.check(2)
	if a, b := w.west.established(t), w.east.established(t); a != 1 || b != 1 {
		t.Errorf("west has %d IKE SAs, east %d\n%s", a, b, w.log())
	}
}

// TestUniqueIDs has a peer, one Pluto with two addresses, come again from the other one: with
// uniqueids=yes it replaces itself.
func TestUniqueIDs(t *testing.T) {
	for _, unique := range []bool{false, true} {
		any := plutotest.Conn("any", eastAddr, eastNet, "%any", westNet)
		any.Remote.ID, any.Local.ID = id(t, "@roamer"), id(t, "@east")
		w := newWorldOf(t, ikev2.Config{}, ikev2.Config{UniqueIDs: unique}, nil, []*pluto.Connection{any})
		for _, addr := range []string{westAddr, "198.51.100.2"} {
			c := plutotest.Conn("from "+addr, addr, westNet, eastAddr, eastNet)
			c.Local.ID, c.Remote.ID = any.Remote.ID, any.Local.ID
			w.net.Attach(netip.MustParseAddr(addr), w.west.Receive)
			w.west.Initiate(c, nil)
			w.Run(2 * time.Second)
		}
		w.Run(10 * time.Second)
		want := 2
		if unique {
			want = 1
		}
		if a, b := w.west.established(t), w.east.established(t); a != want || b != want {
			t.Errorf("uniqueids %v: west has %d IKE SAs, east %d\n%s", unique, a, b, w.log())
		}
	}
}

// TestSpeaksOfTheNewOne has both ends replace the IKE SA, of which east does not hear. What east says
// next, by the IKE SA that it has made, is about Child SAs that west has not moved there yet.
func TestSpeaksOfTheNewOne(t *testing.T) {
	one := plutotest.Conn("one", westAddr, "10.10.0.0/16", eastAddr, eastNet)
	two := plutotest.Conn("two", westAddr, "10.11.0.0/16", eastAddr, eastNet)
	w := newWorldOf(t, ikev2.Config{}, ikev2.Config{}, []*pluto.Connection{one, two}, []*pluto.Connection{one.Reversed(), two.Reversed()})
	w.up()
	w.west.Initiate(two, nil)
	w.Run(20 * time.Second)
	w.check(2)
	lost := false
	w.net.Watch = func(d *pluto.Datagram) bool {
		h, err := message.ParseHeader(d.Payload)
		if h.Exchange == message.Informational && !lost { // by which east deletes the old one
			lost = true
			return false
		}
		return err != nil || d.Local.Addr() != w.west.addr || h.Exchange != message.CreateChildSA || h.IsResponse()
	}
	w.west.RekeyIKE(one)
	w.east.RekeyIKE(w.east.conns.All[0])
	w.Run(25 * time.Millisecond)
	w.east.Terminate(w.east.conns.All[1])
	w.Run(20 * time.Second)
	w.check(1)
	w.net.Watch = nil
	w.Run(30 * time.Second)
	w.check(1)
	if a, b := w.west.established(t), w.east.established(t); a != 1 || b != 1 {
		t.Errorf("west has %d IKE SAs, east %d\n%s", a, b, w.log())
	}
}

// TestWaitsWithoutFirst has a Child SA asked for while IKE_AUTH is under way without one.
func TestWaitsWithoutFirst(t *testing.T) {
	w := newWorld(t, subnets())
	conn := w.west.conns.All[0]
	w.west.conns.Full = true
	w.west.Initiate(conn, nil)
	w.Run(25 * time.Millisecond)
	w.west.conns.Full = false
	w.west.Initiate(conn, nil)
	w.Run(5 * time.Second)
	w.check(1)
}

// TestSameTraffic has two connections for the same packets: the algorithms
// that the peer offers tell which is meant.
func TestSameTraffic(t *testing.T) {
	for _, offered := range []string{"aes256-sha2_512", "aes128gcm16"} {
		conn := subnets()
		conn.ESP = esp(t, offered)
		var east []*pluto.Connection
		for _, name := range []string{"aes128gcm16", "aes256-sha2_512"} {
			c := subnets().Reversed()
			c.Name, c.ESP = name, esp(t, name)
			east = append(east, c)
		}
		w := newWorldOf(t, ikev2.Config{}, ikev2.Config{}, []*pluto.Connection{conn}, east)
		w.up()
		if got := w.east.conns.Children[0].Conn.Name; got != offered {
			t.Errorf("%s is taken for conn %q\n%s", offered, got, w.log())
		}
	}
}
