package compile

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipsec/conf"
	"ipsec/conf/info"
	"ipsec/klips/route"
	"ipsec/plan"
	"ipsec/plan/change"
	"ipsec/pluto"
	"ipsec/pluto/whack/cmdline"
)

// moves are the connections of Pluto that a reload takes away or changes, by their names.
type moves struct {
	gone    []string        // to be deleted first: they are not wanted, or lead other packets than they did
	replace map[string]bool // to be replaced in one step, routed as they are
	add     map[string]bool // to be added, those of gone that are wanted among them

	networks []netip.Prefix // that those of gone lead to, and those that are not to be routed any more
	going    networks       // the same
}

// plutoMoves finds what is to become of the connections that Pluto has.
func (l *reloader) plutoMoves() moves {
	m := moves{replace: make(map[string]bool), add: make(map[string]bool)}
	for _, c := range l.changes {
		if c.Item().Kind != change.Connection {
			continue
		}
		name := strings.TrimPrefix(c.Item().Object, "conn ")
		switch {
		case c.Mark == change.Add:
			m.add[name] = true
			continue
		case c.Mark == change.Alter && alike(c.Have.Value, c.Want.Value):
			m.replace[name] = true
			continue
		case c.Mark == change.Alter:
			m.add[name] = true
		}
		m.gone = append(m.gone, name)
		m.leads(c.Have.Value)
	}
	for _, i := range l.there {
		if name := strings.TrimPrefix(i.Object, "conn "); i.Kind == change.Connection && l.unwanted(name) {
			m.leads(i.Value)
		}
	}
	for _, i := range l.left() {
		if name := i.conn.Name; !m.add[name] {
			m.gone, m.add[name] = append(m.gone, name), true
			m.leads(strings.Join(cmdline.Describe(i.conn), "\x00"))
		}
	}
	for _, h := range l.hooks {
		m.networks = append(m.networks, networksOf(h)...)
	}
	m.going = newNetworks(m.networks)
	return m
}

// left returns the connections that Pluto has and that are without an address of this host once an interface goes away.
// Pluto would go on to trap the packets of those that are routed, as if the address were to come back.
func (l *reloader) left() []instance {
	if !slices.ContainsFunc(l.changes, func(c change.Change) bool { return c.Mark == change.Remove && isDetach(c.Have.Op) }) {
		return nil
	}
	ours := make(map[netip.Addr]bool)
	for _, a := range l.addressesOfIKE() {
		ours[a.Addr] = true
	}
	var list []instance
	for _, i := range l.negotiated.loaded {
		if i.routed() && l.has("conn "+i.conn.Name) && !ours[i.conn.Local.Host.Addr] && !ours[i.conn.Remote.Host.Addr] {
			list = append(list, i)
		}
	}
	return list
}

// leads notes the networks of a connection that is not routed for some time or any more.
func (m *moves) leads(value string) {
	if conn := parsed(value); conn != nil {
		m.networks = append(m.networks, clientsOf(conn.Local)...)
		m.networks = append(m.networks, clientsOf(conn.Remote)...)
	}
}

// unwanted reports whether Pluto has been asked to route a connection that is not to be routed.
func (l *reloader) unwanted(name string) bool {
	routing, differs := l.changed[change.RoutingOf(name, "").Object]
	return differs && routing.Mark == change.Remove
}

// parsed returns the connection of whack's words; nil where it cannot be read.
func parsed(value string) *pluto.Connection {
	request, err := cmdline.Parse(append([]string{"--name", "c"}, change.Words(value)...))
	if err != nil {
		return nil
	}
	return request.Add
}

// alike reports whether two connections lead the same packets, between the same hosts.
func alike(have, want string) bool {
	a, b := parsed(have), parsed(want)
	return a != nil && b != nil && a.Alias == b.Alias && sameEnd(a.Local, b.Local) && sameEnd(a.Remote, b.Remote)
}

