package native

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"ipsec/plan"
	"ipsec/pluto"
)

// StartPluto is like 'ipsec pluto ARG…'. It returns when Pluto is ready.
func (e *Executor) StartPluto(_ context.Context, op plan.StartPluto) error {
	// As with KLIPS, a Pluto that is not ready does not outlive its starter.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	dies := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return failed("start Pluto", e.run(dies, nil, e.env.Self, append([]string{"pluto"}, op.Args...)...))
}

// AddConn is like 'ipsec whack --name NAME ARG…'.
func (e *Executor) AddConn(ctx context.Context, op plan.AddConn) error {
	return e.whack(ctx, append([]string{"--name", op.Name}, op.Args...)...)
}

// Listen is like 'ipsec whack --listen'.
func (e *Executor) Listen(ctx context.Context, _ plan.Listen) error { return e.whack(ctx, "--listen") }

// RouteConn is like 'ipsec whack --name NAME --route'.
func (e *Executor) RouteConn(ctx context.Context, op plan.RouteConn) error {
	return e.whack(ctx, "--name", op.Name, "--route")
}

// Initiate is like 'ipsec whack --name NAME --initiate [--asynchronous]'.
func (e *Executor) Initiate(ctx context.Context, op plan.Initiate) error {
	words := []string{"--name", op.Name, "--initiate"}
	if op.Asynchronous {
		words = append(words, "--asynchronous")
	}
	return e.whack(ctx, words...)
}

// Whack is like 'ipsec whack ARG…'.
func (e *Executor) Whack(ctx context.Context, op plan.Whack) error { return e.whack(ctx, op.Args...) }

// Refused is the error of an op that Pluto refused.
type Refused struct {
	Status int    // what whack exits with
	Line   string // of the answer, without its number: the one that says why
}

// Error returns Pluto's own words.
func (r Refused) Error() string {
	if r.Line == "" {
		return fmt.Sprintf("Pluto refused, with status %d", r.Status)
	}
	return r.Line
}

// whack asks Pluto for something, and waits for its answer no longer than ctx.
func (e *Executor) whack(ctx context.Context, words ...string) error {
	a := answer{e: e}
	e.pluto.Path = e.env.Paths.PlutoCtl()
	status, err := e.pluto.Do(ctx, words, &a)
	switch {
	case err != nil:
		return err
	case status != 0:
		return Refused{status, a.last}
	}
	return nil
}

// answer takes the lines of an answer, a Write each.
type answer struct {
	e    *Executor
	last string // of those that count
}

// Write takes a line. It goes to Env.Replies, or to syslog: what matters of it
// is said again when the op fails.
func (a *answer) Write(line []byte) (int, error) {
	text := strings.TrimSuffix(string(line), "\n")
	number, rest, ok := strings.Cut(text, " ")
	if code, err := strconv.Atoi(number); ok && err == nil && pluto.Counts(code) {
		a.last = rest
	}
	if a.e.env.Replies != nil {
		_, _ = a.e.env.Replies.Write(line) // a reader that has gone must not stop what is under way
	} else {
		a.e.env.Log.Only(text)
	}
	return len(line), nil
}
