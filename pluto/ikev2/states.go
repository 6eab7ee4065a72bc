package ikev2

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

// The names of the states of Child SAs that scripts know.
const (
	childName      = "STATE_V2_ESTABLISHED_CHILD_SA"
	childNameGoing = "STATE_V2_CHILD_SA_DELETE"
)