func sameEnd(a, b pluto.End) bool {
	return a.Host == b.Host && slices.Equal(a.Clients, b.Clients) && a.Proto == b.Proto && a.Port == b.Port && a.AnyPort == b.AnyPort &&
		a.Virtual == b.Virtual && a.Within == b.Within
}

// clientsOf returns the networks of an end; the host itself where it has none.
func clientsOf(e pluto.End) []netip.Prefix {
	if len(e.Clients) == 0 && e.Host.Addr.IsValid() {
		return []netip.Prefix{single(e.Host.Addr)}
	}
	return e.Clients
}

// held returns the routes that a reload holds: to the networks that connections which go away may leave open, as far as
// they are wanted in the end.
func (l *reloader) held() []plan.AddRoute {
	var list []plan.AddRoute
	seen := make(map[plan.AddRoute]bool)
	hold := func(dst netip.Prefix, link string) {
		for _, part := range l.moves.going.parts(dst) {
			if r := (plan.AddRoute{Dst: part, Link: link, Metric: change.HoldMetric}); !seen[r] {
				seen[r] = true
				list = append(list, r)
			}
		}
	}
	for _, r := range l.negotiated.routes {
		hold(r.Dst, r.Link)
	}
	for _, m := range l.manual {
		for _, r := range m.routes {
			hold(r.Dst, r.Link)
		}
		for _, f := range m.flows {
			if len(m.hooks) > 0 { // its command makes the route
				hold(f.Dst, m.virtual)
			}
		}
	}
	return list
}

// parts returns what of net is of n: all of it, or networks inside of it.
func (n networks) parts(net netip.Prefix) []netip.Prefix {
	net = net.Masked()
	i, _ := slices.BinarySearchFunc(n, net.Addr(), func(other netip.Prefix, addr netip.Addr) int { return other.Addr().Compare(addr) })
	if i < len(n) && route.Covers(n[i], net) || i > 0 && route.Covers(n[i-1], net) {
		return []netip.Prefix{net}
	}
	inside := i
	for inside < len(n) && net.Contains(n[inside].Addr()) {
		inside++
	}
	return n[i:inside]
}

// mayGo reports whether a connection that goes away may take a route to dst, or to a part of it, with it.
func (l *reloader) mayGo(dst netip.Prefix) bool { return len(l.moves.going.parts(dst)) > 0 }

const held = "held in KLIPS while the connections to it change"

func (l *reloader) hold() []plan.Node {
	var nodes []plan.Node
	for _, r := range l.held() {
		nodes = append(nodes, l.note(routeOf(r), held), warn(r, held, "failed to hold "+r.Dst.String()))
	}
	return nodes
}

func (l *reloader) release() []plan.Node {
	var nodes []plan.Node
	for _, r := range l.held() {
		nodes = append(nodes, ignored(r.Deletion(), held), l.note(info.Unroute(routeOf(r)), held))
	}
	return nodes
}

// plutoGone returns the steps that take connections away from Pluto, and unroute those that are not to be routed any
// more: another may be routed in their place.
func (l *reloader) plutoGone() []plan.Node {
	var nodes []plan.Node
	for _, i := range l.negotiated.loaded {
		name, reason := i.conn.Name, autoReason(i.of)
		if l.unwanted(name) && !l.moves.add[name] {
			nodes = append(nodes,
				ignored(plan.Whack{Args: []string{"--terminate", "--name", name}}, reason), // an SA may carry its packets
				warn(plan.Whack{Args: []string{"--unroute", "--name", name}}, reason, fmt.Sprintf("conn %q is routed still", i.of.Name)))
		}
	}
	for _, name := range l.moves.gone {
		nodes = append(nodes, warn(plan.Whack{Args: []string{"--delete", "--name", name}}, l.unwantedReason("conn "+name), fmt.Sprintf("connection %q is not deleted", name)))
	}
	return nodes
}

// unwantedReason says why something goes away.
func (l *reloader) unwantedReason(object string) string {
	if c := l.changed[object]; c.Want.Reason != "" {
		return c.Want.Reason
	}
	return "not in " + l.paths.Conf + " any more"
}

