package compile

import (
	"fmt"
	"slices"
	"strings"

	"ipsec/conf/info"
	"ipsec/plan"
	"ipsec/plan/change"
)

// Reload returns the plan that makes of what is there what a start would leave, and touches nothing that is as
// it is wanted. What cannot be changed without an interruption, it refuses, unless disruptive allows it: then,
// or where a daemon has died, the plan is that of a restart. The error says what stands in the way.
func (p *Promise) Reload(there change.State, disruptive bool) (plan.Plan, error) {
	r := p.resolved
	r.verb = plan.Reload
	if disruptive {
		r.verb = plan.ReloadDisruptive
	}
	out := plan.Plan{Verb: r.verb, Paths: r.paths, Syslog: r.syslog(), Digest: r.cfg.Digest, Facts: r.facts.Digest()}
	if !r.facts.Running.Setup {
		out.Nodes = r.notRunning()
		return out, nil
	}
	changes := change.Compare(p.Items, there)
	dead, interrupting := interruptions(changes)
	switch {
	case dead || disruptive && len(interrupting) > 0:
		r.restarting = true
		out.Nodes, out.Undo = r.restart(), r.undo()
		return out, nil
	case len(interrupting) > 0:
		return plan.Plan{}, fmt.Errorf("a reload would interrupt all connections: %s; run it with --disruptive, which then does what a restart does", strings.Join(interrupting, "; "))
	}
	for _, kind := range []change.Kind{change.DataPlane, change.Connection} {
		if kind == change.Connection && starting(changes) {
			continue // there are none
		}
		if why, unseen := there.Unseen[kind]; unseen && slices.ContainsFunc(p.Items, func(i change.Item) bool { return i.Kind == kind }) {
			return plan.Plan{}, fmt.Errorf("failed to plan a reload: %s", why)
		}
	}
	l := newReloader(r, p.Items, there, changes)
	out.Nodes, out.Undo = l.nodes(), l.undo()
	return out, nil
}

// notRunning returns the nodes of a reload where nothing runs.
func (c *compiler) notRunning() []plan.Node {
	const check = "running check"
	return []plan.Node{say(check, `IPsec is not running: run "ipsec setup start"`), plan.Exit{Status: plan.Status1, Reason: check}}
}

// interruptions returns what of changes cannot be made while connections are up, and whether a daemon is dead.
func interruptions(changes []change.Change) (dead bool, interrupting []string) {
	for _, c := range changes {
		item := c.Item()
		because := func(what string) { interrupting = append(interrupting, explained(what, item.Reason)) }
		switch {
		case item.Kind == change.Daemon && c.Have.Value == change.Gone:
			dead = true
		case item.Kind == change.Daemon && c.Mark == change.Alter:
			because("the arguments of " + item.Object + " change" + argued(c.Have.Value, c.Want.Value))
		case item.Kind == change.Daemon && c.Mark == change.Remove:
			because(item.Object + " is to end")
		case item.Kind == change.Daemon && item.Object == string(plan.Klips):
			because(item.Object + " is to start")
		case c.Moved():
			because(item.Object + " moves to another link")
		default:
			if virtual, is := displaced(c, changes); is {
				because(item.Object + " takes the place of " + virtual)
			}
		}
	}
	return dead, interrupting
}

// argued says which words come to the arguments of a daemon, and which go.
func argued(have, want string) string {
	old, now := change.Words(have), change.Words(want)
	var words []string
	for _, w := range now {
		if !slices.Contains(old, w) {
			words = append(words, "more "+w)
		}
	}
	for _, w := range old {
		if !slices.Contains(now, w) {
			words = append(words, "less "+w)
		}
	}
	if len(words) == 0 { // in their order
		return ""
	}
	return ": " + strings.Join(words, ", ")
}

// displaced returns the virtual interface that goes, and in the place of which c wants another.
func displaced(c change.Change, changes []change.Change) (string, bool) {
	if c.Want.Kind != change.Network || c.Want.Physical() == "" {
		return "", false
	}
	for _, other := range changes {
		if detach, ok := other.Have.Op.(plan.Detach); ok && other.Mark == change.Remove && other.Have.Physical() == c.Want.Physical() {
			return detach.Virtual, true
		}
	}
	return "", false
}

// starting reports whether Pluto is to start, which has not run before.
func starting(changes []change.Change) bool {
	return slices.ContainsFunc(changes, func(c change.Change) bool { return c.Mark == change.Add && c.Want.Object == string(plan.Pluto) })
}

