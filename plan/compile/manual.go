package compile

import (
	"fmt"
	"strings"

	"ipsec/conf"
	"ipsec/conf/info"
	"ipsec/klips/route"
	"ipsec/plan"
)

// manualConn is a manually keyed conn that start brings up, or cannot.
type manualConn struct {
	oriented
	bad    *conf.Diagnostic // why it cannot be brought up
	leak   *conf.Diagnostic // why none may be: its packets would leave in the clear
	taken  *conf.Diagnostic // why it cannot be routed beside others: its network has another entrance
	beside []route.Route    // to networks of this host that are inside the peer's
	reason string
	name   string // conn "NAME"
	flows  []plan.Flow
	routes []plan.AddRoute // those that no conn before it has
	hooks  []info.Hook
	// foreignSource says that the source address asked for is not this host's.
	foreignSource bool
	cipher        string // of ESP, as manualkey.ParseESP has it
	out           bundle
	in            bundle
}

// manualConns resolves the conns of manualstart= and those with auto=manual,
// in the order of the file, each once.
func (c *resolver) manualConns() []*manualConn {
	named := make(map[string]bool)
	for _, name := range c.setup.ManualStart {
		named[name] = true
		if c.conns[name] == nil {
			c.errorf(c.setup.At("manualstart"), "manualstart: unknown conn %q", name)
		}
	}
	var list []*manualConn
	for _, conn := range c.cfg.Conns {
		if conn.Auto == conf.AutoManual || named[conn.Name] {
			reason := connReason(conn)
			switch {
			case conn.Auto == conf.AutoManual && !conn.At("auto").IsZero():
				reason = conn.At("auto").String() + " auto=manual in conn " + conn.Name
			case named[conn.Name]:
				reason = c.keyword("manualstart", "")
			}
			list = append(list, c.manualConn(conn, reason, false))
		}
	}
	c.lead(list, passesOf(list), true)
	c.refuseLeaks(list)
	return list
}

// refuseLeaks notes an error for each conn whose packets would leave in the
// clear by a route of the host.
func (c *compiler) refuseLeaks(list []*manualConn) {
	for _, m := range list {
		if m.leak != nil {
			c.errorf(m.leak.Pos, "conn %q: %s", m.conn.Name, m.leak.Text)
		}
	}
}

// manualConn resolves one manually keyed conn, but for its routes: those are for lead.
func (c *resolver) manualConn(conn *conf.Conn, reason string, other bool) *manualConn {
	m := &manualConn{reason: reason, name: fmt.Sprintf("conn %q", conn.Name)}
	m.conn = conn
	if !c.klips() {
		m.bad = remark(posOr(c.setup.At("protostack"), conn.Pos), "protostack=none leaves no data plane to carry it")
		return m
	}
	if m.bad = c.unmet(conn, false); m.bad != nil {
		return m
	}
	o, bad := c.orient(conn, other)
	if bad != nil {
		m.bad = bad
		return m
	}
	m.oriented = o
	m.foreignSource = !other && c.host.holder[o.us.end.SourceIP] == nil
	m.flows = m.oriented.flows()
	if len(m.flows) == 0 {
		m.bad = remark(o.them.at(conn, "subnet"), "no subnet of left is of one address family with one of right")
		return m
	}
	if m.bad = c.bundles(m); m.bad != nil {
		return m
	}
	if m.bad = c.take(m); m.bad != nil {
		return m
	}
	if o.us.customUpdown() != "" {
		m.hooks = m.newHooks()
	}
	return m
}

// bringUp returns the steps that bring the manual conns up: all routes first,
// so that from here on their packets drop in KLIPS and never leave in the
// clear; then what carries them, conn by conn.
func (c *resolved) bringUp() []plan.Node {
	const usual = 11 // nodes of a conn
	nodes := make([]plan.Node, 0, usual*len(c.manual))
	marked := false
	for _, m := range c.manual {
		if m.bad != nil {
			nodes = append(nodes, say(because(m.reason, m.bad.Pos), m.name+" is not brought up: "+m.bad.Text))
			continue
		}
		if len(m.hooks) > 0 && !marked {
			marked = true
			nodes = append(nodes, must(plan.Touch{Path: c.marker()}, m.reason, "failed to note in "+c.paths.Run+" what stop needs"))
		}
		nodes = append(nodes, c.route(m)...)
	}
	for _, m := range c.manual {
		if m.bad == nil {
			nodes = append(nodes, m.warnings()...)
			if text := c.everything(m.conn); text != "" {
				nodes = append(nodes, say(because(m.reason, posOr(m.toward(), m.conn.Pos)), "warning: "+m.name+": "+text))
			}
			nodes = append(nodes, m.up()...)
		}
	}
	return nodes
}

