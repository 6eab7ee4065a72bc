package plan

import (
	"fmt"
	"slices"
	"strings"

	"ipsec/conf"
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

// CompileManual returns the plan of ipsec manual: action on the manually keyed
// conns names. With other, the plan is that of the host at the other end. A
// union of several names is refused: a step takes its keys from one conn, and
// also= says the same. What is wrong with a conn is an error here, at its line.
func CompileManual(action Action, names []string, union, other bool, cfg *conf.Config, facts Facts, paths conf.Paths) (Plan, error) {
	if cfg == nil {
		return Plan{}, fmt.Errorf("failed to plan manual --%s: there is no configuration", action)
	}
	c := newCompiler(Manual, cfg, facts, paths)
	p := Plan{Verb: Manual, Paths: paths, Digest: cfg.Digest, Syslog: c.syslog()}
	c.checkStack()
	c.attached = c.interfaces()
	for _, a := range c.attached {
		c.virtual[a.physical] = a.virtual
	}
	c.manual = c.namedConns(action, names, union, other)
	if len(c.errs) > 0 {
		return Plan{}, c.errs
	}
	const check = "running check"
	p.Nodes = append([]Node{If{
		Cond: Not{Alive{[]Part{Klips}}},
		Then: []Node{
			say(check, `KLIPS is not running: run "ipsec setup start" first`),
			Exit{Status: Status1, Reason: check},
		},
		Reason: check,
	}}, c.lock(true)...)
	switch action {
	case ManualUp:
		p.Nodes = append(p.Nodes, c.manualUp()...)
		for _, m := range c.manual {
			p.Undo = append(p.Undo, quietly(m.down())...)
		}
	case ManualRoute:
		p.Nodes = append(p.Nodes, c.manualRoute()...)
	case ManualDown:
		for _, m := range c.manual {
			p.Nodes = append(p.Nodes, m.down()...)
		}
	case ManualUnroute:
		c.shareRoutes(names)
		for _, m := range c.manual {
			p.Nodes = append(p.Nodes, c.unroute(m)...)
		}
	default:
		return Plan{}, fmt.Errorf("malformed action %q: expected up, down, route or unroute", action)
	}
	p.Nodes = append(p.Nodes, theEnd())
	return p, nil
}

// namedConns resolves the conns of ipsec manual.
func (c *compiler) namedConns(action Action, names []string, union, other bool) []*manualConn {
	var conns []*conf.Conn
	for _, name := range names {
		conn := c.conns[name]
		if conn == nil {
			c.errorf(conf.Pos{File: c.paths.Conf}, "unknown conn %q", name)
			continue
		}
		conns = append(conns, conn)
	}
	if union && len(conns) > 1 {
		c.errorf(conns[1].Pos, "--union of %s: write one conn with also= for each part instead", strings.Join(names, " and "))
		return nil
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
		if m.leak != nil && (action == ManualUp || action == ManualRoute) {
			c.errorf(m.leak.Pos, "conn %q: %s", conn.Name, m.leak.Text)
			continue
		}
		list = append(list, m)
	}
	return list
}

// manualUp returns the steps of --up: what fails undoes all of it. A conn whose
// first SA cannot be set is most likely up, so that nothing of it is undone.
func (c *compiler) manualUp() []Node {
	first := make(map[Op]*manualConn)
	for _, m := range c.manual {
		if len(m.out.adds) > 0 {
			first[m.out.adds[0]] = m
		}
	}
	nodes := insist(c.bringUp())
	for i, n := range nodes {
		s, ok := n.(Step)
		if !ok {
			continue
		}
		switch s.Op.(type) {
		case AddTunnel, AddComp, AddSA:
		default: // which may not be comparable
			continue
		}
		if m := first[s.Op]; m != nil {
			text := m.place + ` is up already, or another has its SA: run "ipsec manual --down ` + m.conn.Name + `" first`
			nodes[i] = Try{
				Op:     s.Op,
				Else:   []Node{say(s.Reason, text), Exit{Status: Status1, Reason: s.Reason}},
				Reason: s.Reason,
			}
		}
	}
	return nodes
}

// manualRoute returns the steps of --route.
func (c *compiler) manualRoute() []Node {
	var nodes []Node
	for _, m := range c.manual {
		nodes = append(nodes, c.route(m)...)
	}
	return insist(nodes)
}

// unroute returns the steps that take the routes of m back.
func (c *compiler) unroute(m *manualConn) []Node {
	var nodes []Node
	for _, r := range m.routes {
		if c.routed[r.key()] > 1 {
			nodes = append(nodes, say(m.reason, "another conn needs the route to "+r.Dst.String()+", which stays"))
			continue
		}
		nodes = append(nodes, tried(DelRoute{Dst: r.Dst, Link: r.Link, Metric: r.Metric}, m.reason))
	}
	for _, h := range m.hooks {
		nodes = append(nodes,
			c.note(infoUnhook, h.String(), m.reason),
			unroute(h, m.reason))
	}
	return nodes
}

// shareRoutes counts the routes of the manual conns that are not in names.
func (c *compiler) shareRoutes(names []string) {
	for _, conn := range c.cfg.Conns {
		if !slices.Contains(names, conn.Name) && (conn.Auto == conf.AutoManual || slices.Contains(c.setup.ManualStart, conn.Name)) {
			c.manualConn(conn, "", false)
		}
	}
}

// insist turns warnings into reasons to undo.
func insist(nodes []Node) []Node {
	for i, n := range nodes {
		if s, ok := n.(Step); ok && s.OnFail.Kind == FailWarn {
			s.OnFail.Kind = FailUndo
			nodes[i] = s
		}
	}
	return nodes
}

// quietly lets steps fail.
func quietly(nodes []Node) []Node {
	for i, n := range nodes {
		if s, ok := n.(Step); ok {
			s.OnFail = OnFail{Kind: FailIgnore}
			nodes[i] = s
		}
	}
	return nodes
}
