package compile

import (
	"fmt"
	"net/netip"
	"slices"

	"ipsec/klips/route"
	"ipsec/plan"
)

// host is an index over the facts.
type host struct {
	links    map[string]*plan.Link
	holder   map[netip.Addr]*plan.Link // the link that has an address
	defaults []plan.Route              // the default routes
	table    *route.Table
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
		if r.Dst.IsValid() && r.Dst.Bits() == 0 {
			h.defaults = append(h.defaults, r)
		}
	}
	h.table = tableOf(facts)
	return h
}

// tableOf returns the routes of the host as package route has them.
func tableOf(facts plan.Facts) *route.Table {
	var h route.Host
	for _, r := range facts.Routes {
		if r.Dst.IsValid() {
			h.Routes = append(h.Routes, route.Route{Dst: r.Dst, Link: r.Link, Gateway: r.Gateway, Src: r.Src, Metric: r.Metric})
		}
	}
	peers := make(map[string][]plan.Addr)
	for _, link := range facts.Links {
		for _, a := range link.Addrs {
			h.Addrs = append(h.Addrs, a.Prefix.Addr())
			h.Nets = append(h.Nets, route.Net{Prefix: a.Prefix, Link: link.Name})
			if a.Peer.IsValid() {
				h.Nets = append(h.Nets, route.Net{Prefix: single(a.Peer), Link: link.Name})
				peers[link.Name] = append(peers[link.Name], a)
			}
		}
	}
	for _, r := range h.Routes {
		for _, a := range peers[r.Link] {
			if isPeerNet(r, a) {
				h.Nets = append(h.Nets, route.Net{Prefix: r.Dst, Link: r.Link})
			}
		}
	}
	return route.NewTable(h)
}

// isPeerNet reports whether r is the route that the kernel made to the network
// of a's peer, whose length facts do not have: of IPv4 its source is our
// address, of IPv6 it has a metric that no other route gets by itself.
func isPeerNet(r route.Route, a plan.Addr) bool {
	const kernelMetric = 256
	return !r.Gateway.IsValid() && r.Dst.Contains(a.Peer) && (r.Src == a.Prefix.Addr() || a.Peer.Is6() && r.Metric == kernelMetric)
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
