package plan

import "slices"

// restart returns the nodes of restart: stop without its exits, then start,
// under one lock. Links and routes outlive the stop half, so that what a conn
// protects drops and never leaves in the clear; what the new configuration no
// longer wants of them goes when the new conns are up.
func (c *compiler) restart() []Node {
	nodes := c.lock(c.runDirBefore())
	keep := append([]Node{say("running check", "Stopping IPsec...")}, c.release(cleanKeep())...)
	clean := append([]Node{
		say("running check", "restart ordered, but IPsec does not appear to be running!"),
		say("running check", "doing cleanup anyway..."),
	}, c.release(cleanAnyway())...)
	nodes = append(nodes, If{
		Cond:   Exists{c.paths.SetupPID()},
		Then:   keep,
		Else:   clean,
		Reason: "running check",
	})
	nodes = append(nodes, c.bringUpSystem()...)
	return append(nodes, theEnd())
}

// unwanted returns the steps that take away the links, addresses and routes
// of before that are not those of now.
func (c *compiler) unwanted() []Node {
	noted := "noted in " + c.paths.Info() + ", and no longer wanted"
	var nodes []Node
	stays := make(map[string]bool)
	for _, a := range c.attached {
		stays[a.virtual] = true
	}
	var gone []string
	for _, a := range c.info.interfaces {
		if !stays[a.virtual] && !slices.Contains(gone, a.virtual) {
			gone = append(gone, a.virtual)
		}
	}
	old := make(map[routeKey]bool)
	for _, r := range c.info.routes {
		if stays[r.Link] && c.routed[r.key()] == 0 && !old[r.key()] {
			old[r.key()] = true
			nodes = append(nodes, ignored(r, noted))
		}
	}
	for _, h := range c.staleHooks() {
		nodes = append(nodes, unroute(h, noted))
	}
	wanted := make(map[DelAddr]bool)
	for _, a := range c.attached {
		for _, addr := range c.addresses(a) {
			wanted[DelAddr{Link: a.virtual, Prefix: single(addr.Prefix.Addr())}] = true
		}
	}
	for _, d := range c.info.addresses {
		if stays[d.Link] && !wanted[d] {
			wanted[d] = true
			nodes = append(nodes, ignored(d, noted))
		}
	}
	for _, v := range gone {
		nodes = append(nodes, warn(Detach{v}, noted, "failed to take "+v+" away"))
	}
	return nodes
}

// staleHooks returns the hooks of before that no conn of now has.
func (c *compiler) staleHooks() []hook {
	now := make(map[string]bool)
	for _, m := range c.manual {
		for _, h := range m.hooks {
			now[h.String()] = true
		}
	}
	var list []hook
	for _, h := range c.info.hooks {
		if !now[h.String()] {
			list = append(list, h)
		}
	}
	return list
}
