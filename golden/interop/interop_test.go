package interop

import (
	"slices"
	"testing"

	"ipsec/golden/report"
)

// TestInterop tries every case with every peer that it is for.
func TestInterop(t *testing.T) {
	r := &outcomes{}
	t.Run("peers", func(t *testing.T) {
		t.Run("strongSwan", func(t *testing.T) {
			t.Parallel()
			ours, host := besideMachine(t)
			s := newSession(t, ours, r)
			s.peer = startStrongswan(t, host, false)
			s.run(t, slices.Concat(suites(), certificates(t), rawKeys(t), shapes(), identities(t), refusals(t), rekeys(), lives()))
		})
		t.Run("NAT", func(t *testing.T) {
			t.Parallel()
			ours, n, host := besideNAT(t)
			s := newSession(t, ours, r)
			swan := startStrongswan(t, host, false)
			s.peer = beyond{swan}
			s.run(t, slices.Concat(translations(n), cookies(swan)))
		})
		t.Run("kernel", func(t *testing.T) {
			t.Parallel()
			ours, host := besideGuest(t)
			s := newSession(t, ours, r)
			swan := startStrongswan(t, host, true)
			s.peer = swan
			s.run(t, slices.Concat(kernelSuites(), shapes(), kernelShapes(), kernelRekeys(), kernelRefusals()))
			swan.stop(t)
			l, cases := newLibreswan(t, host)
			s.peer = l
			s.run(t, cases)
			l.stop(t)
		})
	})
	if report.Whole() {
		r.document().Compare(t, "../../doc/interop.md")
	}
}
