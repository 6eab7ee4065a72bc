package compile

import (
	"net/netip"
	"slices"
	"strings"

	"ipsec/conf"
	"ipsec/conf/info"
	"ipsec/klips/route"
	"ipsec/plan"
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
		Reason: "running check",
	})
	nodes = append(nodes, c.bringUpSystem()...)
	return append(nodes, theEnd())
}

// restarts reports whether the plan is one of restart or try-restart.
func (c *compiler) restarts() bool {
	return c.verb == plan.Restart || c.verb == plan.TryRestart || c.restarting
}

// unwanted returns the steps that take away the links, addresses and routes
// of before that are not those of now.
func (c *resolved) unwanted() []plan.Node {
	noted := "noted in " + c.paths.Info() + ", and no longer wanted"
	var nodes []plan.Node
	stays := make(map[string]bool)
	for _, a := range c.attached {
		stays[a.virtual] = true
	}
	var gone []string
	for _, a := range c.noted.interfaces {
		if !stays[a.Virtual] && !slices.Contains(gone, a.Virtual) {
			gone = append(gone, a.Virtual)
		}
	}
	old := make(map[plan.DelRoute]bool)
	for _, r := range c.noted.routes {
		if stays[r.Link] && c.routed[r] == 0 && !old[r] && !c.plutoRoutes(r.Dst) {
			old[r] = true
			nodes = append(nodes, ignored(r, noted))
		}
	}
	for _, h := range c.staleHooks() {
		nodes = append(nodes, unroute(h, noted))
	}
	wanted := make(map[plan.DelAddr]bool)
	for _, a := range c.attached {
		for _, addr := range c.addresses(a) {
			wanted[plan.DelAddr{Link: a.virtual, Prefix: single(addr.Prefix.Addr())}] = true
		}
	}
	for _, d := range c.noted.addresses {
		if stays[d.Link] && !wanted[d] {
			wanted[d] = true
			nodes = append(nodes, ignored(d, noted))
		}
	}
	for _, v := range gone {
		nodes = append(nodes, warn(plan.Detach{Virtual: v}, noted, "failed to take "+v+" away"))
	}
	return nodes
}

// plutoRoutes reports whether a route to dst may be one that Pluto, which has the
// automatic conns by now, has made for one of them.
func (c *compiler) plutoRoutes(dst netip.Prefix) bool {
	for _, conn := range c.cfg.Conns {
		if !isAutomatic(conn) {
			continue
		}
		for _, end := range []*conf.End{&conn.Left, &conn.Right} {
			if end.Host.Addr.IsValid() && len(end.Subnets) == 0 && dst == single(end.Host.Addr) {
				return true
			}
			if slices.ContainsFunc(end.Subnets, func(net netip.Prefix) bool { return route.Covers(net, dst) }) {
				return true
			}
		}
	}
	return false
}

// baseName returns the conn of ipsec.conf that NAME/1x2 is a pair of subnets of.
func baseName(name string) string {
	base, _, _ := strings.Cut(name, "/")
	return base
}

// staleHooks returns the hooks of before that no conn of now has; those of
// automatic conns are Pluto's to undo.
func (c *resolved) staleHooks() []info.Hook {
	now := make(map[string]bool)
	for _, m := range c.manual {
		for _, h := range m.hooks {
			now[h.String()] = true
		}
	}
	var list []info.Hook
	for _, h := range c.noted.hooks {
		if conn := c.conns[baseName(h.Conn)]; !now[h.String()] && (conn == nil || !isAutomatic(conn)) {
			list = append(list, h)
		}
	}
	return list
}
