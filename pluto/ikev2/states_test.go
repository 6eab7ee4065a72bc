package ikev2

import (
	"slices"
	"strings"
	"testing"

	"ipsec/pluto"
)

// TestStates holds the table of an IKE SA's states against what must be true of it.
func TestStates(t *testing.T) {
	all := []state{0, initSent, initDone, authSent, established, replaced, deleting, gone}
	reached := map[state]bool{0: true}
	for _, from := range all {
		for _, to := range from.next() {
			reached[to] = true
			if to != deleting && to <= from {
				t.Errorf("from %s back to %s", from, to)
			}
			// Nobody is established who has not come by IKE_AUTH, but by rekeying.
			if to == established && from != authSent && from != initDone && from != 0 {
				t.Errorf("from %s to %s", from, to)
			}
		}
		if from != gone && !slices.Contains(from.next(), gone) {
			t.Errorf("%s cannot end", from)
		}
	}
	for _, s := range all {
		if !reached[s] {
			t.Errorf("%s is never reached", s)
		}
	}
	if len(gone.next()) > 0 {
		t.Errorf("from %s to %v", gone, gone.next())
	}
}

// TestImpossibleState has a change that the table does not know be reported.
func TestImpossibleState(t *testing.T) {
	var reports []pluto.Report
	m := &Machine{Config: Config{Report: func(r pluto.Report) { reports = append(reports, r) }}}
	s := &ikeSA{state: gone}
	m.become(s, established)
	c := &child{state: childGone}
	m.becomeChild(c, childLive)
	for _, r := range reports {
		if r.Code != pluto.RCInternal || !strings.Contains(r.Text, "which must not be") {
			t.Errorf("%+v", r)
		}
	}
	if len(reports) != 2 || s.state != established || c.state != childLive {
		t.Errorf("%d reports, states %s and %d", len(reports), s.state, c.state)
	}
	m.become(&ikeSA{state: authSent}, established)
	if len(reports) != 2 {
		t.Errorf("a change that the table knows is reported: %+v", reports[2:])
	}
}