// explained adds a reason to what there is to say, where there is one.
func explained(what, reason string) string {
	if reason == "" {
		return what
	}
	return what + " (" + reason + ")"
}

// reloader makes the nodes of a quiet reload.
type reloader struct {
	*resolved
	want     []change.Item
	there    []change.Item
	named    map[string]bool // by the names of what is there
	changes  []change.Change
	changed  map[string]change.Change // by the name of what is changed
	wanted   map[string]bool          // names of what is wanted
	standing *info.Standing
	hooks    []info.Hook // that nobody wants any more, and that are not Pluto's to undo
	moves    moves
}

func newReloader(r *resolved, want []change.Item, there change.State, changes []change.Change) *reloader {
	l := &reloader{
		resolved: r, want: want, there: there.Items, changes: changes, standing: info.StandingOf(r.facts.Running.Info),
		changed: make(map[string]change.Change, len(changes)), wanted: make(map[string]bool, len(want)), named: make(map[string]bool, len(there.Items)),
	}
	for _, h := range there.Items {
		l.named[h.Object] = true
	}
	for _, w := range want {
		l.wanted[w.Object] = true
	}
	for _, c := range changes {
		l.changed[c.Item().Object] = c
	}
	l.hooks = l.goneHooks()
	l.moves = l.plutoMoves()
	return l
}

// nodes returns the nodes of a reload. The networks of a connection that goes away, and that another has in the end,
// are held in KLIPS meanwhile, so that no packet of them leaves in the clear.
func (l *reloader) nodes() []plan.Node {
	nodes := slices.Concat(l.lock(true), l.runs(), []plan.Node{say(announcement, "Reloading IPsec...")})
	if config := info.Config(l.paths.Conf); !l.standing.Has(config) {
		nodes = append(nodes, l.note(config, "--config"))
	}
	nodes = slices.Concat(nodes, l.interfaces(), l.filters())
	conns := slices.Concat(l.hold(), l.plutoGone(), l.manualGone(), l.manualNew(), l.unattach(), l.plutoNew(), l.missingRoutes(), l.release())
	conns = append(conns, l.leftOvers()...)
	conns = append(conns, l.forwarding()...)
	return append(append(nodes, soften(conns)...),
		l.keep(),
		ignored(plan.Remove{Paths: []string{l.paths.Confirmed()}}, confirmed),
		ignored(plan.Log{Text: "...IPsec reloaded", SyslogOnly: true}, "closing message"),
		theEnd())
}

// runs returns the nodes that refuse to reload what does not run any more.
func (l *reloader) runs() []plan.Node {
	const check = "running check"
	refuse := func(cond plan.Cond, text string) plan.Node {
		return plan.If{Cond: plan.Not{Cond: cond}, Then: []plan.Node{say(check, text), plan.Exit{Status: plan.Status1, Reason: check}}, Reason: check}
	}
	nodes := []plan.Node{refuse(plan.Exists{Path: l.paths.SetupPID()}, `IPsec is not running: run "ipsec setup start"`)}
	if l.klips() {
		nodes = append(nodes, refuse(plan.Alive{Parts: []plan.Part{plan.Klips}}, `KLIPS does not run any more: reload once more`))
	}
	if l.setup.Pluto && !l.starts() {
		nodes = append(nodes, refuse(plan.Alive{Parts: []plan.Part{plan.Pluto}}, `Pluto does not run any more: reload once more`))
	}
	return nodes
}

// starts reports whether Pluto is to start, which has not run before.
func (l *reloader) starts() bool { return starting(l.changes) }

// interfaces returns the steps that make interfaces, or make them as they are wanted again.
func (l *reloader) interfaces() []plan.Node {
	var nodes []plan.Node
	for _, a := range l.attached {
		c, differs := l.changed["interface "+a.virtual]
		failed := fmt.Sprintf("failed to set up %s on %s", a.virtual, a.physical)
		switch {
		case differs && (c.Mark == change.Add || c.Have.Value == change.Gone):
			if c.Have.Value == change.Gone {
				nodes = append(nodes, ignored(plan.Detach{Virtual: a.virtual}, a.virtual+" is gone, and KLIPS has it still"))
			}
			nodes = append(nodes, l.attachOne(a)...)
			continue
		case differs:
			mtu, reason := l.mtu(a)
			nodes = append(nodes, must(plan.SetMTU{Link: a.virtual, MTU: mtu}, reason, failed), must(plan.LinkUp{Link: a.virtual}, a.reason, failed))
		}
		if l.differs(change.UseOf(a.virtual, "on")) || l.differs(change.UseOf(a.virtual, "off")) {
			nodes = append(nodes, l.bind(a, failed))
		}
		for _, n := range l.attachOne(a) {
			if s, ok := n.(plan.Step); ok {
				if op, ok := s.Op.(plan.AddAddr); ok && l.differs(change.AddressOf(op)) {
					nodes = append(nodes, l.note(info.Address{Link: op.Link, Prefix: op.Prefix}, s.Reason), s)
				}
			}
		}
	}
	return nodes
}

