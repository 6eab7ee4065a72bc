package main

import (
	"errors"
	"fmt"
	"reflect"

	"ipsec/conf"
	"ipsec/exec/host"
	"ipsec/exec/native"
	"ipsec/plan"
)

// unlocked runs a plan that was made without the lock, because there was no run
// folder to lock yet. Its Lock fails where what runs is no longer what the plan
// was made for: another setup has been at work in between, and what stop needs
// to take back is not in this plan.
type unlocked struct {
	*native.Executor
	paths   conf.Paths
	running plan.Running // when the plan was made
	release func()       // gives back the guard of the run folder
}

// Lock is like the Executor's.
func (u unlocked) Lock(op plan.Lock) error {
	err := u.Executor.Lock(op)
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
