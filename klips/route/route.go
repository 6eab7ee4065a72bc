// Package route is the rule by which packets enter KLIPS: a network that is to
// be protected is routed into an interface of KLIPS, no route of the host is
// replaced for that, and none leads past it. Manual keying asks when a start is
// planned, Pluto when a connection is routed. The package does no I/O; its
// subpackage rtnetlink reads and sets the routes of a host.
package route

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
)

// Route is a route of the main table, or one that is to be set there. Gateway
// and Src may be invalid, and MTU and Metric 0: none given.
type Route struct {
	Dst     netip.Prefix
	Link    string
	Gateway netip.Addr
	Src     netip.Addr
	MTU     int // in bytes
	Metric  int
}

// Deletion returns the command that takes r away.
func (r Route) Deletion() string {
	s := "ip route del " + r.Dst.String()
	if r.Gateway.IsValid() {
		s += " via " + r.Gateway.String()
	}
	s += " dev " + r.Link
	if r.Metric != 0 {
		s += " metric " + strconv.Itoa(r.Metric)
	}
	return s
}

// Net is a network that the host is on by a link: that of an address, or that
// of the peer of a point-to-point link.
type Net struct {
	Prefix netip.Prefix
	Link   string
}

// Host is what is known of a host, without the links of KLIPS.
type Host struct {
	Routes []Route      // unicast, of the main table, one for each next hop
	Addrs  []netip.Addr // without IPv6 link-local ones
	Nets   []Net
}

// Table answers questions about the routes of a host. It does not change. The
// zero Table is of a host of which nothing is known: it has no routes in the way, and any
// address may be its own.
type Table struct {
	routes   []Route             // by destination, those within a network after it, then by metric
	addrs    map[netip.Addr]bool // nil: not known
	nets     []Net
	on       map[Net]bool
	gateways map[gateway]bool
}

type gateway struct {
	addr netip.Addr
	link string
}

// NewTable returns the Table of h, which it does not keep.
func NewTable(h Host) *Table {
	t := &Table{
		routes:   slices.Clone(h.Routes),
		addrs:    make(map[netip.Addr]bool, len(h.Addrs)),
		nets:     slices.Clone(h.Nets),
		on:       make(map[Net]bool, len(h.Nets)),
		gateways: make(map[gateway]bool),
	}
	for i, r := range t.routes {
		t.routes[i].Dst = r.Dst.Masked()
		if r.Gateway.IsValid() {
			t.gateways[gateway{r.Gateway, r.Link}] = true
		}
	}
	slices.SortStableFunc(t.routes, func(a, b Route) int {
		return cmp.Or(compareNets(a.Dst, b.Dst), cmp.Compare(a.Metric, b.Metric))
	})
	for _, a := range h.Addrs {
		t.addrs[a] = true
	}
	for i, n := range t.nets {
		n.Prefix = n.Prefix.Masked()
		t.nets[i], t.on[n] = n, true
	}
	return t
}

// within returns the routes to dst, those of the lowest metric first, and to
// networks inside of it.
func (t *Table) within(dst netip.Prefix) []Route {
	first, _ := slices.BinarySearchFunc(t.routes, dst, func(r Route, p netip.Prefix) int { return compareNets(r.Dst, p) })
	list := t.routes[first:]
	for i, r := range list {
		if !dst.Contains(r.Dst.Addr()) {
			return list[:i]
		}
	}
	return list
}

// to returns the best route whose destination is dst.
func (t *Table) to(dst netip.Prefix) (Route, bool) {
	within := t.within(dst)
	if len(within) == 0 || within[0].Dst != dst {
		return Route{}, false
	}
	return within[0], true
}

// routed reports whether the host has a route to dst that is at least as good
// as one of metric.
func (t *Table) routed(dst netip.Prefix, metric int) bool {
	r, ok := t.to(dst)
	return ok && r.Metric <= metricOf(dst, metric)
}

// neighbours reports whether r leads straight to a network that the host is on,
// or to the gateway of another route.
func (t *Table) neighbours(r Route) bool {
	if r.Gateway.IsValid() {
		return false
	}
	return t.on[Net{r.Dst, r.Link}] || r.Dst.IsSingleIP() && t.gateways[gateway{r.Dst.Addr(), r.Link}]
}

// attached reports whether all of dst is in a network that the host is on, as
// its routes have it.
func (t *Table) attached(dst netip.Prefix) bool {
	for bits := dst.Bits(); bits > 0; bits-- {
		outer, _ := dst.Addr().Prefix(bits)
		if r, ok := t.to(outer); ok {
			return t.neighbours(r)
		}
	}
	return false
}

// metricOf returns the metric that a route to dst has when metric is asked
// for: the kernel takes 0 for 1024 in IPv6.
func metricOf(dst netip.Prefix, metric int) int {
	if dst.Addr().Is6() && metric == 0 {
		return 1024
	}
	return metric
}

// Covers reports whether all of inner is in outer.
func Covers(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// compareNets puts a network before those inside of it.
func compareNets(a, b netip.Prefix) int {
	return cmp.Or(a.Masked().Addr().Compare(b.Masked().Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// halves splits a network of more than one address, without host bits.
func halves(net netip.Prefix) (low, high netip.Prefix) {
	b := net.Addr().AsSlice()
	b[net.Bits()/8] |= 0x80 >> (net.Bits() % 8)
	upper, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(net.Addr(), net.Bits()+1), netip.PrefixFrom(upper, net.Bits()+1)
}
