package plan

import "ipsec/klips/said"

// Cond is a question that can only be answered when the plan runs.
type Cond interface{ cond() }

// Exists is true when there is a file or folder at Path: test -e PATH.
type Exists struct{ Path string }

// Device is true when Path is a character device: test -c PATH.
type Device struct{ Path string }

// Part is a part of the subsystem that can be alive.
type Part string

// The parts. Interfaces are the virtual interfaces that this program made.
const (
	Klips      Part = "klips"
	Pluto      Part = "pluto"
	Interfaces Part = "interfaces"
)

// Alive is true when any of Parts is alive: ipsec _alive PART…. A daemon is
// alive while it holds the lock on its pid file.
type Alive struct{ Parts []Part }

// HasSA is true when KLIPS has any of these SAs: ipsec _has SAID….
type HasSA struct{ SAIDs []said.SAID }

// HasEroute is true when KLIPS has an eroute of just this flow: ipsec _has
// --eraf FAMILY --src A --dst B ….
type HasEroute struct{ Flow Flow }

// Not is true when Cond is false: ! COND. Cond is not itself a Not.
type Not struct{ Cond Cond }

func (Exists) cond()    {}
func (Device) cond()    {}
func (Alive) cond()     {}
func (HasSA) cond()     {}
func (HasEroute) cond() {}
func (Not) cond()       {}
