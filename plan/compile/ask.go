package compile

import (
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

// Unspoken says why Pluto speaks no version of IKE that conn allows, so that a start
// does not load it; nil where it does.
func Unspoken(conn *conf.Conn) error {
	if isShunt(conn) {
		return nil
	}
	return versions(conn).Unspoken()
}
