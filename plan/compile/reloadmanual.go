package compile

import (
	"slices"
	"strings"

	"ipsec/conf/info"
	"ipsec/plan"
	"ipsec/plan/change"
)

// manualGone returns the steps that take away what no manual conn has any more: hooks go down first, then eroutes.
func (l *reloader) manualGone() []plan.Node {
	reason := "noted in " + l.paths.Info() + ", and no longer wanted"
	var nodes []plan.Node
	for _, h := range l.staleHooks(isAutomatic) {
		nodes = append(nodes, warn(updown(h, "down"), reason, "the updown command of conn "+h.Conn+" failed to go down"))
	}
	for _, c := range l.changes {
		if _, ok := c.Have.Op.(plan.DelEroute); ok && c.Mark == change.Remove {
			nodes = append(nodes, warn(c.Have.Op, l.unwantedReason(c.Have.Object), "failed to take "+c.Have.Object+" away"))
		}
	}
	return nodes
}

// manualNew returns the steps that bring up what is new or has changed of manual conns: their routes first, then
// what carries their packets. Packets of a conn whose SAs change drop between.
func (l *reloader) manualNew() []plan.Node {
	var routes, up []plan.Node
	marked := false
	for _, m := range l.manual {
		if m.bad != nil {
			up = append(up, say(because(m.reason, m.bad.Pos), m.name+" is not brought up: "+m.bad.Text))
			continue
		}
		fresh := m.hooks
		m.hooks = slices.DeleteFunc(slices.Clone(m.hooks), func(h info.Hook) bool { return l.standing.Has(h) })
		if len(m.hooks) > 0 && !marked {
			marked = true
			routes = append(routes, must(plan.Touch{Path: l.marker()}, m.reason, "failed to note in "+l.paths.Run+" what stop needs"))
		}
		routes = append(routes, l.routesOf(m)...)
		up = append(up, l.carry(m)...)
		m.hooks = fresh
	}
	return append(routes, up...)
}

// routesOf returns the steps for those routes of m that are missing, and for its new hooks.
func (l *reloader) routesOf(m *manualConn) []plan.Node {
	part := *m
	part.routes = slices.DeleteFunc(slices.Clone(m.routes), func(r plan.AddRoute) bool { return !l.differs(change.RouteOf(r)) && !l.mayGo(r.Dst) })
	return l.route(&part)
}

// carry returns the steps for the SAs and eroutes of m: all of them where an SA has changed, else the eroutes that
// are missing.
func (l *reloader) carry(m *manualConn) []plan.Node {
	failed := m.name + " is not up"
	var nodes []plan.Node
	if l.rebuilt(m) {
		for _, b := range []bundle{m.out, m.in} {
			for _, id := range b.ids {
				if l.has("SA " + id.String()) {
					nodes = append(nodes, warn(plan.DelSA{SAID: id}, m.reason, failed))
				}
			}
		}
		nodes = append(nodes, m.warnings()...)
		return append(nodes, m.up()...)
	}
	for _, f := range m.flows {
		if l.differs(change.ErouteOf(f, m.target())) {
			nodes = append(nodes, warn(plan.AddEroute{Flow: f, SAID: m.target()}, m.reason, failed))
		}
	}
	for _, h := range m.hooks {
		nodes = append(nodes, warn(updown(h, "up"), m.reason, failed))
	}
	return nodes
}

// rebuilt reports whether the SAs of m are not as they are wanted.
func (l *reloader) rebuilt(m *manualConn) bool {
	ids := slices.Concat(m.out.ids, m.in.ids)
	for _, c := range l.changes {
		item := c.Item()
		if item.Kind != change.DataPlane || strings.HasPrefix(item.Object, "eroute ") {
			continue
		}
		for _, id := range ids {
			if strings.HasSuffix(item.Object, " "+id.String()) {
				return true
			}
		}
	}
	return false
}

func (l *reloader) has(object string) bool {
	return slices.ContainsFunc(l.there, func(i change.Item) bool { return i.Object == object })
}

// leftOvers returns the steps that take away the SAs, routes and addresses that nothing wants any more.
func (l *reloader) leftOvers() []plan.Node {
	reason := "noted in " + l.paths.Info() + ", and no longer wanted"
	var nodes []plan.Node
	listen := false // on fewer addresses
	for _, c := range l.changes {
		if c.Mark != change.Remove {
			continue
		}
		switch op := c.Have.Op.(type) {
		case plan.DelSA:
			nodes = append(nodes, warn(op, l.unwantedReason(c.Have.Object), "failed to take "+c.Have.Object+" away"))
		case plan.DelRoute:
			nodes = append(nodes, ignored(op, reason), l.note(info.Unroute(info.Route(op)), reason))
		case plan.DelAddr:
			nodes = append(nodes, ignored(op, reason))
		case plan.Detach:
			nodes = append(nodes, warn(op, reason, "failed to take "+op.Virtual+" away"))
			listen = l.setup.Pluto
		}
	}
	if listen {
		nodes = append(nodes, warn(plan.Listen{}, reason, "Pluto does not listen"))
	}
	stale := l.staleHooks(isAutomatic)
	for _, h := range stale {
		nodes = append(nodes, l.note(info.Unhook(h), reason), unroute(h, reason))
	}
	if len(stale) > 0 && !slices.ContainsFunc(l.manual, func(m *manualConn) bool { return len(m.hooks) > 0 }) {
		nodes = append(nodes, ignored(plan.Remove{Paths: []string{l.marker()}}, "no updown command is to run any more"))
	}
	return nodes
}
