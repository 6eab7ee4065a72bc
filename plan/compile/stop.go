package compile

import (
	"ipsec/conf/info"
	"ipsec/plan"
)

// cleaning says how far a release goes.
type cleaning struct {
	daemons bool // end them
	links   bool // take the virtual interfaces away, and with them the routes
	rundir  bool // take the run folder away where start made it
	strict  bool // what fails makes the status 1
}

// stop takes everything away. Behind a stale lock, nothing is alive, and what
// a crash left is files and settings. In restart, links and routes stay.
func cleanAll() cleaning    { return cleaning{daemons: true, links: true, rundir: true, strict: true} }
func cleanStale() cleaning  { return cleaning{} }
func cleanKeep() cleaning   { return cleaning{daemons: true} }
func cleanAnyway() cleaning { return cleaning{daemons: true, links: true} }

// stop returns the nodes of stop. It goes through whatever happened before: no
// lock, no info, daemons that died, interfaces that were left.
func (c *compiler) stop() []plan.Node {
	lock := c.paths.SetupPID()
	nodes := c.lock(c.facts.RunDir)
	nodes = append(nodes, plan.If{
		Cond: plan.Exists{Path: lock},
		Then: []plan.Node{say("running check", "Stopping IPsec...")},
		Else: []plan.Node{
			say("running check", "stop ordered, but IPsec does not appear to be running!"),
			say("running check", "doing cleanup anyway..."),
			plan.SetStatus{Reason: "running check"},
		},
		Reason: "running check",
	})
	const over = "a change that waits to be confirmed is over"
	nodes = append(nodes, ignored(plan.Disarm{Login: plan.AnyLogin}, over))
	nodes = append(nodes, c.release(cleanAll(), c.noted)...)
	return append(nodes,
		say("closing message", "...IPsec stopped"),
		theEnd())
}

// release returns the steps that take back what was noted in ipsec.info: forwarding
// first, then Pluto, then KLIPS, whose interfaces go on dropping packets, and
// the interfaces as late as can be, for with them go the routes that keep
// packets from leaving in the clear.
func (c *compiler) release(how cleaning, what noted) []plan.Node {
	noted := "noted in " + c.paths.Info()
	var nodes []plan.Node
	do := func(op plan.Op, reason string) {
		if how.strict {
			nodes = append(nodes, tried(op, reason))
		} else {
			nodes = append(nodes, ignored(op, reason))
		}
	}
	forwarding, others := splitSettings(what.settings)
	if len(forwarding) > 0 {
		do(plan.Restore{Paths: forwarding}, noted)
	}
	if how.daemons {
		nodes = append(nodes, c.deadPluto())
		do(plan.EndDaemon{Part: plan.Pluto}, "Pluto goes before its data plane")
	}
	for _, h := range what.hooks {
		nodes = append(nodes, warn(updown(h, "down"), noted, "the updown command of conn "+h.Conn+" failed to go down"))
	}
	if how.daemons {
		nodes = append(nodes, c.emptyKlips(how))
		do(plan.EndDaemon{Part: plan.Klips}, "its interfaces go on dropping packets")
	}
	do(plan.Remove{Paths: c.daemonFiles()}, "what daemons that died leave behind")
	if what.subsys || how.strict && c.usesSubsys() {
		do(plan.Remove{Paths: []string{c.paths.SubsysLock()}}, "the subsystem lock")
	}
	if len(others) > 0 {
		do(plan.Restore{Paths: others}, noted)
	}
	if how != cleanKeep() {
		for _, h := range what.hooks {
			nodes = append(nodes, unroute(h, noted))
		}
	}
	if how.links {
		do(plan.ClearInterfaces{}, "the interfaces go last, and with them the routes")
	}
	if how == cleanKeep() {
		// The lock and the notes stay until start writes new ones: after a kill in
		// between, the next restart must know that it has links and routes to keep.
		do(plan.Remove{Paths: []string{c.marker()}}, "no updown command has run yet")
	} else {
		files := []string{c.marker(), c.paths.SetupPID(), c.paths.Info(), c.paths.Kept()}
		if how.strict { // else what waits for a confirmation goes on
			files = append(files, c.paths.ConfirmPID(), c.paths.ConfirmCtl())
		}
		do(plan.Remove{Paths: files}, "the lock of the subsystem, and its notes")
	}
	if how.rundir && (what.rundir || !c.facts.RunDir) {
		do(plan.RemoveDir{Path: c.paths.Run}, "run folder "+c.paths.Run+" was not there")
	}
	return nodes
}

// deadPluto returns the node that speaks of a Pluto which died.
func (c *compiler) deadPluto() plan.Node {
	const reason = "Pluto's pid file"
	return plan.If{
		Cond: plan.Exists{Path: c.paths.PlutoPID()},
		Then: []plan.Node{plan.If{
			Cond:   plan.Not{Cond: plan.Alive{Parts: []plan.Part{plan.Pluto}}},
			Then:   []plan.Node{say(reason, "Pluto died and left "+c.paths.PlutoPID()+": removing it")},
			Reason: reason,
		}},
		Reason: reason,
	}
}

// emptyKlips returns the node that takes eroutes and SAs away, where there is
// a KLIPS to ask.
func (c *compiler) emptyKlips(how cleaning) plan.Node {
	const reason = "KLIPS, alive or not"
	clear := []plan.Node{ignored(plan.ClearEroutes{}, reason), ignored(plan.ClearSAs{}, reason)}
	if how.strict {
		// Where it dies just now, its tables are as empty as can be.
		alive := []plan.Node{plan.If{Cond: plan.Alive{Parts: []plan.Part{plan.Klips}}, Then: []plan.Node{plan.SetStatus{Reason: reason}}, Reason: reason}}
		clear = []plan.Node{plan.Try{Op: plan.ClearEroutes{}, Else: alive, Reason: reason}, plan.Try{Op: plan.ClearSAs{}, Else: alive, Reason: reason}}
	}
	return plan.If{
		Cond: plan.Alive{Parts: []plan.Part{plan.Klips}},
		Then: clear,
		Else: []plan.Node{plan.If{
			Cond:   plan.Alive{Parts: []plan.Part{plan.Interfaces}},
			Then:   []plan.Node{say(reason, "KLIPS died and left its interfaces")},
			Reason: reason,
		}},
		Reason: reason,
	}
}

func unroute(h info.Hook, reason string) plan.Node {
	return warn(updown(h, "unroute"), reason, "the updown command of conn "+h.Conn+" failed to take its route back")
}

// splitSettings tells the settings of forwarding, which go back first, from
// the others. The order in which they were saved stays: it matters.
func splitSettings(paths []string) (forwarding, others []string) {
	for _, p := range paths {
		if isForwarding(p) {
			forwarding = append(forwarding, p)
		} else {
			others = append(others, p)
		}
	}
	return forwarding, others
}
