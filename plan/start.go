package plan

import (
	"strings"

	"ipsec/conf"
)

// start returns the nodes of start, in the order in which the subsystem has
// always come up; forwarding comes last.
func (c *compiler) start() []Node {
	nodes := c.lock(c.runDirBefore())
	nodes = append(nodes, c.runningCheck()...)
	nodes = append(nodes, c.bringUpSystem()...)
	return append(nodes, theEnd())
}

// runDirBefore reports whether the run folder was there before any start.
func (c *compiler) runDirBefore() bool { return c.facts.RunDir && !c.info.rundir }

// lock returns the steps after which no other setup is at work here.
func (c *compiler) lock(there bool) []Node {
	reason := "run folder " + c.paths.Run
	var nodes []Node
	if !there {
		nodes = append(nodes, Try{
			Op:     MakeDirs{c.paths.Run},
			Else:   []Node{say(reason, "failed to make "+c.paths.Run), Exit{Status: Status1, Reason: reason}},
			Reason: reason + " is not there",
		})
	}
	return append(nodes, Try{
		Op: Lock{c.paths.Run},
		Else: []Node{
			say(reason, "another ipsec setup is at work on "+c.paths.Run+"; try again when it is done"),
			Exit{Status: Status1, Reason: reason},
		},
		Reason: reason,
	})
}

// runningCheck returns the steps that refuse to start what runs already, and
// that clean up behind a lock which nobody holds any more.
func (c *compiler) runningCheck() []Node {
	const check = "running check"
	lock := c.paths.SetupPID()
	alive := func(part Part, text string) Node {
		return If{Cond: Alive{[]Part{part}}, Then: []Node{say(check, text)}, Reason: check}
	}
	then := []Node{
		alive(Klips, "KLIPS is running"),
		alive(Pluto, "Pluto is running"),
		alive(Interfaces, "there are virtual interfaces of ours"),
		If{
			Cond:   Exists{lock},
			Then:   []Node{say(check, `IPsec is already running: run "ipsec setup stop" first, or "ipsec setup restart"`)},
			Else:   []Node{say(check, "these are orphans, for there is no "+lock+`: run "ipsec setup stop" first`)},
			Reason: check,
		},
		Exit{Status: Status1, Reason: check},
	}
	stale := append([]Node{say("stale lock", lock+" is there, but nothing of ours is alive: cleaning up")},
		c.behindCrash().release(cleanStale())...)
	return []Node{
		If{Cond: Alive{[]Part{Klips, Pluto, Interfaces}}, Then: then, Reason: check},
		If{Cond: Exists{lock}, Then: stale, Reason: "stale lock"},
	}
}

// behindCrash returns c with what ipsec.info has only where the daemons are
// dead: while they live, start refuses to run, and its plan is the same as
// before they did.
func (c *compiler) behindCrash() *compiler {
	if c.facts.Running.Setup && !c.facts.Running.Klips && !c.facts.Running.Pluto {
		return c
	}
	clean := *c
	clean.info = info{}
	return &clean
}

// bringUpSystem returns the steps from the announcement to the closing message.
func (c *compiler) bringUpSystem() []Node {
	nodes := c.announce()
	nodes = append(nodes, c.dataPlane()...)
	nodes = append(nodes, c.attach()...)
	if c.usesSubsys() {
		nodes = append(nodes,
			c.note(infoSubsys, c.paths.SubsysLock(), conf.SubsysDir+" is there"),
			must(Touch{c.paths.SubsysLock()}, conf.SubsysDir+" is there", "failed to make "+c.paths.SubsysLock()))
	}
	nodes = append(nodes, c.bringUp()...)
	nodes = append(nodes, c.pluto()...)
	if c.verb == Restart {
		nodes = append(nodes, c.unwanted()...)
	}
	nodes = append(nodes, c.forward()...)
	return append(nodes, ignored(Log{Text: "...IPsec started", SyslogOnly: true}, "closing message"))
}

func (c *compiler) usesSubsys() bool {
	return c.facts.SubsysDir && c.paths.Run == conf.DefaultRun
}

