package compile

import (
	"ipsec/conf"
	"ipsec/conf/info"
	"ipsec/plan"
)

// start returns the nodes of start, in the order in which the subsystem has
// always come up; forwarding comes last.
func (c *resolved) start() []plan.Node {
	nodes := c.lock(c.runDirBefore())
	nodes = append(nodes, c.runningCheck()...)
	nodes = append(nodes, c.bringUpSystem()...)
	return append(nodes, theEnd())
}

// runDirBefore reports whether the run folder was there before any start.
func (c *compiler) runDirBefore() bool { return c.facts.RunDir && !c.noted.rundir }

// lock returns the steps after which no other setup is at work here.
func (c *compiler) lock(there bool) []plan.Node {
	reason := "run folder " + c.paths.Run
	var nodes []plan.Node
	if !there {
		nodes = append(nodes, plan.Try{
			Op:     plan.MakeDirs{Path: c.paths.Run},
			Else:   []plan.Node{say(reason, "failed to make "+c.paths.Run), plan.Exit{Status: plan.Status1, Reason: reason}},
			Reason: reason + " is not there",
		})
	}
	return append(nodes, plan.Try{
		Op: plan.Lock{Dir: c.paths.Run},
		Else: []plan.Node{
			say(reason, "another ipsec setup is at work on "+c.paths.Run+"; try again when it is done"),
			plan.Exit{Status: plan.Status1, Reason: reason},
		},
		Reason: reason,
	})
}

// runningCheck returns the steps that refuse to start what runs already, and
// that clean up behind a lock which nobody holds any more.
func (c *compiler) runningCheck() []plan.Node {
	const check = "running check"
	lock := c.paths.SetupPID()
	alive := func(part plan.Part, text string) plan.Node {
		return plan.If{Cond: plan.Alive{Parts: []plan.Part{part}}, Then: []plan.Node{say(check, text)}, Reason: check}
	}
	then := []plan.Node{
		alive(plan.Klips, "KLIPS is running"),
		alive(plan.Pluto, "Pluto is running"),
		alive(plan.Interfaces, "there are virtual interfaces of ours"),
		plan.If{
			Cond:   plan.Exists{Path: lock},
			Then:   []plan.Node{say(check, `IPsec is already running: run "ipsec setup stop" first, or "ipsec setup restart"`)},
			Else:   []plan.Node{say(check, "these are orphans, for there is no "+lock+`: run "ipsec setup stop" first`)},
			Reason: check,
		},
		plan.Exit{Status: plan.Status1, Reason: check},
	}
	stale := append([]plan.Node{say("stale lock", lock+" is there, but nothing of ours is alive: cleaning up")},
		c.release(cleanStale(), c.behindCrash())...)
	return []plan.Node{
		plan.If{Cond: plan.Alive{Parts: []plan.Part{plan.Klips, plan.Pluto, plan.Interfaces}}, Then: then, Reason: check},
		plan.If{Cond: plan.Exists{Path: lock}, Then: stale, Reason: "stale lock"},
	}
}

// behindCrash returns what ipsec.info has where the daemons are dead, and nothing else:
// while they live, start refuses to run, and its plan is the same as before they did.
func (c *compiler) behindCrash() noted {
	if c.facts.Running.Setup && !c.facts.Running.Klips && !c.facts.Running.Pluto {
		return c.noted
	}
	return noted{}
}

// bringUpSystem returns the steps from the announcement to the closing message.
func (c *resolved) bringUpSystem() []plan.Node {
	nodes := c.announce()
	nodes = append(nodes, c.dataPlane()...)
	nodes = append(nodes, c.attach()...)
	if c.usesSubsys() {
		nodes = append(nodes,
			c.note(info.Subsys(c.paths.SubsysLock()), conf.SubsysDir+" is there"),
			must(plan.Touch{Path: c.paths.SubsysLock()}, conf.SubsysDir+" is there", "failed to make "+c.paths.SubsysLock()))
	}
	if c.restarts() {
		nodes = append(nodes, c.unhook()...)
	}
	nodes = append(nodes, c.bringUp()...)
	if c.restarts() {
		nodes = append(nodes, c.withdraw()...)
	}
	nodes = append(nodes, c.pluto()...)
	if c.restarts() {
		nodes = append(nodes, c.unattach()...)
	}
	nodes = append(nodes, c.forward()...)
	return append(nodes, c.keep(), ignored(plan.Log{Text: "...IPsec started", SyslogOnly: true}, "closing message"))
}

func (c *compiler) usesSubsys() bool {
	return c.facts.SubsysDir && c.paths.Run == conf.DefaultRun
}

