package compile

import (
	"net/netip"
	"slices"

	"ipsec/conf"
	"ipsec/plan"
)

// This file answers who asks what a start would do without wanting its plan:
// also where there is none, because something else is in the way of it.

// Parts returns the daemons that a start with this configuration runs.
func Parts(cfg *conf.Config) []plan.Part {
	c := newCompiler(plan.Start, cfg, plan.Facts{}, conf.Paths{})
	var parts []plan.Part
	if c.klips() {
		parts = append(parts, plan.Klips)
	}
	if c.setup.Pluto {
		parts = append(parts, plan.Pluto)
	}
	return parts
}

// Physical returns the names of the physical links that interfaces= stands for
// on the host of the facts, sorted, each once: without a data plane there are
// none. A link may be one that the host does not have, that is down or that has
// no address, and %defaultroute adds none where it leads to no link: Setup then
// says why.
func Physical(cfg *conf.Config, facts plan.Facts) []string {
	c := newCompiler(plan.Start, cfg, facts, conf.Paths{})
	if !c.klips() {
		return nil
	}
	var links []string
	for _, e := range c.setup.Interfaces {
		if a, _ := c.named(e); a.physical != "" {
			links = append(links, a.physical)
		}
	}
	slices.Sort(links)
	return slices.Compact(links)
}

// Loaded returns the conns that a start hands to Pluto, where it runs one.
func Loaded(cfg *conf.Config) []*conf.Conn {
	var list []*conf.Conn
	for _, conn := range cfg.Conns {
		if isAutomatic(conn) {
			list = append(list, conn)
		}
	}
	return list
}

// Refused returns why conns are not loaded, or not brought up, that a start would have otherwise, for
// what stands in them, each at its line.
func Refused(cfg *conf.Config, facts plan.Facts) []conf.Diagnostic {
	c := newCompiler(plan.Start, cfg, facts, conf.Paths{})
	var list []conf.Diagnostic
	refuse := func(conn *conf.Conn, what string, bad *conf.Diagnostic) {
		if bad != nil {
			list = append(list, conf.Diagnostic{Pos: posOr(bad.Pos, conn.Pos), Text: "conn " + conn.Name + " is not " + what + ": " + bad.Text})
		}
	}
	for _, conn := range cfg.Conns {
		if conn.Auto == conf.AutoManual || slices.Contains(cfg.Setup.ManualStart, conn.Name) {
			refuse(conn, "brought up", c.unmet(conn, false))
		}
		// Of an end that is missing the configuration's own warnings tell.
		if isAutomatic(conn) && cfg.Setup.Pluto && len(conn.Missing()) == 0 {
			_, bad := c.instances(conn)
			refuse(conn, "loaded", bad)
		}
	}
	return list
}

// Taken returns the conn by whose route packets to addr are led into KLIPS by a start, and that route: "" where they
// leave by a narrower route of the host, none is for them, or a conn of type=passthrough lets them pass.
func (p *Promise) Taken(addr netip.Addr) (name string, dst netip.Prefix) {
	narrower := func(net netip.Prefix) bool { return net.Contains(addr) && (!dst.IsValid() || net.Bits() > dst.Bits()) }
	for _, m := range p.resolved.manual {
		for _, r := range m.routes {
			if narrower(r.Dst) {
				name, dst = m.conn.Name, r.Dst
			}
		}
	}
	for _, l := range p.resolved.negotiated.leads {
		for _, r := range l.Routes {
			if narrower(r.Dst) {
				name, dst = l.Conn, r.Dst
			}
		}
	}
	if p.resolved.passes(addr) {
		return "", netip.Prefix{}
	}
	if name == "" || slices.ContainsFunc(p.resolved.facts.Routes, func(r plan.Route) bool { return narrower(r.Dst) }) {
		return "", netip.Prefix{}
	}
	return name, dst
}

// passes reports whether a conn of type=passthrough that is in force is for packets to addr.
func (c *compiler) passes(addr netip.Addr) bool {
	return slices.ContainsFunc(c.cfg.Conns, func(conn *conf.Conn) bool {
		if conn.Type != conf.Passthrough || conn.Auto == conf.AutoIgnore || conn.Auto == conf.AutoAdd {
			return false
		}
		them := conn.End(c.ours(conn).Other())
		return them.Host.Addr == addr && len(them.Subnets) == 0 ||
			slices.ContainsFunc(them.Subnets, func(net netip.Prefix) bool { return net.Contains(addr) })
	})
}
