package compile

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"ipsec/plan"
)

// host is an index over the facts.
type host struct {
	links    map[string]*plan.Link
	holder   map[netip.Addr]*plan.Link // the link that has an address
	defaults []plan.Route              // the default routes
	routes   []plan.Route              // by destination: those within a network stand together
}

func newHost(facts plan.Facts) *host {
	h := &host{links: make(map[string]*plan.Link), holder: make(map[netip.Addr]*plan.Link)}
	for i := range facts.Links {
		link := &facts.Links[i]
		h.links[link.Name] = link
		for _, a := range link.Addrs {
			if first := h.holder[a.Prefix.Addr()]; first == nil || first.Loopback {
				h.holder[a.Prefix.Addr()] = link
			}
		}
	}
	for _, r := range facts.Routes {
		if !r.Dst.IsValid() {
			continue
		}
		h.routes = append(h.routes, r)
		if r.Dst.Bits() == 0 {
			h.defaults = append(h.defaults, r)
		}
	}
	slices.SortStableFunc(h.routes, func(a, b plan.Route) int {
		return cmp.Or(compareNets(a.Dst, b.Dst), cmp.Compare(a.Metric, b.Metric))
	})
	return h
}

// exit is where packets for everywhere leave: what %defaultroute stands for.
type exit struct {
	link    *plan.Link
	addr    netip.Addr // ours
	nexthop netip.Addr // the gateway; invalid on a link that needs none
}

// exit returns what %defaultroute stands for: the default route of the lowest
// metric, IPv4 before IPv6. The error says what was found instead of one; the
// link is there with it where it is only the link's address that is missing.
func (h *host) exit() (exit, error) {
	best := h.lowest(true)
	if best == nil {
		best = h.lowest(false)
	}
	switch len(best) {
	case 0:
		return exit{}, fmt.Errorf("expected one default route, found none")
	case 1:
	default:
		return exit{}, fmt.Errorf("expected one default route of the lowest metric, found %d: over %s and over %s", len(best), best[0].Link, best[1].Link)
	}
	route := best[0]
	link := h.links[route.Link]
	if link == nil {
		return exit{}, fmt.Errorf("the default route leads over %s, which is not among the links of this host", route.Link)
	}
	e := exit{link: link, addr: route.Src, nexthop: route.Gateway}
	if !e.addr.IsValid() {
		e.addr = firstAddr(link, route.Dst.Addr().Is4())
	}
	if !e.addr.IsValid() {
		return exit{link: link}, fmt.Errorf("the default route leads over %s, which has no address", route.Link)
	}
	return e, nil
}

// lowest returns the default routes of one family that share its lowest metric.
func (h *host) lowest(v4 bool) []plan.Route {
	var best []plan.Route
	for _, r := range h.defaults {
		if r.Dst.Addr().Is4() != v4 {
			continue
		}
		switch {
		case len(best) == 0 || r.Metric < best[0].Metric:
			best = []plan.Route{r}
		case r.Metric == best[0].Metric && !slices.Contains(best, r):
			best = append(best, r)
		}
	}
	return best
}

// firstAddr returns the first address of that family that l has, the primary one.
func firstAddr(l *plan.Link, v4 bool) netip.Addr {
	for _, a := range l.Addrs {
		if a.Prefix.Addr().Is4() == v4 {
			return a.Prefix.Addr()
		}
	}
	return netip.Addr{}
}

// single returns the prefix that holds addr alone: /32 or /128.
func single(addr netip.Addr) netip.Prefix { return netip.PrefixFrom(addr, addr.BitLen()) }

// within returns the routes to dst, those of the lowest metric first, and to
// networks inside of it.
func (h *host) within(dst netip.Prefix) []plan.Route {
	dst = dst.Masked()
	first, _ := slices.BinarySearchFunc(h.routes, dst, func(r plan.Route, p netip.Prefix) int { return compareNets(r.Dst, p) })
	list := h.routes[first:]
	for i, r := range list {
		if !dst.Contains(r.Dst.Addr()) {
			return list[:i]
		}
	}
	return list
}

// compareNets puts a network before those inside of it.
func compareNets(a, b netip.Prefix) int {
	return cmp.Or(a.Masked().Addr().Compare(b.Masked().Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// neighbours reports whether r leads straight to a network that this host is
// on: that of an address of the link, the peer of a point-to-point link, or
// the gateway of another route.
func (h *host) neighbours(r plan.Route) bool {
	link := h.links[r.Link]
	if r.Gateway.IsValid() || link == nil {
		return false
	}
	for _, a := range link.Addrs {
		if a.Prefix.Masked() == r.Dst || a.Peer.IsValid() && r.Dst.Contains(a.Peer) {
			return true
		}
	}
	return r.Dst.IsSingleIP() && slices.ContainsFunc(h.routes, func(other plan.Route) bool {
		return other.Link == r.Link && other.Gateway == r.Dst.Addr()
	})
}
