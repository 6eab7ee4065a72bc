package compile

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipsec/conf"
	"ipsec/conf/info"
	"ipsec/klips/route"
	"ipsec/plan"
	"ipsec/pluto"
)

// restart returns the nodes of restart: stop without its exits, then start,
// under one lock. Links and routes outlive the stop half, so that what a conn
// protects drops and never leaves in the clear; what the new configuration no
// longer wants of them goes when the new conns are up.
func (c *resolved) restart() []plan.Node {
	nodes := c.lock(c.runDirBefore())
	if c.verb == plan.TryRestart {
		const check = "running check"
		nodes = append(nodes, plan.If{
			Cond:   plan.Not{Cond: plan.Exists{Path: c.paths.SetupPID()}},
			Then:   []plan.Node{say(check, "IPsec is not running: there is nothing to restart"), plan.Exit{Status: plan.Status0, Reason: check}},
			Reason: check,
		})
	}
	keep := append([]plan.Node{say("running check", "Stopping IPsec...")}, c.release(cleanKeep(), c.noted)...)
	clean := append([]plan.Node{
		say("running check", "restart ordered, but IPsec does not appear to be running!"),
		say("running check", "doing cleanup anyway..."),
	}, c.release(cleanAnyway(), c.noted)...)
	nodes = append(nodes, plan.If{
		Cond:   plan.Exists{Path: c.paths.SetupPID()},
		Then:   keep,
		Else:   clean,
		Reason: stopping,
	})
	nodes = append(nodes, c.bringUpSystem()...)
	return append(nodes, theEnd())
}

// stopping is the reason of the stop half of a restart.
const stopping = "stop, without its exits"

// restarts reports whether the plan is one of restart or try-restart.
func (c *compiler) restarts() bool {
	return c.verb == plan.Restart || c.verb == plan.TryRestart || c.restarting
}

const stale = ", and no longer wanted"

// unhook returns the steps by which commands of users take back what no conn of now has them do. They come before
// any route of now, which a command might take away with its own.
func (c *resolved) unhook() []plan.Node {
	var nodes []plan.Node
	for _, h := range c.staleHooks(c.plutoRoutes) {
		nodes = append(nodes, unroute(h, "noted in "+c.paths.Info()+stale))
	}
	return nodes
}

// withdraw returns the steps that take away the routes of before that nothing of now leads packets by. They come
// before Pluto listens: from then on a peer may have brought up a conn that needs such a route. Those that Pluto
// makes later in place of one that goes are made first, so that no packet leaves in the clear in between.
func (c *resolved) withdraw() []plan.Node {
	noted := "noted in " + c.paths.Info() + stale
	goes := c.unwantedRoutes()
	var nets []netip.Prefix
	for _, r := range goes {
		nets = append(nets, r.Dst)
	}
	for _, h := range c.staleHooks(c.plutoRoutes) {
		nets = append(nets, networksOf(h)...)
	}
	going := newNetworks(nets)
	var nodes []plan.Node
	for _, l := range c.negotiated.leads {
		for _, r := range l.Routes {
			if going.overlap(r.Dst) {
				op := plan.AddRoute{Dst: r.Dst, Link: r.Link, Src: r.Src, MTU: r.MTU, Metric: r.Metric}
				nodes = append(nodes, c.note(routeOf(op), l.Reason), warn(op, l.Reason, fmt.Sprintf("conn %q is not routed yet", l.Conn)))
			}
		}
	}
	for _, r := range goes {
		nodes = append(nodes, ignored(r, noted))
	}
	return nodes
}

// unwantedRoutes returns the routes of before that no conn of now has, into links that stay.
func (c *resolved) unwantedRoutes() []plan.DelRoute {
	wanted := make(map[plan.DelRoute]bool)
	for _, r := range c.negotiated.routes {
		wanted[plan.DelRoute{Dst: r.Dst, Link: r.Link, Metric: r.Metric}] = true
	}
	var list []plan.DelRoute
	for _, r := range c.noted.routes {
		if c.stays(r.Link) && c.routed[r] == 0 && !wanted[r] && !c.mayLead(r.Dst) {
			wanted[r] = true // and goes once
			list = append(list, r)
		}
	}
	return list
}

// stays reports whether there is a virtual interface of that name now.
func (c *resolved) stays(virtual string) bool {
	return slices.ContainsFunc(c.attached, func(a attachment) bool { return a.virtual == virtual })
}