// plutoNew returns the steps that hand Pluto what is new or has changed.
func (l *reloader) plutoNew() []plan.Node {
	switch {
	case !l.setup.Pluto:
		return l.withoutPluto(Loaded(l.cfg))
	case l.starts():
		return l.pluto()
	}
	reason := l.keyword("pluto", "yes")
	nodes := []plan.Node{warn(plan.Whack{Args: []string{"--rereadall"}}, reason, "Pluto has not read the secrets and certificates again")}
	for _, n := range l.negotiated.add {
		s, ok := n.(plan.Step)
		op, is := s.Op.(plan.AddConn)
		switch {
		case !ok || !is:
			nodes = append(nodes, n)
		case l.moves.replace[op.Name]:
			op.Args = append([]string{"--delete"}, op.Args...)
			s.Op = op
			nodes = append(nodes, s)
		case l.moves.add[op.Name]:
			nodes = append(nodes, s)
		}
	}
	if l.unheard() {
		nodes = append(nodes, warn(plan.Listen{}, reason, "Pluto does not listen"))
	}
	return append(nodes, l.routing()...)
}

// unheard reports whether Pluto is to look at its interfaces and at the tables of KLIPS again: something of what it has
// found or made there has changed.
func (l *reloader) unheard() bool {
	return slices.ContainsFunc(l.changes, func(c change.Change) bool {
		object := c.Item().Object
		return c.Want.Value == change.OfPluto || strings.HasPrefix(object, "interface ") || strings.HasPrefix(object, "address ")
	})
}

// routing returns the steps that have Pluto route and initiate what is new, has changed or is not routed any more.
func (l *reloader) routing() []plan.Node {
	var nodes, initiate []plan.Node
	for _, i := range l.negotiated.loaded {
		name, reason := i.conn.Name, autoReason(i.of)
		fresh, err := l.fresh(name), l.negotiated.unrouted[name]
		switch {
		case !i.routed():
			continue
		case l.negotiated.untold[name]:
			nodes = append(nodes, refused(i.of, name, "routed", err.Error(), conf.Pos{}))
			continue
		case err != nil:
			nodes = append(nodes, refused(i.of, name, "routed", err.Error(), conf.Pos{}))
			if fresh {
				nodes = append(nodes, ignored(plan.RouteConn{Name: name}, reason))
			}
		case fresh:
			nodes = append(nodes, warn(plan.RouteConn{Name: name}, reason, fmt.Sprintf("conn %q is not routed", i.of.Name)))
		}
		if i.of.Auto == conf.AutoStart && fresh {
			initiate = append(initiate, l.initiate(i))
		}
	}
	return append(nodes, initiate...)
}

// missingRoutes returns the steps that set the routes of connections again that somebody has taken away or
// changed, or that another connection had in the meantime: new ones Pluto sets itself.
func (l *reloader) missingRoutes() []plan.Node {
	var nodes []plan.Node
	for _, lead := range l.negotiated.leads {
		nodes = append(nodes, l.missing(lead)...)
	}
	return nodes
}

// fresh reports whether a connection is routed anew.
func (l *reloader) fresh(name string) bool {
	return l.moves.add[name] || l.moves.replace[name] || l.differs(change.RoutingOf(name, ""))
}

func (l *reloader) missing(lead change.Lead) []plan.Node {
	var nodes []plan.Node
	for _, r := range lead.Routes {
		op := plan.AddRoute{Dst: r.Dst, Link: r.Link, Src: r.Src, MTU: r.MTU, Metric: r.Metric}
		c, differs := l.changed[change.RouteOf(op).Object]
		if !differs || c.Want.Op != plan.Op(op) || c.Mark == change.Add && l.fresh(lead.Conn) {
			continue
		}
		if note := routeOf(op); !l.standing.Has(note) {
			nodes = append(nodes, l.note(note, c.Want.Reason))
		}
		nodes = append(nodes, warn(op, c.Want.Reason, "the route to "+r.Dst.String()+" is not there"))
	}
	return nodes
}
