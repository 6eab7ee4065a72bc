package compile

import (
	"net/netip"
	"slices"

	"ipsec/conf"
	"ipsec/klips"
	"ipsec/klips/route"
	"ipsec/plan"
)

// lead finds the routes that lead the packets of list into KLIPS, of each conn those
// that none before it has. A conn whose packets would leave in the clear by a
// route of the host has a leak, unless passes let them; one whose network another interface
// has already is bad, if it is to be routed. One with an updown command has its routes made by that command,
// which may know better.
func (c *resolver) lead(list []*manualConn, passes []klips.Selector, toRoute bool) {
	for _, m := range list {
		if m.bad != nil || len(m.hooks) > 0 {
			continue
		}
		routes := c.leadOne(m, passes)
		if m.taken != nil && toRoute {
			m.bad = m.taken
			continue
		}
		for _, r := range routes {
			if m.leak == nil {
				c.ways.Add(m.user(), route.Route{Dst: r.Dst, Link: r.Link})
			}
			if c.routed[r.Deletion()]++; c.routed[r.Deletion()] == 1 {
				m.routes = append(m.routes, r)
			}
		}
	}
}

// user returns m as one who has routes.
func (m *manualConn) user() route.User { return route.User{Conn: m.conn.Name, Host: m.us.addr} }

// leadOne returns the routes of one conn, and notes its leak, who has its network already, and what is beside it.
func (c *resolver) leadOne(m *manualConn, passes []klips.Selector) []plan.AddRoute {
	table := c.host.table
	if m.other {
		table = new(route.Table) // nothing is known of the routes of the other end
	}
	var list []plan.AddRoute
	for _, f := range m.flows {
		lead, err := table.Lead(route.Want{
			Flow: klips.Selector(f), Virtual: m.virtual, MTU: m.conn.MTU, Metric: m.conn.Metric, Source: m.us.end.SourceIP,
			Pass: m.conn.Type == conf.Passthrough, Own: m.us.clients(), Passes: passes,
		})
		taken := c.ways.Refuse(m.user(), lead.Routes)
		switch { // what Pluto would say, who does one flow after the other
		case m.leak != nil || m.taken != nil:
		case err != nil:
			m.leak = remark(m.toward(), "%s", err)
		case taken != nil:
			m.taken = remark(m.toward(), "%s", taken)
		}
		for _, r := range lead.Routes {
			op := plan.AddRoute{Dst: r.Dst, Link: r.Link, Src: r.Src, MTU: r.MTU, Metric: r.Metric}
			if !slices.Contains(list, op) {
				list = append(list, op)
			}
		}
		for _, r := range lead.Beside {
			if !slices.Contains(m.beside, r) {
				m.beside = append(m.beside, r)
			}
		}
	}
	return list
}

// passesOf returns the flows of those of list that let packets pass.
func passesOf(list []*manualConn) []klips.Selector {
	var passes []klips.Selector
	for _, m := range list {
		if m.bad == nil && m.conn.Type == conf.Passthrough {
			for _, f := range m.flows {
				passes = append(passes, klips.Selector(f))
			}
		}
	}
	return passes
}

// toward returns where the destination of m stands.
func (m *manualConn) toward() conf.Pos {
	if len(m.them.end.Subnets) == 0 {
		return m.them.at(m.conn, "")
	}
	return m.them.at(m.conn, "subnet")
}

// single returns the prefix that holds addr alone: /32 or /128.
func single(addr netip.Addr) netip.Prefix { return netip.PrefixFrom(addr, addr.BitLen()) }