// mayLead reports whether a conn of now may come to lead packets by a route to dst, though nobody knows that yet: a
// command of the user makes its routes, or it waits for an address.
func (c *resolved) mayLead(dst netip.Prefix) bool {
	for _, m := range c.manual {
		if len(m.hooks) > 0 && slices.ContainsFunc(m.flows, func(f plan.Flow) bool { return route.Covers(f.Dst, dst) }) {
			return true
		}
	}
	return slices.ContainsFunc(c.negotiated.unknown, func(i instance) bool {
		return mayBe(i.conn.Local, dst) || mayBe(i.conn.Remote, dst)
	})
}

// mayBe reports whether dst is, or is part of, a network of an end, as far as its host is known.
func mayBe(e pluto.End, dst netip.Prefix) bool {
	if len(e.Clients) == 0 {
		return dst.IsSingleIP() && (!e.Host.Addr.IsValid() || e.Host.Addr == dst.Addr())
	}
	return slices.ContainsFunc(e.Clients, func(net netip.Prefix) bool { return route.Covers(net, dst) })
}

// networksOf returns the network that the command of a hook leads packets to.
func networksOf(h info.Hook) []netip.Prefix {
	for _, variable := range h.Env {
		if text, ok := strings.CutPrefix(variable, "PLUTO_PEER_CLIENT="); ok {
			if net, err := netip.ParsePrefix(text); err == nil {
				return []netip.Prefix{net}
			}
		}
	}
	return nil
}

// networks are in the order of their addresses, and none is inside of another.
type networks []netip.Prefix

func newNetworks(list []netip.Prefix) networks {
	list = slices.Clone(list)
	for i, net := range list {
		list[i] = net.Masked()
	}
	slices.SortFunc(list, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	var n networks
	for _, net := range list {
		if len(n) == 0 || !route.Covers(n[len(n)-1], net) {
			n = append(n, net)
		}
	}
	return n
}

// overlap reports whether net has an address in common with one of n.
func (n networks) overlap(net netip.Prefix) bool {
	i, _ := slices.BinarySearchFunc(n, net.Addr(), func(other netip.Prefix, addr netip.Addr) int { return other.Addr().Compare(addr) })
	return i < len(n) && n[i].Overlaps(net) || i > 0 && n[i-1].Overlaps(net)
}

// unattach returns the steps that take away the links and addresses of before that are not those of now. They go
// last: with a link go the routes into it, and by now its conns have others.
func (c *resolved) unattach() []plan.Node {
	noted := "noted in " + c.paths.Info() + stale
	var nodes []plan.Node
	wanted := make(map[plan.DelAddr]bool)
	for _, a := range c.attached {
		for _, addr := range c.addresses(a) {
			wanted[plan.DelAddr{Link: a.virtual, Prefix: single(addr.Prefix.Addr())}] = true
		}
	}
	for _, d := range c.noted.addresses {
		if c.stays(d.Link) && !wanted[d] {
			wanted[d] = true
			nodes = append(nodes, ignored(d, noted))
		}
	}
	var gone []string
	for _, a := range c.noted.interfaces {
		if !c.stays(a.Virtual) && !slices.Contains(gone, a.Virtual) {
			gone = append(gone, a.Virtual)
			nodes = append(nodes, warn(plan.Detach{Virtual: a.Virtual}, noted, "failed to take "+a.Virtual+" away"))
		}
	}
	return nodes
}

// baseName returns the conn of ipsec.conf that NAME/1x2 is a pair of subnets of.
func baseName(name string) string {
	base, _, _ := strings.Cut(name, "/")
	return base
}

// plutoRoutes reports whether Pluto is to route conn.
func (c *resolved) plutoRoutes(conn *conf.Conn) bool { return c.setup.Pluto && isRouted(conn) }

// staleHooks returns the hooks of before that no manual conn of now has, but for those of conns that are with Pluto:
// what Pluto has hooks for, it undoes itself.
func (c *resolved) staleHooks(withPluto func(*conf.Conn) bool) []info.Hook {
	now := make(map[string]bool)
	for _, m := range c.manual {
		for _, h := range m.hooks {
			now[h.String()] = true
		}
	}
	var list []info.Hook
	for _, h := range c.noted.hooks {
		if conn := c.conns[baseName(h.Conn)]; !now[h.String()] && (conn == nil || !withPluto(conn)) {
			list = append(list, h)
		}
	}
	return list
}