// marker is a file that is there once updown commands may have run: an undo
// runs their counterparts only then.
func (c *compiler) marker() string { return c.paths.Run + "/ipsec.hooks" }

// route returns the steps that lead the packets of m into KLIPS.
func (c *compiler) route(m *manualConn) []plan.Node {
	failed := m.name + " is not routed"
	var nodes []plan.Node
	for _, r := range m.routes {
		nodes = append(nodes,
			c.note(routeOf(r), m.reason),
			warn(r, m.reason, failed))
	}
	for _, h := range m.hooks {
		nodes = append(nodes,
			c.note(h, m.reason),
			warn(updown(h, "prepare"), m.reason, failed),
			warn(updown(h, "route"), m.reason, failed))
	}
	return nodes
}

// up returns the steps that set up the SAs and eroutes of m.
func (m *manualConn) up() []plan.Node {
	failed := m.name + " is not up"
	var nodes []plan.Node
	do := func(op plan.Op) { nodes = append(nodes, warn(op, m.reason, failed)) }
	for _, b := range []bundle{m.out, m.in} {
		for _, op := range b.adds {
			do(op)
		}
		if len(b.ids) > 1 {
			do(plan.GroupSAs{SAIDs: b.ids})
		}
	}
	for _, f := range m.flows {
		if len(m.in.ids) > 0 {
			do(plan.AddInflow{Flow: f.Reverse(), SAID: m.in.ids[0]})
		}
	}
	for _, f := range m.flows {
		do(plan.AddEroute{Flow: f, SAID: m.target()})
	}
	for _, h := range m.hooks {
		do(updown(h, "up"))
	}
	return nodes
}

// down returns the steps that take m down again, but for its routes: its
// packets drop in KLIPS from now on.
func (m *manualConn) down() []plan.Node {
	failed := m.name + " is not down"
	var nodes []plan.Node
	do := func(op plan.Op) { nodes = append(nodes, tried(op, m.reason)) }
	for _, h := range m.hooks {
		nodes = append(nodes, warn(updown(h, "down"), m.reason, failed))
	}
	for _, f := range m.flows {
		do(plan.DelEroute{Flow: f})
	}
	for _, b := range []bundle{m.out, m.in} {
		for _, id := range b.ids {
			do(plan.DelSA{SAID: id})
		}
	}
	return nodes
}

// warnings returns what is to be said of m as it comes up.
func (m *manualConn) warnings() []plan.Node {
	var nodes []plan.Node
	warning := func(pos conf.Pos, text string) {
		nodes = append(nodes, say(because(m.reason, posOr(pos, m.conn.Pos)), "warning: "+m.name+": "+text))
	}
	if m.counterMode() {
		warning(m.conn.At("esp"), "esp="+m.conn.ESP+" with a manual key: the key outlives a restart, so that the counter must start at random each time; negotiated keys are safer")
	}
	if m.conn.ForceEncaps && !isShunt(m.conn) {
		warning(m.conn.At("forceencaps"), "forceencaps=yes with a manual key: the key outlives a restart, and nobody follows a NAT mapping that changes; negotiated keys are safer")
	}
	if src := m.us.end.SourceIP; src.IsValid() && m.foreignSource {
		warning(m.us.at(m.conn, "sourceip"), m.us.name+"sourceip="+src.String()+" is not an address of this host; its routes have no source")
	}
	if len(m.beside) > 0 {
		var nets []string
		for _, r := range m.beside {
			nets = append(nets, r.Dst.String()+" on "+r.Link)
		}
		warning(m.toward(), "these networks of this host are inside the peer's, and packets to them stay outside of the conn: "+strings.Join(nets, ", "))
	}
	return nodes
}
