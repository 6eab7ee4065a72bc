package plan

import "ipsec/conf/hook"

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
func (c *compiler) stop() []Node {
	lock := c.paths.SetupPID()
	nodes := c.lock(c.facts.RunDir)
	nodes = append(nodes, If{
		Cond: Exists{lock},
		Then: []Node{say("running check", "Stopping IPsec...")},
		Else: []Node{
			say("running check", "stop ordered, but IPsec does not appear to be running!"),
			say("running check", "doing cleanup anyway..."),
			ignored(SetStatus{}, "running check"),
		},
		Reason: "running check",
	})
	nodes = append(nodes, c.release(cleanAll())...)
	return append(nodes,
		say("closing message", "...IPsec stopped"),
		theEnd())
}

// release returns the steps that take back what ipsec.info has: forwarding
// first, then Pluto, then KLIPS, whose interfaces go on dropping packets, and
// the interfaces as late as can be, for with them go the routes that keep
// packets from leaving in the clear.
func (c *compiler) release(how cleaning) []Node {
	noted := "noted in " + c.paths.Info()
	var nodes []Node
	do := func(op Op, reason string) {
		if how.strict {
			nodes = append(nodes, tried(op, reason))
		} else {
			nodes = append(nodes, ignored(op, reason))
		}
	}
	forwarding, others := splitSettings(c.info.settings)
	if len(forwarding) > 0 {
		do(Restore{forwarding}, noted)
	}
	if how.daemons {
		nodes = append(nodes, c.deadPluto())
		do(EndDaemon{Pluto}, "Pluto goes before its data plane")
	}
	for _, h := range c.info.hooks {
		nodes = append(nodes, warn(updown(h, "down"), noted, "the updown command of conn "+h.Conn+" failed to go down"))
	}
	if how.daemons {
		nodes = append(nodes, c.emptyKlips(how))
		do(EndDaemon{Klips}, "its interfaces go on dropping packets")
	}
	do(Remove{c.daemonFiles()}, "what daemons that died leave behind")
	if c.info.subsys || how.strict && c.usesSubsys() {
		do(Remove{[]string{c.paths.SubsysLock()}}, "the subsystem lock")
	}
	if len(others) > 0 {
		do(Restore{others}, noted)
	}
	if how != cleanKeep() {
		for _, h := range c.info.hooks {
			nodes = append(nodes, unroute(h, noted))
		}
	}
	if how.links {
		do(ClearInterfaces{}, "the interfaces go last, and with them the routes")
	}
	if how == cleanKeep() {
		// The lock and the notes stay until start writes new ones: after a kill in
		// between, the next restart must know that it has links and routes to keep.
		do(Remove{[]string{c.marker()}}, "no updown command has run yet")
	} else {
		do(Remove{[]string{c.marker(), c.paths.SetupPID(), c.paths.Info()}}, "the lock of the subsystem, and its notes")
	}
	if how.rundir && (c.info.rundir || !c.facts.RunDir) {
		do(RemoveDir{c.paths.Run}, "run folder "+c.paths.Run+" was not there")
	}
	return nodes
}

// deadPluto returns the node that speaks of a Pluto which died.
func (c *compiler) deadPluto() Node {
	const reason = "Pluto's pid file"
	return If{
		Cond: Exists{c.paths.PlutoPID()},
		Then: []Node{If{
			Cond:   Not{Alive{[]Part{Pluto}}},
			Then:   []Node{say(reason, "Pluto died and left "+c.paths.PlutoPID()+": removing it")},
			Reason: reason,
		}},
		Reason: reason,
	}
}

// emptyKlips returns the node that takes eroutes and SAs away, where there is
// a KLIPS to ask.
func (c *compiler) emptyKlips(how cleaning) Node {
	const reason = "KLIPS, alive or not"
	clear := []Node{ignored(ClearEroutes{}, reason), ignored(ClearSAs{}, reason)}
	if how.strict {
		// Where it dies just now, its tables are as empty as can be.
		alive := []Node{If{Cond: Alive{[]Part{Klips}}, Then: []Node{ignored(SetStatus{}, reason)}, Reason: reason}}
		clear = []Node{Try{ClearEroutes{}, alive, reason}, Try{ClearSAs{}, alive, reason}}
	}
	return If{
		Cond: Alive{[]Part{Klips}},
		Then: clear,
		Else: []Node{If{
			Cond:   Alive{[]Part{Interfaces}},
			Then:   []Node{say(reason, "KLIPS died and left its interfaces")},
			Reason: reason,
		}},
		Reason: reason,
	}
}

func unroute(h hook.Note, reason string) Node {
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
