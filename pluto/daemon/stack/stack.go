// Package stack is what carries the packets of the SAs that Pluto negotiates, as one value
// for each: KLIPS, and none. The daemon asks for nothing else, so that another
// data plane, such as the kernel's own, is another value.
package stack

import (
	"context"

	"ipsec/conf"
	"ipsec/klips"
	"ipsec/pluto"
	"ipsec/pluto/connection"
	"ipsec/pluto/updown"
)

// Stack is a data plane and what comes with it.
type Stack struct {
	Kernel pluto.Kernel      // its SAs and eroutes
	Updown connection.Updown // what leads packets into it

	// Send sends IKE from UDP port 4500, which the stack owns. It is nil where it does not, and
	// the daemon opens that port itself.
	Send func(pluto.Datagram) error
	// Everywhere says that IKE is spoken on all interfaces that are up, and not on those
	// that the stack is attached to.
	Everywhere bool
	// Down is what errors of Kernel wrap while the stack does not answer, which passes; nil where that
	// cannot be.
	Down error

	// Follow hands over what the stack sees, and returns when the context has ended. It is
	// nil for a stack that sees nothing.
	Follow func(context.Context, Events)
}

// Events takes what a stack sees. The functions are called from several goroutines.
type Events struct {
	Event   func(klips.Event) // of an SA or a trap
	Lost    func()            // there may have been events that nobody heard of
	Deliver Deliver           // IKE that has come to UDP port 4500
}

// Deliver takes a message of the network. It waits until that is wanted, or gone is closed.
type Deliver func(d pluto.Datagram, gone <-chan struct{})

// Surroundings is what a stack needs of its host.
type Surroundings struct {
	Paths conf.Paths
	Clock pluto.Clock
	Run   updown.Runner // for commands of ipsec.conf
	Log   func(line string)
}

// Open joins a stack to its surroundings.
type Open func(Surroundings) (*Stack, error)
