package drift

import (
	"net"
	"net/netip"
	"slices"
	"testing"

	"ipsec/conf/info"
	"ipsec/klips/route"
	"ipsec/klips/route/rtnetlink"
)

// notes are those of a start on two networks, of each family.
func notes() []string {
	return []string{
		"config=/etc/ipsec.conf", "klips=started", "interface=ipsec0 wan", "address=ipsec0 192.0.2.1/32", "address=ipsec0 2001:db8::1/128",
		"/proc/sys/net/ipv4/ip_forward=0", "route=ipsec0 10.0.2.0/24", "route=ipsec0 10.0.9.9/32 5", "route=ipsec0 2001:db8:2::/64",
		"route=ipsec0 10.0.3.0/24", "unroute=ipsec0 10.0.3.0/24",
	}
}

// network is what that start leaves.
func network() rtnetlink.Network {
	p := netip.MustParsePrefix
	return rtnetlink.Network{
		Links: []rtnetlink.Link{
			{Name: "ipsec0", Flags: net.FlagUp, Addrs: []rtnetlink.Addr{{Prefix: p("192.0.2.1/32")}, {Prefix: p("2001:db8::1/128")}}},
			{Name: "wan", Flags: net.FlagUp},
		},
		Routes: []route.Route{
			{Dst: p("10.0.2.0/24"), Link: "ipsec0"}, {Dst: p("10.0.9.9/32"), Link: "ipsec0", Metric: 5},
			{Dst: p("2001:db8:2::/64"), Link: "ipsec0", Metric: 1024}, {Dst: p("10.0.3.0/24"), Link: "wan"},
		},
	}
}

func TestFind(t *testing.T) {
	link := func(n *rtnetlink.Network, name string) *rtnetlink.Link {
		return &n.Links[slices.IndexFunc(n.Links, func(l rtnetlink.Link) bool { return l.Name == name })]
	}
	for _, c := range []struct {
		name   string
		change func(*rtnetlink.Network)
		want   []string
	}{
		{"as it was left", func(*rtnetlink.Network) {}, nil},
		{"ip link del ipsec0", func(n *rtnetlink.Network) { n.Links, n.Routes = n.Links[1:], n.Routes[3:] }, []string{"the interface ipsec0 is gone"}},
		{"ip link set ipsec0 down", func(n *rtnetlink.Network) { link(n, "ipsec0").Flags = 0; n.Routes = n.Routes[3:] },
			[]string{"the interface ipsec0 is down", "the route to 10.0.2.0/24 over ipsec0 is gone", "the route to 10.0.9.9 over ipsec0 is gone", "the route to 2001:db8:2::/64 over ipsec0 is gone"}},
		{"ip addr flush dev ipsec0", func(n *rtnetlink.Network) { link(n, "ipsec0").Addrs = nil },
			[]string{"the address 192.0.2.1 of ipsec0 is gone", "the address 2001:db8::1 of ipsec0 is gone"}},
		{"ip link set wan down", func(n *rtnetlink.Network) { link(n, "wan").Flags = 0 }, []string{"the interface wan is down, which ipsec0 is on"}},
		{"ip link del wan", func(n *rtnetlink.Network) { n.Links = n.Links[:1] }, []string{"the interface wan is gone, which ipsec0 is on"}},
		{"a route to another link", func(n *rtnetlink.Network) { n.Routes[0].Link = "wan" }, []string{"the route to 10.0.2.0/24 over ipsec0 is gone"}},
		{"a route of another metric", func(n *rtnetlink.Network) { n.Routes[1].Metric = 6 }, []string{"the route to 10.0.9.9 over ipsec0 is gone"}},
	} {
		there := network()
		c.change(&there)
		if got := Find(info.StandingOf(notes()).Lines(), there, func(netip.Prefix) bool { return false }); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, expected %q", c.name, got, c.want)
		}
	}
}

// TestFindOfPluto: a route that Pluto has noted is missing while its connection is routed, and not
// afterwards.
func TestFindOfPluto(t *testing.T) {
	lines := append(notes(), "pluto=started", "route=ipsec0 10.8.0.0/24")
	for routed, want := range map[bool][]string{true: {"the route to 10.8.0.0/24 over ipsec0 is gone"}, false: nil} {
		got := Find(info.StandingOf(lines).Lines(), network(), func(dst netip.Prefix) bool { return routed && dst.String() == "10.8.0.0/24" })
		if !slices.Equal(got, want) {
			t.Errorf("routed %v: %q, expected %q", routed, got, want)
		}
	}
}
