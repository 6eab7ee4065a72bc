package compile

import (
	"net/netip"

	"ipsec/conf"
	"ipsec/plan"
)

// routesOf returns the routes of m that no conn before it has.
func (c *compiler) routesOf(m *manualConn) []plan.AddRoute {
	here := c.host
	if m.other {
		here = new(host) // nothing is known of the routes of the other end
	}
	var list []plan.AddRoute
	for _, remote := range m.them.clients() {
		if m.conn.Type == conf.Passthrough && here.routed(remote.Masked(), m.conn.Metric) {
			continue // its packets pass by the route that is there
		}
		for _, dst := range here.cover(remote.Masked(), m.conn.Metric) {
			r := plan.AddRoute{Dst: dst, Link: m.virtual, MTU: m.conn.MTU, Metric: m.conn.Metric}
			if src := m.us.end.SourceIP; src.IsValid() && src.Is4() == dst.Addr().Is4() && !m.foreignSource {
				r.Src = src
			}
			c.routed[r.Deletion()]++
			if c.routed[r.Deletion()] == 1 {
				list = append(list, r)
			}
		}
	}
	return list
}

// cover returns what to route for dst so that no route of the host's own is
// replaced or shades ours: dst itself, or its two halves where there is such
// a route. Everything is always routed by halves.
func (h *host) cover(dst netip.Prefix, metric int) []netip.Prefix {
	if dst.Bits() > 0 && !h.routed(dst, metric) {
		return []netip.Prefix{dst}
	}
	low, high, ok := halves(dst)
	if !ok {
		return []netip.Prefix{dst}
	}
	return append(h.cover(low, metric), h.cover(high, metric)...)
}

// routed reports whether the host has a route to dst that is at least as good
// as one of metric.
func (h *host) routed(dst netip.Prefix, metric int) bool {
	within := h.within(dst)
	return len(within) > 0 && within[0].Dst == dst && within[0].Metric <= metricOf(dst, metric)
}

// metricOf returns the metric that a route to dst has when metric is asked
// for: the kernel takes 0 for 1024 in IPv6.
func metricOf(dst netip.Prefix, metric int) int {
	if dst.Addr().Is6() && metric == 0 {
		return 1024
	}
	return metric
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
