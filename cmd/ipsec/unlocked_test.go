package main

import (
	"os"
	"testing"

	"ipsec/exec/host"
	"ipsec/exec/native"
	"ipsec/plan"
)

// A plan that was made before there was a run folder does not run once another
// setup has been at work.
func TestUnlocked(t *testing.T) {
	e, _, _ := testEnv(t)
	facts, err := host.Gather(e.Paths)
	if err != nil {
		t.Fatal(err)
	}
	lock := func() error {
		executor := native.New(native.Env{Paths: e.Paths})
		defer executor.Close()
		u := unlocked{Backend: executor, paths: e.Paths, running: facts.Running, release: func() {}}
		return u.Do(t.Context(), plan.Lock{Dir: e.Paths.Run})
	}
	if err := lock(); err != nil {
		t.Fatalf("nothing has changed: %v", err)
	}
	for _, name := range []string{e.Paths.Info(), e.Paths.SetupPID()} {
		write(t, name, "rundir=made\n", 0o644)
		if err := lock(); err == nil {
			t.Errorf("%s is new, and the lock is taken", name)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}
