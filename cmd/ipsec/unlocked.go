package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"ipsec/conf"
	"ipsec/exec"
	"ipsec/exec/host"
	"ipsec/plan"
)

// unlocked decorates a Backend for a plan that was made without the lock, because
// there was no run folder to lock yet. Its Lock fails where what runs is no longer
// what the plan was made for: another setup has been at work in between, and what
// stop needs to take back is not in this plan.
type unlocked struct {
	exec.Backend
	paths   conf.Paths
	running plan.Running // when the plan was made
	release func()       // gives back the guard of the run folder
}

// Do does an op. After a Lock it looks at what runs.
func (u unlocked) Do(ctx context.Context, op plan.Op) error {
	err := u.Backend.Do(ctx, op)
	if _, ok := op.(plan.Lock); !ok {
		return err
	}
	u.release()
	if err != nil {
		return err
	}
	facts, err := host.Gather(u.paths)
	if err != nil {
		return fmt.Errorf("failed to see what runs: %w", err)
	}
	if !reflect.DeepEqual(facts.Running, u.running) {
		return errors.New("another ipsec setup was at work since this one began")
	}
	return nil
}
