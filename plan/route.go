package plan

import (
	"net/netip"

	"ipsec/conf"
)

// routeKey is what tells one route from another.
type routeKey struct {
	dst    netip.Prefix
	link   string
	metric int
}

func (r AddRoute) key() routeKey { return routeKey{r.Dst, r.Link, r.Metric} }

func (r DelRoute) key() routeKey { return routeKey{r.Dst, r.Link, r.Metric} }

// routesOf returns the routes of m that no conn before it has.
func (c *compiler) routesOf(m *manualConn) ([]AddRoute, *conf.Diagnostic) {
	here := c.host
	if m.other {
		here = new(host) // nothing is known of the routes of the other end
	}
	var list []AddRoute
	for _, remote := range m.them.clients() {
		dsts, ok := here.cover(remote.Masked(), m.conn.Metric)
		if !ok {
			return nil, remark(m.them.at(m.conn, "subnet"), "there is a route to %s already, which stop could not bring back", remote)
		}
		for _, dst := range dsts {
			r := AddRoute{Dst: dst, Link: m.virtual, MTU: m.conn.MTU, Metric: m.conn.Metric}
			if src := m.us.end.SourceIP; src.IsValid() && src.Is4() == dst.Addr().Is4() && !m.foreignSource {
				r.Src = src
			}
			c.routed[r.key()]++
			if c.routed[r.key()] == 1 {
				list = append(list, r)
			}
		}
	}
	return list, nil
}

// cover returns what to route for dst so that no route of the host's own is
// replaced or shades ours: dst itself, or its two halves where there is such
// a route. Everything is always routed by halves. It is not ok where dst is a
// single address that has a route.
func (h *host) cover(dst netip.Prefix, metric int) (list []netip.Prefix, ok bool) {
	if dst.Bits() > 0 && !h.routed(dst, metric) {
		return []netip.Prefix{dst}, true
	}
	low, high, ok := halves(dst)
	if !ok {
		return nil, false
	}
	for _, half := range []netip.Prefix{low, high} {
		part, ok := h.cover(half, metric)
		if !ok {
			return nil, false
		}
		list = append(list, part...)
	}
	return list, true
}

// routed reports whether the host has a route to dst that is at least as good
// as one of metric. A metric of 0 is 1024 in IPv6.
func (h *host) routed(dst netip.Prefix, metric int) bool {
	best, ok := h.metrics[dst]
	if dst.Addr().Is6() && metric == 0 {
		metric = 1024
	}
	return ok && best <= metric
}

// halves splits a prefix; not ok for a single address.
func halves(p netip.Prefix) (low, high netip.Prefix, ok bool) {
	bits := p.Bits()
	if bits == p.Addr().BitLen() {
		return p, p, false
	}
	b := p.Masked().Addr().AsSlice()
	b[bits/8] |= 0x80 >> (bits % 8)
	upper, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(p.Masked().Addr(), bits+1), netip.PrefixFrom(upper, bits+1), true
}
