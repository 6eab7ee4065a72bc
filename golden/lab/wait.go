package lab

import (
	"fmt"
	"testing"
	"time"
)

// patience is how long Until waits.
const patience = 20 * time.Second

// Poll calls try until it returns nil, and returns its last error when that takes
// longer than limit. It is for what gives no event: another process, the kernel.
// The pauses are a sixteenth of what has passed, from 1 ms up to 250 ms.
func Poll(limit time.Duration, try func() error) error {
	for began := time.Now(); ; {
		err := try()
		passed := time.Since(began)
		if err == nil || passed > limit {
			return err
		}
		time.Sleep(min(max(passed/16, time.Millisecond), 250*time.Millisecond))
	}
}

// Eventually is like Poll, and fails the test, which goes on, where Poll fails.
func Eventually(t testing.TB, limit time.Duration, try func() error) {
	t.Helper()
	if err := Poll(limit, try); err != nil {
		t.Errorf("after %v: %v", limit, err)
	}
}

// Until waits up to 20 seconds for something to come true, and ends the test where
// it does not.
func Until(t testing.TB, what string, true func() bool) {
	t.Helper()
	UntilWithin(t, patience, what, true)
}

// UntilWithin is like Until, with another limit.
func UntilWithin(t testing.TB, limit time.Duration, what string, true func() bool) {
	t.Helper()
	err := Poll(limit, func() error {
		if !true() {
			return fmt.Errorf("it has not come true within %v that %s", limit, what)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Until waits until a script of shell succeeds in the machine, up to 20 seconds.
func (m *Machine) Until(t testing.TB, script string) {
	t.Helper()
	err := Poll(patience, func() error {
		out, err := m.Try("/bin/sh", "-c", script)
		if err != nil {
			return fmt.Errorf("%s: %q does not come true: %w\n%s", m.Name, script, err, out)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
