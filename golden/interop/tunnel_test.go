package interop

import "testing"

// TestStrongswan brings each tunnel up from either side.
func TestStrongswan(t *testing.T) {
	ours, theirs := newPair(t)
	s := &session{ours: startOurs(t, ours), peer: startStrongswan(t, theirs)}
	for _, p := range suites() {
		for _, initiator := range []bool{true, false} {
			role := map[bool]string{true: "initiator", false: "responder"}[initiator]
			if p.only != "" && p.only != role {
				continue
			}
			t.Run(p.name+" as "+role, func(t *testing.T) {
				s.p = &p
				s.bring(t, initiator)
				s.ping(t)
				if p.then != nil {
					p.then(t, s)
				}
				s.down(t)
			})
		}
	}
}
