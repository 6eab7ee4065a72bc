package exectest

import (
	"context"
	"fmt"
	"slices"

	"ipsec/exec"
	"ipsec/plan"
)

// Recorder is a Backend that does nothing and records everything, in order, as
// events: an op in Go syntax without its package, "? " and a condition, "say "
// and what was said, "see " and the type of a node that it was told of.
type Recorder struct {
	Events []string
	Before func(event string)     // called before an event is remembered; may be nil
	Fails  func(op plan.Op) error // how an op fails; nil: it does not
	True   []plan.Cond            // the conditions that hold
	Broken []plan.Cond            // the conditions that cannot be answered
}

var (
	_ exec.Backend  = (*Recorder)(nil)
	_ exec.Observer = (*Recorder)(nil)
)

// NewRecorder returns a Recorder in which nothing fails and nothing holds.
func NewRecorder() *Recorder { return new(Recorder) }

// Do remembers op.
func (r *Recorder) Do(_ context.Context, op plan.Op) error {
	r.event(fmt.Sprintf("%T%+v", op, op)[len("plan."):])
	if r.Fails == nil {
		return nil
	}
	return r.Fails(op)
}

func (r *Recorder) event(e string) {
	if r.Before != nil {
		r.Before(e)
	}
	r.Events = append(r.Events, e)
}

// Holds reports whether cond is one of True, and fails if it is one of Broken.
func (r *Recorder) Holds(cond plan.Cond) (bool, error) {
	r.event(fmt.Sprintf("? %T%+v", cond, cond))
	is := func(c plan.Cond) bool { return fmt.Sprint(c) == fmt.Sprint(cond) }
	if slices.ContainsFunc(r.Broken, is) {
		return true, fmt.Errorf("failed to tell %v", cond)
	}
	return slices.ContainsFunc(r.True, is), nil
}

// Say remembers text.
func (r *Recorder) Say(text string) { r.event("say " + text) }

// Observe remembers that n is about to be done.
func (r *Recorder) Observe(n plan.Node) { r.event(fmt.Sprintf("see %T", n)) }
