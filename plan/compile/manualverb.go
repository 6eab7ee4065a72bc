package compile

import (
	"fmt"
	"slices"

	"ipsec/conf"
	"ipsec/conf/info"
	"ipsec/klips/route"
	"ipsec/plan"
)

// Action is what ipsec manual does with conns.
type Action string

// The actions of ipsec_manual(8). Down leaves the routes, so that packets
// drop; only unroute takes them back.
const (
	ManualUp      Action = "up"
	ManualDown    Action = "down"
	ManualRoute   Action = "route"
	ManualUnroute Action = "unroute"
)

// Manual returns the plan of ipsec manual: action on the manually keyed
// conns names. With other, the plan is for the host at the other end. What
// is wrong with a conn is an error here, at its line.
func Manual(action Action, names []string, other bool, cfg *conf.Config, facts plan.Facts, paths conf.Paths) (plan.Plan, error) {
	if cfg == nil {
		return plan.Plan{}, fmt.Errorf("failed to plan manual --%s: there is no configuration", action)
	}
	c := newCompiler(plan.Manual, cfg, facts, paths)
	p := plan.Plan{Verb: plan.Manual, Paths: paths, Digest: cfg.Digest, Facts: facts.Digest(), Syslog: c.syslog()}
	r := c.resolve(func(in *resolver) []*manualConn { return in.namedConns(action, names, other) })
	if len(c.errs) > 0 {
		return plan.Plan{}, c.errs
	}
	const check = "running check"
	p.Nodes = append([]plan.Node{plan.If{
		Cond: plan.Not{Cond: plan.Alive{Parts: []plan.Part{plan.Klips}}},
		Then: []plan.Node{
			say(check, `KLIPS is not running: run "ipsec setup start" first`),
			plan.Exit{Status: plan.Status1, Reason: check},
		},
		Reason: check,
	}}, c.lock(true)...)
	switch action {
	case ManualUp:
		p.Nodes = append(p.Nodes, r.manualUp()...)
		for _, m := range r.manual {
			p.Undo = append(p.Undo, quietly(m.down())...)
		}
		p.Undo = append(p.Undo, quietly(r.unsetRoutes())...)
	case ManualRoute:
		p.Nodes = append(p.Nodes, r.manualRoute()...)
		p.Undo = append(p.Undo, quietly(r.unsetRoutes())...)
	case ManualDown:
		for _, m := range r.manual {
			p.Nodes = append(p.Nodes, m.down()...)
		}
	case ManualUnroute:
		for _, m := range r.manual {
			p.Nodes = append(p.Nodes, r.unroute(m)...)
		}
	default:
		return plan.Plan{}, fmt.Errorf("malformed action %q: expected up, down, route or unroute", action)
	}
	p.Nodes = append(p.Nodes, theEnd())
	return p, nil
}

// namedConns resolves the conns of ipsec manual.
func (c *resolver) namedConns(action Action, names []string, other bool) []*manualConn {
	var conns []*conf.Conn
	for _, name := range names {
		conn := c.conns[name]
		if conn == nil {
			c.errorf(conf.Pos{File: c.paths.Conf}, "unknown conn %q", name)
			continue
		}
		conns = append(conns, conn)
	}
	var list []*manualConn
	for _, conn := range conns {
		if wrong := conn.CheckManual(); len(wrong) > 0 {
			c.errs = append(c.errs, wrong...)
			continue
		}
		m := c.manualConn(conn, "ipsec manual --"+string(action)+" "+conn.Name, other)
		if m.bad != nil {
			c.errorf(m.bad.Pos, "conn %q: %s", conn.Name, m.bad.Text)
			continue
		}
		list = append(list, m)
	}
	others := c.others(names)
	passes := append(passesOf(list), passesOf(others)...)
	toRoute := action == ManualUp || action == ManualRoute
	if toRoute {
		for _, r := range c.noted.routes { // of those that are up, and of Pluto
			c.ways.Add(route.User{}, route.Route{Dst: r.Dst, Link: r.Link})
		}
	}
	c.lead(list, passes, toRoute)
	c.lead(others, passes, false) // so that a route which they need, too, is known to be needed
	if toRoute {
		c.refuseLeaks(list)
		for _, m := range list {
			if m.taken != nil {
				c.errorf(m.taken.Pos, "conn %q: %s", m.conn.Name, m.taken.Text)
			}
		}
	}
	return list
}

