package ikev2

import (
	"slices"

	"ipsec/pluto"
)

// state is where an IKE SA stands.
type state uint8

const (
	initSent    state = iota + 1 // we have asked for it
	initDone                     // as responder: we have answered IKE_SA_INIT, and wait for IKE_AUTH
	authSent                     // as initiator: IKE_AUTH is under way
	established                  // both ends have proved who they are
	replaced                     // rekeyed: its Child SAs belong to another, and it is about to be deleted
	deleting                     // we have told the peer that it is deleted
	gone
)

// next returns the states that an IKE SA may go to from s.
func (s state) next() []state {
	switch s {
	case 0:
		return []state{
			initSent,
			initDone,
			established, // made by rekeying another
			deleting,    // made so, too, when that one had ended meanwhile
			gone,        // given up before it was made
		}
	case initSent:
		return []state{authSent, deleting, gone}
	case initDone:
		return []state{established, deleting, gone}
	case authSent:
		return []state{established, deleting, gone}
	case established:
		return []state{replaced, deleting, gone}
	case replaced:
		return []state{deleting, gone}
	case deleting:
		return []state{deleting, gone} // its last word may be said again
	}
	return nil
}

// become changes the state of an IKE SA. Nothing else does. A change that the table
// does not know is a fault of ours: it is reported, and made.
func (m *Machine) become(s *ikeSA, to state) {
	if !slices.Contains(s.state.next(), to) {
		m.report(pluto.RCInternal, s.conn, s.serial, "an IKE SA went from %s to %s, which must not be", s.state, to)
	}
	begun := s.initiator && (s.state == initSent || s.state == authSent)
	s.state = to
	if begun && to != authSent {
		m.yield(s)
	}
}

// String returns the state as the code calls it, for reports of its faults.
func (s state) String() string {
	names := [...]string{"nothing", "initSent", "initDone", "authSent", "established", "replaced", "deleting", "gone"}
	if int(s) < len(names) {
		return names[s]
	}
	return "no state"
}

// name returns the name of a state that scripts know.
func (s state) name() string {
	switch s {
	case initSent:
		return "STATE_V2_PARENT_I1"
	case initDone:
		return "STATE_V2_PARENT_R1"
	case authSent:
		return "STATE_V2_PARENT_I2"
	case established, replaced:
		return "STATE_V2_ESTABLISHED_IKE_SA"
	}
	return "STATE_V2_IKE_SA_DELETE"
}

// number is what whack adds to 100 for the state.
func (s state) number() int {
	switch s {
	case initSent:
		return 33
	case authSent:
		return 34
	case initDone:
		return 36
	}
	return 37
}

// text says the state to a person.
func (s state) text() string {
	switch s {
	case initSent:
		return "sent IKE_SA_INIT request"
	case initDone:
		return "sent IKE_SA_INIT response, waits for IKE_AUTH"
	case authSent:
		return "sent IKE_AUTH request"
	case established:
		return "established IKE SA"
	case replaced:
		return "replaced IKE SA"
	}
	return "IKE SA that is being deleted"
}

// childState is where a Child SA stands.
type childState uint8

const (
	childLive     childState = iota + 1
	childReplaced            // rekeyed, and to be deleted: by us, or by the peer if it was that who rekeyed
	childDeleting            // we have told the peer, or are about to
	childGone                // deleted on both ends; packets under way may still come in
)

// next returns the states that a Child SA may go to from s.
func (s childState) next() []childState {
	switch s {
	case childLive:
		return []childState{childReplaced, childDeleting, childGone}
	case childReplaced:
		return []childState{
			childLive, // the peer could not set the one that it made in its place
			childReplaced, childDeleting, childGone,
		}
	case childDeleting:
		return []childState{childDeleting, childGone}
	case childGone:
		return []childState{childGone}
	}
	return nil
}

// becomeChild is become, for a Child SA.
func (m *Machine) becomeChild(c *child, to childState) {
	if !slices.Contains(c.state.next(), to) {
		m.report(pluto.RCInternal, c.Conn, c.serial, "a Child SA went from state %d to %d, which must not be", c.state, to)
	}
	c.state = to
}

// The names of the states of Child SAs that scripts know.
const (
	childName      = "STATE_V2_ESTABLISHED_CHILD_SA"
	childNameGoing = "STATE_V2_CHILD_SA_DELETE"
)