// announce returns the steps that say what begins, and take note of it.
func (c *compiler) announce() []Node {
	nodes := []Node{say("announcement", "Starting IPsec...")}
	const devices = "randomness devices"
	for _, dev := range []string{"/dev/random", "/dev/urandom"} {
		nodes = append(nodes, If{
			Cond:   Not{Device{dev}},
			Then:   []Node{say(devices, "warning: "+dev+" is not there: there may be no good random numbers")},
			Reason: devices,
		})
	}
	nodes = append(nodes,
		must(WritePID{c.paths.SetupPID()}, "the lock of the subsystem", "failed to write "+c.paths.SetupPID()),
		must(Write{Path: c.paths.Info(), Text: infoConfig + "=" + c.paths.Conf}, "what stop needs", "failed to write "+c.paths.Info()))
	if !c.runDirBefore() {
		nodes = append(nodes, c.note(infoRunDir, made, "run folder "+c.paths.Run+" is not there"))
	}
	return nodes
}

// dataPlane returns the steps that start KLIPS.
func (c *compiler) dataPlane() []Node {
	if !c.klips() {
		return nil
	}
	reason := c.keyword("protostack", "auto")
	var nodes []Node
	if !c.facts.TUN {
		const dev = "/dev/net/tun"
		nodes = append(nodes,
			If{
				Cond:   Not{Device{dev}},
				Then:   []Node{must(Modprobe{"tun"}, dev+" is not there", "failed to load the module tun, which KLIPS needs")},
				Reason: dev + " is not there",
			})
	}
	op := StartKlips{FragICMP: c.setup.FragICMP, HideTOS: c.setup.HideTOS, NoOffload: c.setup.NoOffload}
	for _, flag := range c.setup.KlipsDebug {
		if flag != "none" {
			op.Debug = append(op.Debug, flag)
		}
	}
	reasons := []string{reason}
	for _, kw := range []string{"klipsdebug", "fragicmp", "hidetos", "nooffload"} {
		if !c.setup.At(kw).IsZero() {
			reasons = append(reasons, c.keyword(kw, ""))
		}
	}
	reason = strings.Join(reasons, "; ")
	return append(nodes,
		c.note(infoKlips, "started", reason),
		must(op, reason, "failed to start KLIPS"))
}

// undo returns what a failing start or restart does: it takes back what may
// have been done, stop's way.
func (c *compiler) undo() []Node {
	const reason = "undoing a start that failed"
	nodes := []Node{say(reason, "cannot start IPsec: undoing what was done")}
	do := func(op Op) { nodes = append(nodes, ignored(op, reason)) }
	if len(c.forwarding) > 0 {
		do(Restore{c.forwarding})
	}
	if c.setup.Pluto {
		do(EndDaemon{Pluto})
	}
	if c.verb == Restart {
		for _, h := range c.staleHooks() {
			do(updown(h, "unroute"))
		}
	}
	var down, unroute []Node
	for _, m := range c.manual {
		for _, h := range m.hooks {
			down = append(down, ignored(updown(h, "down"), m.reason))
			unroute = append(unroute, ignored(updown(h, "unroute"), m.reason))
		}
	}
	if len(down) > 0 {
		nodes = append(nodes, If{Cond: Exists{c.marker()}, Then: append(down, unroute...), Reason: reason})
	}
	if c.klips() {
		do(EndDaemon{Klips})
	}
	if len(c.rpfilter) > 0 {
		do(Restore{c.rpfilter})
	}
	if c.usesSubsys() {
		do(Remove{[]string{c.paths.SubsysLock()}})
	}
	do(Remove{c.daemonFiles()})
	do(ClearInterfaces{})
	do(Remove{[]string{c.marker(), c.paths.SetupPID(), c.paths.Info()}})
	if !c.runDirBefore() {
		do(RemoveDir{c.paths.Run})
	}
	return nodes
}

// daemonFiles are the files that the daemons make, and may leave behind.
func (c *compiler) daemonFiles() []string {
	p := c.paths
	return []string{p.PlutoPID(), p.PlutoCtl(), p.KlipsPID(), p.KlipsCtl(), p.KlipsIKE()}
}

func theEnd() Node { return Exit{Status: StatusRegister, Reason: "the end"} }
