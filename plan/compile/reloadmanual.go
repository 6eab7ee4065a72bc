package compile

import (
	"net/netip"
	"slices"
	"strings"

	"ipsec/conf/info"
	"ipsec/plan"
	"ipsec/plan/change"
)

// goneHooks returns the hooks of before that no manual conn of now has. What a connection of Pluto has hooks for, Pluto
// undoes.
func (l *reloader) goneHooks() []info.Hook {
	now := make(map[string]bool)
	for _, m := range l.manual {
		for _, h := range m.hooks {
			now[h.String()] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(l.noted.hooks), func(h info.Hook) bool { return now[h.String()] || l.ofPluto(h) })
}

// ofPluto reports whether Pluto has run the command of a hook.
func (l *reloader) ofPluto(h info.Hook) bool { return l.has("conn " + h.Conn) }

// manualGone returns the steps that take away what no manual conn has any more: hooks go down first, then eroutes. A
// hook takes its route back before there is any route of now, which it might take away with its own.
func (l *reloader) manualGone() []plan.Node {
	reason := "noted in " + l.paths.Info() + stale
	var nodes []plan.Node
	for _, h := range l.hooks {
		nodes = append(nodes, warn(updown(h, "down"), reason, "the updown command of conn "+h.Conn+" failed to go down"))
	}
	for _, h := range l.hooks {
		nodes = append(nodes, l.note(info.Unhook(h), reason), unroute(h, reason))
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
		m.hooks = slices.DeleteFunc(slices.Clone(m.hooks), func(h info.Hook) bool { return l.standing.Has(h) && !l.ofPluto(h) })
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

func (l *reloader) has(object string) bool { return l.named[object] }

// unattach returns the steps that take away the interfaces and addresses that nothing wants any more, before Pluto
// listens.
func (l *reloader) unattach() []plan.Node {
	reason := "noted in " + l.paths.Info() + stale
	var nodes []plan.Node
	for _, c := range l.changes {
		switch op := c.Have.Op.(type) {
		case plan.DelAddr:
			if c.Mark == change.Remove {
				nodes = append(nodes, ignored(op, reason))
			}
		case plan.Detach:
			if c.Mark == change.Remove {
				nodes = append(nodes, warn(op, reason, "failed to take "+op.Virtual+" away"))
			}
		}
	}
	return nodes
}

// leftOvers returns the steps that take away the SAs and routes that nothing wants any more.
func (l *reloader) leftOvers() []plan.Node {
	reason := "noted in " + l.paths.Info() + stale
	var nodes []plan.Node
	for _, c := range l.changes {
		if c.Mark != change.Remove {
			continue
		}
		switch op := c.Have.Op.(type) {
		case plan.DelSA:
			nodes = append(nodes, warn(op, l.unwantedReason(c.Have.Object), "failed to take "+c.Have.Object+" away"))
		case plan.DelRoute:
			if !l.ofCommand(op.Dst) {
				nodes = append(nodes, l.delRoute(op, reason)...)
			}
		}
	}
	if len(l.hooks) > 0 && !slices.ContainsFunc(l.manual, func(m *manualConn) bool { return len(m.hooks) > 0 }) {
		nodes = append(nodes, ignored(plan.Remove{Paths: []string{l.marker()}}, "no updown command is to run any more"))
	}
	return nodes
}

// ofCommand reports whether a command of the user may have made a route to dst by now.
func (l *reloader) ofCommand(dst netip.Prefix) bool {
	return slices.ContainsFunc(l.manual, func(m *manualConn) bool {
		return len(m.hooks) > 0 && slices.ContainsFunc(m.flows, func(f plan.Flow) bool { return f.Dst.Overlaps(dst) })
	})
}

// delRoute returns the steps that take away a route of before. One of IPv4 without a metric is not told from those to the
// same network that have one: it is set first, so that it is the one that goes.
func (l *reloader) delRoute(r plan.DelRoute, reason string) []plan.Node {
	nodes := []plan.Node{ignored(r, reason), l.note(info.Unroute(info.Route(r)), reason)}
	if r.Metric == 0 && slices.ContainsFunc(l.want, func(i change.Item) bool {
		other, ok := i.Op.(plan.AddRoute)
		return ok && other.Dst == r.Dst && other.Link == r.Link
	}) {
		nodes = append([]plan.Node{ignored(plan.AddRoute{Dst: r.Dst, Link: r.Link}, reason)}, nodes...)
	}
	return nodes
}
