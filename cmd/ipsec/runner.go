package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"ipsec/exec"
	"ipsec/exec/native"
	"ipsec/exec/shell"
	"ipsec/plan"
)

// runner runs plans on this machine for a person who may interrupt it: what
// setup, manual and auto have in common.
type runner struct {
	ctx      context.Context // ends with a signal
	stop     context.CancelFunc
	executor *native.Executor
	observer exec.Observer // nil where no step is shown
}

// runner returns a runner with an executor of env, for the instance of e, that shows each
// step to observer before it is done. The runner has to be closed.
func (e *env) runner(env native.Env, observer exec.Observer) runner {
	var r runner
	r.ctx, r.stop = signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	env.Paths, env.Self = e.Paths, e.Self
	r.executor = native.New(env)
	r.observer = observer
	return r
}

// shown returns what prints each step as shell, after prefix, where show asks for it. also gets
// the step, too; it may be nil.
func (e *env) shown(show bool, prefix string, also func(line string)) exec.Observer {
	if !show {
		return nil
	}
	return printer{e.Stdout, prefix, also}
}

// run runs a plan in b, which is the executor or a decorator of it, and returns
// its exit status.
func (r runner) run(p plan.Plan, b exec.Backend) int { return exec.Run(r.ctx, p, b, r.observer) }

func (r runner) close() {
	r.executor.Close()
	r.stop()
}

// exited returns the error of an exit status; 0 is none.
func exited(status int) error {
	if status != 0 {
		return exitStatus(status)
	}
	return nil
}

// tracePrefix stands before the steps that manual and auto show, as sh -x has it.
const tracePrefix = "+ "

// printer prints each node as shell, after a prefix, before it is done.
type printer struct {
	w      io.Writer
	prefix string
	also   func(line string) // nil: nobody
}

// Observe prints n.
func (p printer) Observe(n plan.Node) {
	line, err := shell.Line(n)
	if err != nil {
		line = err.Error()
	}
	fmt.Fprintln(p.w, p.prefix+line)
	if p.also != nil {
		p.also(line)
	}
}
