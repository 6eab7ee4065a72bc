package exec

import (
	"context"
	"fmt"

	"ipsec/plan"
)

// Backend performs the ops of a plan and answers its conditions. What implements
// Ops implements Do by calling exec.Do. A decorator embeds a Backend and overrides
// Do, through which every op goes.
type Backend interface {
	Sayer
	// Do performs an op.
	Do(context.Context, plan.Op) error
	// Holds answers a condition other than a Not.
	Holds(plan.Cond) (bool, error)
}

// Sayer tells a person how something failed: what the command that is a step's
// shell form would print on stderr. What a plan itself says is its Log steps and the
// messages of its failure policies, which are Log ops.
type Sayer interface{ Say(text string) }

// Observer is told of each node just before it is carried out: of an If or a Try
// before the nodes in its body.
type Observer interface{ Observe(plan.Node) }

// Run carries out a plan in b and returns its exit status, 0 or 1: it does what sh
// would do with the plan's script. How a step failed is said before its failure
// policy is followed, unless that is to ignore it; a condition that cannot be
// answered is said to be so and does not hold. A plan that is not valid is refused
// as a whole.
//
// Once ctx is done no further step begins. What was done is undone then if a
// step whose failure would have been undone had begun, which keeps a start that
// ends before its running check from undoing another; the status is 1. An undo
// that has begun is never cut short.
//
// The Observer may be nil.
func Run(ctx context.Context, p plan.Plan, b Backend, o Observer) (status int) {
	if err := p.Validate(); err != nil {
		b.Say(err.Error())
		return 1
	}
	w := walker{ctx: ctx, b: b, o: o}
	switch w.nodes(p.Nodes) {
	case exited:
		return w.status
	case cancelled:
		b.Say(fmt.Sprintf("interrupted: %v", context.Cause(ctx)))
		if !w.undoable {
			return 1
		}
	case failed:
		w.log(w.message)
	}
	undo := walker{ctx: context.WithoutCancel(ctx), b: b, o: o}
	undo.nodes(p.Undo)
	return 1
}

// end is how a list of nodes ended.
type end uint8

const (
	done end = iota
	exited
	cancelled
	failed // a step with policy FailUndo
)

type walker struct {
	ctx context.Context
	b   Backend
	o   Observer

	register int
	status   int    // of the Exit
	message  string // of the step that failed
	undoable bool   // a step with policy FailUndo has begun
}

func (w *walker) nodes(nodes []plan.Node) end {
	for _, n := range nodes {
		if w.ctx.Err() != nil {
			return cancelled
		}
		if w.o != nil {
			w.o.Observe(n)
		}
		if e := w.node(n); e != done {
			return e
		}
	}
	return done
}

func (w *walker) node(n plan.Node) end {
	switch n := n.(type) {
	case plan.Step:
		return w.step(n)
	case plan.If:
		if w.holds(n.Cond) {
			return w.nodes(n.Then)
		}
		return w.nodes(n.Else)
	case plan.Try:
		if err := w.b.Do(w.ctx, n.Op); err != nil {
			w.b.Say(err.Error())
			return w.nodes(n.Else)
		}
	case plan.SetStatus:
		w.register = 1
	case plan.Exit:
		w.status = int(n.Status)
		if n.Status == plan.StatusRegister {
			w.status = w.register
		}
		return exited
	}
	return done
}

func (w *walker) step(s plan.Step) end {
	if s.OnFail.Kind == plan.FailUndo {
		w.undoable = true
	}
	err := w.b.Do(w.ctx, s.Op)
	if err == nil || s.OnFail.Kind == plan.FailIgnore {
		return done
	}
	w.b.Say(err.Error())
	switch s.OnFail.Kind {
	case plan.FailWarn:
		w.log(s.OnFail.Message)
	case plan.FailStatus1:
		w.register = 1
	case plan.FailUndo:
		w.message = s.OnFail.Message
		return failed
	}
	return done
}

func (w *walker) holds(cond plan.Cond) bool {
	if not, ok := cond.(plan.Not); ok {
		return !w.holds(not.Cond)
	}
	held, err := w.b.Holds(cond)
	if err != nil {
		w.b.Say(err.Error())
		return false
	}
	return held
}

// log says a failure policy's message, as ipsec _log does in the script. Where that
// fails, the plan goes on.
func (w *walker) log(message string) { _ = w.b.Do(w.ctx, plan.Log{Text: message}) }