func isDetach(op plan.Op) bool {
	_, ok := op.(plan.Detach)
	return ok
}

// differs reports whether something is not as it is wanted.
func (l *reloader) differs(item change.Item) bool {
	_, differs := l.changed[item.Object]
	return differs
}

// filters returns the steps of rp_filter, where it is not as it is wanted. Where an interface goes away, the link below
// it gets back what it had, or what all links enforced: only who begins anew knows which.
func (l *reloader) filters() []plan.Node {
	if slices.ContainsFunc(l.changes, func(c change.Change) bool { return c.Mark == change.Remove && isDetach(c.Have.Op) }) {
		return append(l.unfilter("an interface goes away"), l.filter()...)
	}
	if slices.ContainsFunc(l.changes, func(c change.Change) bool {
		return isFilter(c.Want) && c.Have.Object != "" && c.Have.Value < c.Want.Value
	}) { // of what all links enforced, some may be enough by itself now
		return append(l.unfilter(l.keyword("rp_filter", "0")), l.filter()...)
	}
	if slices.ContainsFunc(l.changes, func(c change.Change) bool { return isFilter(c.Want) }) {
		return l.filter()
	}
	return nil
}

// unfilter returns the steps that give rp_filter back to the links that had it.
func (l *reloader) unfilter(reason string) []plan.Node {
	back := slices.DeleteFunc(slices.Clone(l.noted.settings), isForwarding)
	if len(back) == 0 {
		return nil
	}
	return []plan.Node{ignored(plan.Restore{Paths: back}, reason)}
}

func isFilter(i change.Item) bool {
	return i.Kind == change.Setting && strings.HasSuffix(i.Object, "/rp_filter")
}

// forwarding returns the steps that turn forwarding on where it is not, and those that give settings back which
// nothing wants changed any more.
func (l *reloader) forwarding() []plan.Node {
	var nodes []plan.Node
	on, off := false, false
	for _, c := range l.changes {
		switch {
		case c.Mark == change.Remove && c.Have.Kind == change.Setting:
			off = true
		case c.Want.Kind == change.Setting && isForwarding(c.Want.Object):
			on = true
		}
	}
	if off { // all of them, in the order of the notes: some follow from others
		back := slices.DeleteFunc(slices.Clone(l.noted.settings), func(path string) bool { return l.wanted[path] })
		if len(back) > 0 {
			nodes = append(nodes, ignored(plan.Restore{Paths: back}, "noted in "+l.paths.Info()+", and no longer wanted"))
		}
	}
	if on {
		nodes = append(nodes, l.forward()...)
	}
	return nodes
}

// soften lets steps fail that would undo a start: connections have changed by then.
func soften(nodes []plan.Node) []plan.Node {
	for i, n := range nodes {
		if s, ok := n.(plan.Step); ok && s.OnFail.Kind == plan.FailUndo {
			s.OnFail.Kind = plan.FailWarn
			nodes[i] = s
		}
	}
	return nodes
}

// undo returns what a reload does that fails before any connection has changed.
func (l *reloader) undo() []plan.Node {
	const reason = "undoing a reload that failed"
	nodes := []plan.Node{say(reason, "cannot reload IPsec: undoing what was done; the connections are as they were")}
	for _, a := range slices.Backward(l.attached) {
		if c, differs := l.changed["interface "+a.virtual]; differs && c.Mark == change.Add {
			nodes = append(nodes, ignored(plan.Detach{Virtual: a.virtual}, reason))
		}
	}
	var back []string
	for _, path := range l.filterSettings() {
		if !l.standing.Has(info.Setting{Path: path}) {
			back = append(back, path)
		}
	}
	if len(back) > 0 && len(l.filters()) > 0 {
		nodes = append(nodes, ignored(plan.Restore{Paths: back}, reason))
	}
	return nodes
}
