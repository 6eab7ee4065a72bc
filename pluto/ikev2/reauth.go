package ikev2

import (
	"slices"
	"time"

	"ipsec/pluto"
)

// reauth is the replacement of an IKE SA by one that is negotiated, and authenticated,
// from the beginning (RFC 7296, section 2.8.3). The new one and its Child SAs are
// made before the old ones go.
type reauth struct {
	fresh *ikeSA
}

// reauthPoll is how often we look whether the new IKE SA has all of its Child SAs.
const reauthPoll = 2 * time.Second

// ending reports whether the IKE SA is being replaced.
func (r *reauth) ending() bool { return r != nil }

// startReauth begins to replace s, or goes on with that.
func (m *Machine) startReauth(s *ikeSA) {
	if s.reauth != nil {
		m.goOnReauth(s)
		return
	}
	var wanted []*createChild
	for _, c := range s.children {
		if c.state == childLive {
			wanted = append(wanted, &createChild{conn: c.Conn})
		}
	}
	if len(wanted) == 0 {
		m.after(&s.alarm, atRekey, rekeyAgain)
		return
	}
	m.report(pluto.RCLog, s.conn, s.serial, "reauthenticating the IKE SA")
	s.reauth = &reauth{}
	s.reauth.fresh = m.connect(s.conn, wanted)
	m.after(&s.alarm, atRekey, reauthPoll)
}

// goOnReauth deletes the old IKE SA when nothing is missing from the new one.
func (m *Machine) goOnReauth(s *ikeSA) {
	switch fresh := s.reauth.fresh; {
	case fresh.state == established && s.current() != nil:
		m.after(&s.alarm, atRekey, reauthPoll)
	case fresh.state == established && fresh.underWay == nil && len(fresh.queue)+len(fresh.later) == 0:
		m.moveWaiting(s, fresh)
		m.end(s, nil, pluto.Expired, &deleteIKE{})
		m.advance(fresh)
	case fresh.state == gone || fresh.state == deleting:
		s.reauth = nil
		m.after(&s.alarm, atRekey, rekeyAgain)
	default:
		m.after(&s.alarm, atRekey, reauthPoll)
	}
}

// moveWaiting lets what waits for a new Child SA under s wait for it under another IKE SA with the
// same peer, if it could have been asked for there in the first place. What is left fails with s, and
// is asked for anew.
func (m *Machine) moveWaiting(s, to *ikeSA) {
	moves := func(x exchange) bool { return asksNew(x) && m.serves(to, x.child().conn) }
	for _, x := range append(slices.Clone(s.queue), s.later...) {
		if moves(x) {
			to.queue = append(to.queue, x)
		}
	}
	s.queue = slices.DeleteFunc(s.queue, moves)
	s.later = slices.DeleteFunc(s.later, moves)
}

// serves reports whether a Child SA of conn may be made under s.
func (m *Machine) serves(s *ikeSA, conn *pluto.Connection) bool {
	alike := func(c *pluto.Connection) bool { return keyOf(c) == keyOf(conn) }
	return alike(s.conn) || slices.ContainsFunc(m.Connections.Siblings(s.conn), alike)
}
