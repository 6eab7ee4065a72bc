package compile

import (
	"net/netip"
	"slices"
	"strconv"

	"ipsec/conf"
	"ipsec/plan"
)

// bypass finds the routes of the host that are better than those of m, so that
// packets of m would leave in the clear by them. It notes the first in m.leak.
//
// Networks that this host itself is on are on its side of a conn, and not the
// peer's: those that are not among the conn's own are noted in m.beside. Of
// what a conn of passes lets through in the clear, nothing is said. A conn
// with an updown command has its routes made by that command, which may know
// better.
func (h *host) bypass(m *manualConn, passes []*manualConn) {
	if m.bad != nil || m.other || len(m.hooks) > 0 || m.conn.Type == conf.Passthrough {
		return
	}
	for _, remote := range m.them.clients() {
		for _, dst := range h.cover(remote.Masked(), m.conn.Metric) {
			for _, r := range h.within(dst) {
				same := r.Dst == dst
				switch {
				case same && r.Metric > metricOf(dst, m.conn.Metric):
				case m.passed(r.Dst, passes):
				case !same && slices.ContainsFunc(m.us.end.Subnets, func(own netip.Prefix) bool { return covers(own, r.Dst) }):
				case !same && h.neighbours(r):
					m.beside = append(m.beside, r)
				case m.leak == nil:
					or := ", or have a conn of type=passthrough say that they may"
					if r.Dst == remote.Masked() {
						or = "" // no conn could be told from this one
					}
					m.leak = remark(m.toward(), "there is a route to %s over %s already, by which packets that the conn protects would leave in the clear: "+
						"take it away, %q%s", r.Dst, r.Link, deletion(r), or)
				}
			}
		}
	}
}

// passed reports whether passes let all packets of m to dst through: KLIPS
// looks for the longest source first, and then for the longest destination.
func (m *manualConn) passed(dst netip.Prefix, passes []*manualConn) bool {
	return !slices.ContainsFunc(m.flows, func(f plan.Flow) bool {
		if !f.Dst.Overlaps(dst) {
			return false
		}
		return !slices.ContainsFunc(passes, func(p *manualConn) bool {
			return slices.ContainsFunc(p.flows, func(pass plan.Flow) bool {
				return pass.Src == f.Src && pass.Proto == 0 && covers(f.Dst, pass.Dst) && pass.Dst != f.Dst && covers(pass.Dst, dst)
			})
		})
	})
}

// lettingPass returns those of list that let packets pass.
func lettingPass(list []*manualConn) []*manualConn {
	var passes []*manualConn
	for _, m := range list {
		if m.bad == nil && m.conn.Type == conf.Passthrough {
			passes = append(passes, m)
		}
	}
	return passes
}

// covers reports whether all of inner is in outer.
func covers(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// deletion returns the command that takes r away.
func deletion(r plan.Route) string {
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

// toward returns where the destination of m stands.
func (m *manualConn) toward() conf.Pos {
	if len(m.them.end.Subnets) == 0 {
		return m.them.at(m.conn, "")
	}
	return m.them.at(m.conn, "subnet")
}
