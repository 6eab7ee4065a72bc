// Package single sees to it that one setup at a time is at work in a run folder,
// from before it looks at what runs until its plan has run.
package single

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"

	"ipsec/conf"
	"ipsec/exec"
	"ipsec/exec/host"
	"ipsec/plan"
)

// Turn is a setup's time to be at work.
type Turn struct {
	backend exec.Backend
	paths   conf.Paths
	locked  bool   // the plan's own Lock finds the folder locked by us
	release func() // gives back the guard of the run folder
}

// Take takes the run folder's lock in b, as the plan's own Lock does again: another
// setup at work would change the facts between here and there. Before the first
// start there is no folder to lock; then the folder above is guarded, until the
// plan has made and locked its own. The error says that another one is at work.
func Take(ctx context.Context, b exec.Backend, paths conf.Paths) (*Turn, error) {
	t := &Turn{backend: b, paths: paths, release: guard(ctx, paths.Run)}
	err := b.Do(ctx, plan.Lock{Dir: paths.Run})
	switch {
	case err == nil:
		t.locked = true
		t.release()
	case !errors.Is(err, fs.ErrNotExist):
		t.release()
		return nil, err
	}
	return t, nil
}

// Release gives back the guard, where there still is one. The lock is the
// backend's.
func (t *Turn) Release() { t.release() }

// Backend returns where a plan is to run that was made when this was running.
func (t *Turn) Backend(running plan.Running) exec.Backend {
	if t.locked {
		return t.backend
	}
	return unlocked{Backend: t.backend, paths: t.paths, running: running, release: t.release}
}

// unlocked decorates a Backend for a plan that was made without the lock, because
// there was no run folder to lock yet. Its Lock fails where what runs is no longer
// what the plan was made for: another setup has been at work in between, and what
// stop needs to take back is not in this plan.
type unlocked struct {
	exec.Backend
	paths   conf.Paths
	running plan.Running // when the plan was made
	release func()
}

// Do performs an op. After a Lock it looks at what runs.
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