// keep returns the step that keeps the configuration: what a reload can be taken back to.
func (c *compiler) keep() plan.Node {
	return warn(plan.Keep{Path: c.paths.Kept()}, "what a change can be taken back to", "the configuration is not kept: a change cannot be taken back")
}

const announcement = "announcement"

// announce returns the steps that say what begins, and take note of it.
func (c *compiler) announce() []plan.Node {
	nodes := []plan.Node{say(announcement, "Starting IPsec...")}
	const devices = "randomness devices"
	for _, dev := range []string{"/dev/random", "/dev/urandom"} {
		nodes = append(nodes, plan.If{
			Cond:   plan.Not{Cond: plan.Device{Path: dev}},
			Then:   []plan.Node{say(devices, "warning: "+dev+" is not there: there may be no good random numbers")},
			Reason: devices,
		})
	}
	nodes = append(nodes,
		must(plan.WritePID{Path: c.paths.SetupPID()}, "the lock of the subsystem", "failed to write "+c.paths.SetupPID()),
		must(plan.Write{Path: c.paths.Info(), Text: info.Config(c.paths.Conf).String()}, "what stop needs", "failed to write "+c.paths.Info()))
	if !c.runDirBefore() {
		nodes = append(nodes, c.note(info.RunDirMade{}, "run folder "+c.paths.Run+" is not there"))
	}
	return nodes
}

// dataPlane returns the steps that start KLIPS.
func (c *compiler) dataPlane() []plan.Node {
	if !c.klips() {
		return nil
	}
	reason := c.keyword("protostack", "auto")
	var nodes []plan.Node
	if !c.facts.TUN {
		const dev = "/dev/net/tun"
		nodes = append(nodes,
			plan.If{
				Cond:   plan.Not{Cond: plan.Device{Path: dev}},
				Then:   []plan.Node{must(plan.Modprobe{Module: "tun"}, dev+" is not there", "failed to load the module tun, which KLIPS needs")},
				Reason: dev + " is not there",
			})
	}
	op := plan.StartKlips{FragICMP: c.setup.FragICMP, HideTOS: c.setup.HideTOS, NoOffload: c.setup.NoOffload}
	for _, flag := range c.setup.KlipsDebug {
		if flag != "none" {
			op.Debug = append(op.Debug, flag)
		}
	}
	reason = c.and(reason, "klipsdebug", "fragicmp", "hidetos", "nooffload")
	return append(nodes,
		c.note(info.Klips, reason),
		must(op, reason, "failed to start KLIPS"))
}

// undo returns what a failing start or restart does: it takes back what may
// have been done, stop's way.
func (c *resolved) undo() []plan.Node {
	const reason = "undoing a start that failed"
	nodes := []plan.Node{say(reason, "cannot start IPsec: undoing what was done")}
	do := func(op plan.Op) { nodes = append(nodes, ignored(op, reason)) }
	if four, six := c.forwardSettings(); len(four) > 0 {
		do(plan.Restore{Paths: append(four, six...)})
	}
	if c.setup.Pluto {
		do(plan.EndDaemon{Part: plan.Pluto})
	}
	if c.restarts() {
		for _, h := range c.staleHooks(c.plutoRoutes) {
			do(updown(h, "unroute"))
		}
	}
	var down, unroute []plan.Node
	for _, m := range c.manual {
		for _, h := range m.hooks {
			down = append(down, ignored(updown(h, "down"), m.reason))
			unroute = append(unroute, ignored(updown(h, "unroute"), m.reason))
		}
	}
	if len(down) > 0 {
		nodes = append(nodes, plan.If{Cond: plan.Exists{Path: c.marker()}, Then: append(down, unroute...), Reason: reason})
	}
	if c.klips() {
		do(plan.EndDaemon{Part: plan.Klips})
	}
	if settings := c.filterSettings(); len(settings) > 0 {
		do(plan.Restore{Paths: settings})
	}
	if c.usesSubsys() {
		do(plan.Remove{Paths: []string{c.paths.SubsysLock()}})
	}
	do(plan.Remove{Paths: c.daemonFiles()})
	do(plan.ClearInterfaces{})
	do(plan.Remove{Paths: []string{c.marker(), c.paths.SetupPID(), c.paths.Info(), c.paths.Kept()}})
	if !c.runDirBefore() {
		do(plan.RemoveDir{Path: c.paths.Run})
	}
	return nodes
}

// daemonFiles are the files that the daemons make, and may leave behind.
func (c *compiler) daemonFiles() []string {
	p := c.paths
	return []string{p.PlutoPID(), p.PlutoCtl(), p.KlipsPID(), p.KlipsCtl(), p.KlipsIKE()}
}

func theEnd() plan.Node { return plan.Exit{Status: plan.StatusRegister, Reason: "the end"} }