// manualUp returns the steps of --up. Before any, it is seen to that nothing
// of the conns is there yet, so that an undo, which takes all of it away, takes
// away nothing but what these steps have set.
func (c *resolved) manualUp() []plan.Node {
	var nodes []plan.Node
	for _, m := range c.manual {
		refuse := func(cond plan.Cond, what string) {
			text := m.name + " is up already, or another has " + what + `: run "ipsec manual --down ` + m.conn.Name + `" first`
			nodes = append(nodes, plan.If{
				Cond:   cond,
				Then:   []plan.Node{say(m.reason, text), plan.Exit{Status: plan.Status1, Reason: m.reason}},
				Reason: m.reason,
			})
		}
		if ids := slices.Concat(m.out.ids, m.in.ids); len(ids) > 0 {
			refuse(plan.HasSA{SAIDs: ids}, "its SA")
		}
		for _, f := range m.flows {
			refuse(plan.HasEroute{Flow: f}, "its eroute to "+f.Dst.String())
		}
	}
	return append(nodes, insist(c.bringUp())...)
}

// manualRoute returns the steps of --route.
func (c *resolved) manualRoute() []plan.Node {
	var nodes []plan.Node
	for _, m := range c.manual {
		nodes = append(nodes, c.route(m)...)
	}
	return insist(nodes)
}

// unroute returns the steps that take the routes of m back.
func (c *resolved) unroute(m *manualConn) []plan.Node {
	var nodes []plan.Node
	for _, r := range m.routes {
		if c.routed[r.Deletion()] > 1 {
			nodes = append(nodes, say(m.reason, "another conn needs the route to "+r.Dst.String()+", which stays"))
			continue
		}
		nodes = append(nodes,
			tried(r.Deletion(), m.reason),
			c.note(info.Unroute(routeOf(r)), m.reason))
	}
	for _, h := range m.hooks {
		nodes = append(nodes,
			c.note(info.Unhook(h), m.reason),
			unroute(h, m.reason))
	}
	return nodes
}

// unsetRoutes returns the steps that take back the routes of the manual conns
// that were not there before: ipsec.info knows of those that were.
func (c *resolved) unsetRoutes() []plan.Node {
	before := info.StandingOf(c.facts.Running.Info)
	var nodes []plan.Node
	for _, m := range c.manual {
		for _, r := range m.routes {
			if note := routeOf(r); !before.Has(note) {
				nodes = append(nodes,
					tried(r.Deletion(), m.reason),
					c.note(info.Unroute(note), m.reason))
			}
		}
		for _, h := range m.hooks {
			if !before.Has(h) {
				nodes = append(nodes, unroute(h, m.reason), c.note(info.Unhook(h), m.reason))
			}
		}
	}
	return nodes
}

// others resolves the manual conns of start that are not in names.
func (c *resolver) others(names []string) []*manualConn {
	var list []*manualConn
	for _, conn := range c.cfg.Conns {
		if !slices.Contains(names, conn.Name) && (conn.Auto == conf.AutoManual || slices.Contains(c.setup.ManualStart, conn.Name)) {
			list = append(list, c.manualConn(conn, "", false))
		}
	}
	return list
}

// insist turns warnings into reasons to undo.
func insist(nodes []plan.Node) []plan.Node {
	for i, n := range nodes {
		if s, ok := n.(plan.Step); ok && s.OnFail.Kind == plan.FailWarn {
			s.OnFail.Kind = plan.FailUndo
			nodes[i] = s
		}
	}
	return nodes
}

// quietly lets steps fail.
func quietly(nodes []plan.Node) []plan.Node {
	for i, n := range nodes {
		if s, ok := n.(plan.Step); ok {
			s.OnFail = plan.OnFail{Kind: plan.FailIgnore}
			nodes[i] = s
		}
	}
	return nodes
}
