package connection

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/pluto"
)

const trapped = "10.2.0.0/16 %trap, 0 SAs"

func TestLoad(t *testing.T) {
	w := newWorld(t)
	w.add(network("net"))
	ikev1 := network("old")
	ikev1.Versions = pluto.Versions{IKEv1: true}
	none := network("none")
	none.Versions = pluto.Versions{}
	group := network("group")
	group.Remote.Host = pluto.Host{Kind: pluto.HostGroup, Name: "%group"}
	for _, c := range []struct {
		conn *pluto.Connection
		code int
		says string
	}{
		{network("net"), pluto.RCDuplicateName, `redefine connection "net"`},
		{ikev1, pluto.RCNoPolicy, `connection "old" cannot be loaded: it allows only IKEv1`},
		{none, pluto.RCNoPolicy, "allows no version of IKE"},
		{group, pluto.RCNoPolicy, "policy groups"},
	} {
		err := w.table.Add(c.conn)
		if code(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Add(%s) = %v (%d), want %d %q", c.conn.Name, err, code(err), c.code, c.says)
		}
	}
	for what, err := range map[string]error{
		"delete": w.table.Delete("nobody"), "route": w.table.Route("nobody"), "unroute": w.table.Unroute("nobody"),
		"initiate": w.table.Initiate("nobody"), "terminate": w.table.Terminate("nobody"),
	} {
		if code(err) != pluto.RCUnknownName || err.Error() != `no connection named "nobody"` {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestOrientation(t *testing.T) {
	w := newWorld(t)
	w.add(network("left"), network("right").Reversed())
	both := network("both")
	both.Remote.Host.Addr = addr("198.51.100.1")
	neither := network("neither")
	neither.Local.Host.Addr = addr("203.0.113.1")
	w.add(both, neither)
	for _, name := range []string{"left", "right"} {
		if c := w.conn(name); c == nil || c.Local.Host.Addr != addr("192.0.2.1") {
			t.Errorf("%s is oriented as %v", name, c)
		}
	}
	for name, says := range map[string]string{"both": "are addresses of this host", "neither": "neither 203.0.113.1 nor 192.0.2.9"} {
		if err := w.table.Route(name); code(err) != pluto.RCOrient || !strings.Contains(err.Error(), says) {
			t.Errorf("route %s: %v", name, err)
		}
	}
	w.want("with neither oriented", "0 SAs")
	reports := len(w.reports)
	w.table.Listen(ours)
	if len(w.reports) != reports {
		t.Errorf("said again: %v", w.reports[reports:])
	}

	// It was asked for, and is routed when its address comes.
	w.table.Delete("left")
	w.table.Delete("right")
	w.table.Listen(append(slices.Clone(ours), Address{addr("203.0.113.1"), "ipsec2"}))
	w.want("with the address", trapped)
	if got := w.updown.did[len(w.updown.did)-1]; got != `route "neither" 10.2.0.0/16 ipsec2` {
		t.Errorf("updown was asked for %q", got)
	}
	// It stays trapped when the address goes.
	child := w.up(w.conn("neither"))
	w.table.Listen(ours)
	w.want("without the address", trapped)
	if w.table.bundles[child] != nil {
		t.Error("it still has SAs")
	}
	w.acquire2("neither", flowsOf(&pluto.Connection{Local: child.Conn.Local, Remote: child.Conn.Remote})[0])
	w.neg.Take()
	// And moves to another interface without a gap.
	w.table.Listen(append(slices.Clone(ours), Address{addr("203.0.113.1"), "ipsec3"}))
	if got := w.updown.did[len(w.updown.did)-1]; got != `unroute "neither" 10.2.0.0/16 ipsec2` {
		t.Errorf("updown was asked for %q last", got)
	}
}

func (w *world) acquire2(name string, f klips.Selector) {
	w.table.Event(klips.Acquire{Packet: f, Trap: f})
}

// TestStates goes through the routing states.
func TestStates(t *testing.T) {
	w := newWorld(t)
	w.add(network("net"))
	w.routing("loaded", "net", Unrouted)
	w.want("loaded", "0 SAs")
	if err := w.table.Route("net"); err != nil {
		t.Fatal(err)
	}
	w.routing("routed", "net", Prospective)
	w.want("routed", trapped)
	w.acquire("net")
	w.acquire("net")
	w.called("two packets", `initiate "net" for 10.1.0.1/32 -> 10.2.0.1/32`)
	w.routing("negotiated", "net", Held)
	first := w.up(w.conn("net"))
	w.routing("up", "net", Erouted)
	w.want("up", "10.2.0.0/16 tun, 4 SAs")
	if err := w.table.Unroute("net"); code(err) != pluto.RCRouteBusy {
		t.Errorf("unroute while it is up: %v", err)
	}
	second := w.child(w.conn("net"))
	second.Replaces = first
	if err := w.table.Install(second, false); err != nil {
		t.Fatal(err)
	}
	second.Replaces = nil // as soon as it is installed nobody needs it
	if owner := w.table.Status()[0].Owner; owner != first.Serial {
		t.Errorf("the eroute is #%d's before Use", owner)
	}
	w.want("rekeyed", "10.2.0.0/16 tun, 8 SAs")
	w.table.Remove(first, pluto.Replaced)
	if owner := w.table.Status()[0].Owner; owner != second.Serial {
		t.Errorf("the eroute is #%d's after the old SA has gone", owner)
	}
	w.want("after the old one", "10.2.0.0/16 tun, 4 SAs")
	if err := w.table.Terminate("net"); err != nil {
		t.Fatal(err)
	}
	w.want("down", trapped)
	w.routing("down", "net", Prospective)
	if err := w.table.Unroute("net"); err != nil {
		t.Fatal(err)
	}
	w.want("unrouted", "0 SAs")
	want := []string{"prepare", "route", "up", "down", "unroute"}
	var did []string
	for _, d := range w.updown.did {
		did = append(did, strings.Fields(d)[0])
	}
	if !slices.Equal(did, want) {
		t.Errorf("updown did %q, want %q", did, want)
	}
}

// TestSAs looks at what is set for a Child SA.
func TestSAs(t *testing.T) {
	w := newWorld(t)
	w.add(network("net"))
	c := w.child(w.conn("net"))
	c.Conn.ReplayWindow, c.ESN = 7, true
	cpi, err := w.table.ReserveSPI(said.COMP, c.Remote, c.Local)
	if err != nil {
		t.Fatal(err)
	}
	c.In.CPI, c.Out.CPI = uint16(cpi), 0x4242
	c.Encap = klips.Encap{SrcPort: 4500, DstPort: 61000}
	if err := w.table.Install(c, true); err != nil {
		t.Fatal(err)
	}
	s := w.table.Status()[0].Children[0]
	if len(s.In) != 3 || len(s.Out) != 3 {
		t.Fatalf("in %v, out %v", s.In, s.Out)
	}
	for i, proto := range []said.Proto{said.IPIP, said.COMP, said.ESP} {
		in, out := s.In[i], s.Out[i]
		if in.ID.Proto != proto || out.ID.Proto != proto || in.ID.Dst != c.Local || out.ID.Dst != c.Remote || in.Src != c.Remote {
			t.Errorf("SAs %d are %s and %s", i, in.ID, out.ID)
		}
		if in.Hard.AddTime != 8*time.Hour+lifeMargin || len(in.Group) != 3 || len(out.Group) != 3 {
			t.Errorf("%s lives %s, in group %v", in.ID, in.Hard.AddTime, in.Group)
		}
		if !mine(in) || !mine(out) {
			t.Errorf("%s and %s are not told from those of manual keying", in.ID, out.ID)
		}
	}
	esp := s.In[2]
	if esp.ID.SPI != c.In.SPI || esp.ReplayWindow != leastWindow || !esp.ESN || esp.Encap != (klips.Encap{SrcPort: 61000, DstPort: 4500}) {
		t.Errorf("inbound ESP is %+v", esp)
	}
	if s.Out[2].Encap != c.Encap || s.Out[2].ID.SPI != c.Out.SPI || s.Out[1].ID.SPI != 0x4242 {
		t.Errorf("outbound SAs are %+v", s.Out)
	}
	if in := s.In[0]; !slices.Equal(in.Inflow, []klips.Selector{reverse(c.Flows[0])}) || in.TunnelSrc != c.Remote {
		t.Errorf("inbound tunnel is %+v", in)
	}
	manual := klips.SA{ID: said.SAID{Dst: c.Remote, SPI: 0x200, Proto: said.ESP}, Hard: klips.Lifetime{AddTime: time.Hour}}
	forever := klips.SA{ID: said.SAID{Dst: c.Remote, SPI: 0x2000, Proto: said.ESP}}
	if mine(manual) || mine(forever) {
		t.Error("manual SAs are taken for ours")
	}

	// The mapping of its NAT changes, first the port alone.
	w.table.Event(klips.NewMapping{ID: esp.ID, New: netip.MustParseAddrPort("192.0.2.9:61001")})
	w.called("new mapping", "moved #1 192.0.2.9:61001")
	c.Encap.DstPort = 61001
	if err := w.table.Move(c); err != nil {
		t.Fatal(err)
	}
	s = w.table.Status()[0].Children[0]
	if s.Out[2].Encap.DstPort != 61001 || s.In[2].Encap.SrcPort != 61001 || s.Out[2].Hard.AddTime == 0 {
		t.Errorf("moved to %+v", s.Out[2])
	}
	c.Remote = addr("203.0.113.5")
	if err := w.table.Move(c); err != nil {
		t.Fatal(err)
	}
	w.pass(0)
	w.called("another address", "rekey #1")
}

func TestTransport(t *testing.T) {
	w := newWorld(t)
	host := network("host")
	host.Local.Clients, host.Remote.Clients, host.Mode = nil, nil, pluto.TransportMode
	host.Local.Proto, host.Local.Port, host.Remote.AnyPort, host.Remote.Port = 17, 1701, true, 9
	w.add(host)
	c := w.child(w.conn("host"))
	c.Mode = pluto.TransportMode
	if err := w.table.Install(c, true); err != nil {
		t.Fatal(err)
	}
	w.want("up", "192.0.2.9/32 esp, 2 SAs")
	for f := range w.eroutes() {
		if f.Proto != 17 || f.SrcPort != 1701 || f.DstPort != 0 {
			t.Errorf("the flow is %+v", f)
		}
	}
}

func TestShunts(t *testing.T) {
	for shunt, text := range map[pluto.Shunt]string{pluto.ShuntPass: "%pass", pluto.ShuntDrop: "%drop", pluto.ShuntReject: "%reject"} {
		w := newWorld(t)
		c := network("shunt")
		c.Shunt, c.Versions = shunt, pluto.Versions{}
		c.Remote = pluto.End{Host: pluto.Host{Kind: pluto.HostAny}}
		w.updown.after, w.kernel.after = func(string) {}, func(string) {}
		w.add(c)
		if err := w.table.Route("shunt"); err != nil {
			t.Fatal(err)
		}
		w.want("routed", "0.0.0.0/0 "+text+", 0 SAs")
		w.routing("routed", "shunt", Shunted)
		if err := w.table.Initiate("shunt"); code(err) != pluto.RCInitShunt {
			t.Errorf("initiate: %v", err)
		}
		if list := w.table.Offers(addr("192.0.2.1"), addr("203.0.113.9")); len(list) > 0 {
			t.Errorf("a peer is offered %v", list)
		}
		w.table.Delete("shunt")
		w.want("deleted", "0 SAs")
	}
}

func TestOverlap(t *testing.T) {
	w := newWorld(t)
	older, same, other, wide := network("older"), network("same"), network("other"), network("wide")
	other.Remote.Host.Addr = addr("192.0.2.10")
	wide.Remote.Host.Addr = addr("192.0.2.11")
	wide.Remote.Clients = []netip.Prefix{prefix("10.0.0.0/8")}
	w.add(older, same, other, wide)
	for _, name := range []string{"older", "same", "wide"} {
		if err := w.table.Route(name); err != nil {
			t.Errorf("route %s: %v", name, err)
		}
	}
	err := w.table.Route("other")
	if code(err) != pluto.RCClash || err.Error() != `cannot route "other": "older" has 10.1.0.0/16 -> 10.2.0.0/16 already, with another peer` {
		t.Errorf("route other: %v", err)
	}
	w.acquire("same")
	w.called("a packet of both", `initiate "older" for 10.1.0.1/32 -> 10.2.0.1/32`)
	refused := w.child(w.conn("other"))
	if err := w.table.Install(refused, true); err == nil || !strings.Contains(err.Error(), `"older" has`) {
		t.Errorf("install other: %v", err)
	}
	w.table.ReleaseSPI(said.ESP, refused.Local, refused.In.SPI)
	w.table.Unroute("older")
	w.want("without the older", "10.0.0.0/8 %trap, 10.2.0.0/16 %trap, 0 SAs")
	w.acquire("same")
	w.called("without the older", `terminate "older"`, `initiate "same" for 10.1.0.1/32 -> 10.2.0.1/32`)
}

func TestAlias(t *testing.T) {
	w := newWorld(t)
	a, b := network("net/1x1"), network("net/1x2")
	a.Alias, b.Alias = "net", "net"
	b.Remote.Clients = []netip.Prefix{prefix("10.9.0.0/16")}
	w.add(a, b)
	if err := w.table.Initiate("net"); err != nil {
		t.Fatal(err)
	}
	w.called("initiate by alias", `initiate "net/1x1"`, `initiate "net/1x2"`)
	if list := w.table.Matching("net"); len(list) != 2 {
		t.Errorf("net means %v", list)
	}
	if list := w.table.Siblings(w.conn("net/1x1")); len(list) != 1 || list[0] != w.conn("net/1x2") {
		t.Errorf("siblings %v", list)
	}
	if err := w.table.Delete("net"); err != nil || w.table.Delete("net") == nil {
		t.Errorf("delete by alias: %v", err)
	}
	w.want("deleted", "0 SAs")
}
