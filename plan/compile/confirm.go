package compile

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipsec/conf"
	"ipsec/plan"
	"ipsec/plan/change"
)

const confirming = "--confirm"

// AwaitConfirmation returns p, the plan of a start, a restart or a reload, with the steps by which what ran before
// comes back unless it is confirmed within seconds, and at once where one of checks fails: "conn NAME" is to come up,
// "ping ADDRESS [from ADDRESS]" to be answered. Where the way back cannot be held, nothing is done.
func AwaitConfirmation(p plan.Plan, seconds int, checks []string) (plan.Plan, error) {
	accept, err := acceptance(checks)
	if err != nil {
		return plan.Plan{}, err
	}
	arm := plan.Try{
		Op:     plan.Arm{Seconds: seconds},
		Else:   []plan.Node{say(confirming, "there is no way back from this change: nothing is done"), plan.Exit{Status: plan.Status1, Reason: confirming}},
		Reason: confirming,
	}
	at := slices.IndexFunc(p.Nodes, begins)
	if at < 0 { // there is nothing to do
		return p, nil
	}
	told := say(confirming, fmt.Sprintf(`run "ipsec setup confirm" from a new login within %d seconds, or what ran before comes back`, seconds))
	end := len(p.Nodes) - 2 // before the closing message and the exit
	p.Nodes = slices.Concat(p.Nodes[:at], []plan.Node{arm}, p.Nodes[at:end], accept, []plan.Node{told}, p.Nodes[end:])
	if !p.Verb.Stops() && len(p.Undo) > 0 { // else what was stopped is to come back
		p.Undo = slices.Insert(slices.Clone(p.Undo), 1, ignored(plan.Disarm{Login: plan.AnyLogin}, confirming))
	}
	p.Nodes = slices.DeleteFunc(p.Nodes, func(n plan.Node) bool {
		s, ok := n.(plan.Step)
		return ok && s.Reason == confirmed
	})
	return p, nil
}

// acceptTime is how long what is to be accepted may take, in seconds.
const acceptTime = 10

// acceptance returns the steps that go back at once where one of checks fails.
func acceptance(checks []string) ([]plan.Node, error) {
	var nodes []plan.Node
	for _, check := range checks {
		op, err := acceptOp(check)
		if err != nil {
			return nil, err
		}
		reason := "--accept " + check
		nodes = append(nodes, plan.Try{
			Op:     op,
			Else:   []plan.Node{say(reason, "the change is not accepted, for this fails: "+check), ignored(plan.GoBack{}, reason), plan.Exit{Status: plan.StatusBack, Reason: reason}},
			Reason: reason,
		})
	}
	return nodes, nil
}

func acceptOp(check string) (plan.Op, error) {
	words := strings.Fields(check)
	malformed := fmt.Errorf("malformed check %q: expected conn NAME, or ping ADDRESS [from ADDRESS]", check)
	switch {
	case len(words) == 2 && words[0] == "conn":
		return plan.Initiate{Name: words[1]}, nil
	case len(words) == 2 && words[0] == "ping", len(words) == 4 && words[0] == "ping" && words[2] == "from":
		op := plan.Ping{Seconds: acceptTime}
		var err error
		if op.Addr, err = netip.ParseAddr(words[1]); err != nil {
			return nil, malformed
		}
		if len(words) == 4 {
			if op.From, err = netip.ParseAddr(words[3]); err != nil || op.From.Is4() != op.Addr.Is4() {
				return nil, malformed
			}
		}
		return op, nil
	}
	return nil, malformed
}

// begins reports whether a node is the first that changes something: a start and a reload announce themselves, and a
// restart begins with what it stops.
func begins(n plan.Node) bool {
	switch n := n.(type) {
	case plan.Step:
		return n.Reason == announcement
	case plan.If:
		return n.Reason == stopping
	}
	return false
}

// confirmed is the reason of the step by which a reload that needs no confirmation takes away what was confirmed last.
const confirmed = "what this file has is what the next boot starts"

// Confirm returns the plan of confirm: what runs stays, and the next boot starts it. Without force it has to come
// from a login that began after the change.
func Confirm(force bool, facts plan.Facts, paths conf.Paths) plan.Plan {
	const reason = "confirmation"
	c := newCompiler(plan.Confirm, nil, facts, paths)
	login := plan.NewLogin
	if force {
		login = plan.AnyLogin
	}
	nothing := plan.If{
		Cond: plan.Not{Cond: plan.Exists{Path: paths.Confirmed()}},
		Then: []plan.Node{plan.If{
			Cond:   plan.Not{Cond: plan.Exists{Path: paths.ConfirmPID()}},
			Then:   []plan.Node{say(reason, "there is nothing to confirm"), plan.Exit{Status: plan.Status1, Reason: reason}},
			Reason: reason,
		}},
		Reason: reason,
	}
	refused := []plan.Node{say(reason, "the change is not confirmed"), plan.Exit{Status: plan.Status1, Reason: reason}}
	return plan.Plan{Verb: plan.Confirm, Paths: paths, Syslog: c.syslog(), Facts: facts.Digest(), Nodes: []plan.Node{
		nothing,
		plan.Try{Op: plan.Disarm{Login: login}, Else: refused, Reason: reason},
		tried(plan.Remove{Paths: []string{paths.Confirmed()}}, reason),
		say(reason, "what runs is confirmed, and what the next boot starts"),
		theEnd(),
	}}
}

// Revert returns the plan that goes back to this configuration, which was confirmed last: a reload, one that may
// interrupt connections; or a restart where nothing runs, though something may be left, and where a daemon does not say
// what it has. ipsec.conf stays unconfirmed.
func (p *Promise) Revert(there change.State) (plan.Plan, error) {
	out, err := p.Reload(there, true)
	if r := p.resolved; err != nil || !r.facts.Running.Setup {
		r.verb, r.restarting = plan.Restart, true
		out = plan.Plan{Paths: r.paths, Syslog: r.syslog(), Digest: r.cfg.Digest, Facts: r.facts.Digest(), Nodes: r.restart(), Undo: r.undo()}
	}
	out.Verb = plan.Revert
	return reverting(out), nil
}

// RevertToNothing returns the plan that goes back to what was before a start: nothing ran.
func RevertToNothing(facts plan.Facts, paths conf.Paths) plan.Plan {
	c := newCompiler(plan.Revert, nil, facts, paths)
	return reverting(plan.Plan{Verb: plan.Revert, Paths: paths, Syslog: c.syslog(), Facts: facts.Digest(), Nodes: c.stop()})
}

// reverting adds to p that it goes back, and at its end that there is nothing to wait for any more.
func reverting(p plan.Plan) plan.Plan {
	const reason = "going back"
	at := max(0, slices.IndexFunc(p.Nodes, begins))
	end := len(p.Nodes) - 1
	p.Nodes = slices.Concat(p.Nodes[:at], []plan.Node{say(reason, "going back to what was confirmed last")}, p.Nodes[at:end],
		[]plan.Node{ignored(plan.Disarm{Login: plan.AnyLogin}, reason)}, p.Nodes[end:])
	p.Nodes = slices.DeleteFunc(p.Nodes, func(n plan.Node) bool {
		s, ok := n.(plan.Step)
		return ok && s.Reason == confirmed
	})
	return p
}
