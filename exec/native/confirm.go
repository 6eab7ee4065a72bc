package native

import (
	"context"
	"errors"
	"strconv"

	"ipsec/exec/confirm"
	"ipsec/plan"
)

// Keep is like 'ipsec _keep PATH'.
func (e *Executor) Keep(_ context.Context, op plan.Keep) error {
	config, err := e.config()
	if err == nil && config == nil {
		err = errors.New("there is no configuration")
	}
	if err != nil {
		return failed("keep the configuration", err)
	}
	return confirm.Keep(op.Path, config)
}

// Arm is like 'ipsec _arm SECONDS'.
func (e *Executor) Arm(_ context.Context, op plan.Arm) error {
	config, err := e.config()
	if err != nil {
		return failed("hold the way back", err)
	}
	start := func(words ...string) error { return e.child(nil, e.env.Self, words...) }
	return failed("hold the way back", confirm.Arm(e.env.Paths, config, e.env.Setup, op.Seconds, start))
}

// GoBack is like 'ipsec _goback'.
func (e *Executor) GoBack(context.Context, plan.GoBack) error {
	return confirm.GoBack(e.env.Paths)
}

// Ping is like 'ping -c 1 -w SECONDS [-I FROM] ADDR'.
func (e *Executor) Ping(_ context.Context, op plan.Ping) error {
	args := []string{"-c", "1", "-w", strconv.Itoa(op.Seconds)}
	if op.From.IsValid() {
		args = append(args, "-I", op.From.String())
	}
	return failed("hear from "+op.Addr.String(), e.child(nil, "ping", append(args, op.Addr.String())...))
}

// Disarm is like 'ipsec _disarm LOGIN'.
func (e *Executor) Disarm(_ context.Context, op plan.Disarm) error {
	return confirm.Disarm(e.env.Paths, op.Login == plan.AnyLogin)
}
