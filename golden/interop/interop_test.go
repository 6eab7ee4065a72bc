package interop

import (
	"slices"
	"testing"
)

// TestInterop tries every case with every peer that it is for.
func TestInterop(t *testing.T) {
	r := &report{}
	t.Run("strongSwan", func(t *testing.T) {
		ours, host := besideMachine(t)
		s := newSession(t, ours, r)
		s.peer = startStrongswan(t, host, false)
		s.run(t, slices.Concat(suites(), certificates(t), rawKeys(t), shapes(), identities(t), refusals(t), rekeys(), lives()))
	})
}
