package rtnetlink

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"ipsec/golden/lab"
	"ipsec/klips"
	"ipsec/klips/route"
	"ipsec/klips/tun"
)

// TestHost has a kernel of its own read and changed.
func TestHost(t *testing.T) {
	lab.NeedRoot(t)
	lab.NeedTUN(t)
	lab.NeedProgram(t, "ip")
	m := lab.New(t, "routes")
	m.Sh(t, `ip tuntap add eth7 mode tap && ip link set eth7 up && ip addr add 192.0.2.1/24 dev eth7
		ip addr add 10.1.0.1 peer 10.8.0.1 dev eth7 && ip addr add 2001:db8:1::1/64 dev eth7 nodad && ip addr add fe80::7/64 dev eth7 nodad
		ip route add 10.7.0.0/16 via 192.0.2.254 metric 5 && ip route add default via 192.0.2.254
		ip route add 10.5.0.0/16 via inet6 2001:db8:1::9 dev eth7
		ip route add 10.6.0.0/16 nexthop via 192.0.2.2 dev eth7 nexthop via 192.0.2.3 dev eth7
		ip tuntap add ipsec7 mode tun && ip link set ipsec7 alias '`+tun.Alias+`' up && ip route add 10.99.0.0/16 dev ipsec7`)
	do := func(f func() error) {
		t.Helper()
		if err := m.Do(f); err != nil {
			t.Error(err)
		}
	}
	n := &Host{}
	do(func() error {
		v, err := Read()
		if err != nil {
			return err
		}
		found := map[string]route.Route{}
		for _, r := range v.Routes {
			found[r.Dst.String()] = r
		}
		if r := found["10.7.0.0/16"]; r.Link != "eth7" || r.Gateway.String() != "192.0.2.254" || r.Metric != 5 {
			t.Errorf("a route through a gateway is %+v", r)
		}
		if r := found["10.5.0.0/16"]; r.Gateway.String() != "2001:db8:1::9" {
			t.Errorf("a route through a gateway of the other family is %+v", r)
		}
		if _, ok := found["fe80::/64"]; ok {
			t.Error("there is a link-local route")
		}
		if _, ok := found["10.99.0.0/16"]; ok {
			t.Error("a route of ours is among those of others")
		}
		if found["0.0.0.0/0"].Link != "eth7" || found["10.6.0.0/16"].Link != "eth7" || found["2001:db8:1::/64"].Link != "eth7" {
			t.Errorf("routes are %v", v.Routes)
		}
		var addrs []string
		local := false
		for _, link := range v.Links {
			if link.Name == "ipsec7" {
				t.Error("a link of ours is among those of others")
			}
			for _, a := range link.Addrs {
				addrs = append(addrs, a.Prefix.String()+" "+a.Peer.String())
				local = local || a.IsLinkLocal()
			}
		}
		for _, want := range []string{"192.0.2.1/24 invalid Prefix", "10.1.0.1/32 10.8.0.1/32", "2001:db8:1::1/64 invalid Prefix"} {
			if !slices.Contains(addrs, want) {
				t.Errorf("%s is not among the addresses %q", want, addrs)
			}
		}
		if !local {
			t.Error("no link has a link-local address")
		}
		table, err := n.Look()
		if err != nil {
			return err
		}
		// Its own address is good for a source, and the peer is a neighbour.
		lead, err := table.Lead(route.Want{Flow: klips.Selector{Src: netip.MustParsePrefix("10.1.0.0/16"), Dst: netip.MustParsePrefix("10.8.0.0/16")}, Virtual: "ipsec7", Source: netip.MustParseAddr("192.0.2.1")})
		if err != nil || lead.NoSource || len(lead.Beside) != 1 {
			t.Errorf("%+v, %v", lead, err)
		}
		return nil
	})
	for _, c := range []struct{ route, shown string }{
		{"10.2.0.0/16", "10.2.0.0/16 scope link src 10.1.0.1 metric 3 mtu 1400"},
		{"2001:db8:2::/48", "2001:db8:2::/48 metric 3 mtu 1400"},
	} {
		r := route.Route{Dst: netip.MustParsePrefix(c.route), Link: "ipsec7", MTU: 1400, Metric: 3}
		if r.Dst.Addr().Is4() {
			r.Src = netip.MustParseAddr("10.1.0.1")
		}
		show := func() string { return m.Sh(t, "ip route show dev ipsec7; ip -6 route show dev ipsec7") }
		do(func() error { return n.Replace(r) })
		do(func() error { return n.Replace(r) })
		if got := strings.Join(strings.Fields(show()), " "); !strings.Contains(strings.ReplaceAll(got, " linkdown", ""), c.shown) {
			t.Errorf("the route is %q, want %q", got, c.shown)
		}
		do(func() error { return n.Delete(r) })
		if got := show(); strings.Contains(got, c.route) {
			t.Errorf("the route is still %q", got)
		}
		do(func() error {
			if err := n.Delete(r); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("deleting it again: %v", err)
			}
			r.Link = "ipsec99"
			if err := n.Delete(r); !errors.Is(err, syscall.ENODEV) {
				t.Errorf("of a link that is not there: %v", err)
			}
			return nil
		})
	}
	r := route.Route{Dst: netip.MustParsePrefix("10.2.0.0/16"), Link: "ipsec7"}
	do(func() error { return n.Replace(r) })
	m.Sh(t, "ip link del ipsec7; ip tuntap add ipsec7 mode tun; ip link set ipsec7 up")
	do(func() error { return n.Replace(r) })
	if got := m.Sh(t, "ip route show dev ipsec7"); !strings.Contains(got, "10.2.0.0/16") {
		t.Errorf("the routes over a link that is there again are %q", got)
	}
	m.Sh(t, "ip link del ipsec7; ip tuntap add ipsec7 mode tun; ip link set ipsec7 up; ip route add 10.2.0.0/16 dev ipsec7")
	do(func() error { return n.Delete(r) })
}
