// Package connection is the table of connections in force, above any version
// of IKE: which end of each we are, what becomes of packets while there is no
// SA for them, the eroutes and SAs in the kernel, and what follows when a
// negotiation fails or a peer dies.
//
// One rule orders everything that is done to the kernel: from when a connection
// is routed until it is unrouted, the eroute of its flow is replaced and never
// deleted, so that there is a trap, a shunt or an SA for its packets at every
// moment, and whatever fails in between. See flow.go.
//
// A Table does no I/O of its own and starts no goroutine. It is not for
// concurrent use: the worker's loop calls it.
package connection

import (
	"io"
	"net/netip"

	"ipsec/klips"
	"ipsec/pluto"
)

// Config is what a Table needs of its surroundings.
type Config struct {
	Kernel   pluto.Kernel
	Clock    pluto.Clock
	Rand     io.Reader // SPIs are drawn from it; it does not fail
	Report   pluto.Reporter
	Updown   Updown
	Resolver Resolver // nil: names of the DNS are never resolved
	// Private are the networks that a client behind NAT may be in,
	// virtual_private=. See ParsePrivate.
	Private Private
}

// Updown does what a connection needs done to the routes of the host. It
// returns within seconds, whatever a command of the user does.
type Updown interface {
	// Do does what verb says for the packets of flow, which are to leave by the
	// interface virtual. The connection is oriented; others answers for those
	// that are loaded beside it.
	Do(verb Verb, c *pluto.Connection, flow klips.Selector, virtual string, others Others) error
}

// Others is what Updown may ask of the connections that are loaded. A Table
// implements it.
type Others interface {
	// Own returns the networks on our side of the conn that c is, or is one pair
	// of networks of.
	Own(c *pluto.Connection) []netip.Prefix
	// Passes returns the flows of oriented connections of type=passthrough.
	Passes() []klips.Selector
}

// Verb is PLUTO_VERB without what follows the dash.
type Verb string

// The verbs of updown, in the order in which a connection goes through them.
const (
	Prepare Verb = "prepare" // before a route, to be rid of what would be in its way
	ToRoute Verb = "route"   // packets are to enter KLIPS
	ToUp    Verb = "up"      // an SA carries them
	ToDown  Verb = "down"    // none does any more
	Undo    Verb = "unroute" // packets leave by other routes again
)

// Resolver asks for the address of a name of the DNS. It does not wait: the
// answer comes by Table.Resolved, for each Resolve once.
type Resolver interface {
	Resolve(name string)
}

// Address is an address of ours that IKE is spoken on.
type Address struct {
	Addr    netip.Addr
	Virtual string // the interface of KLIPS that stands on its interface: ipsec0
}

// Error is why a request of whack(8) is refused, with the number that it prints
// and exits with: one of pluto.RC….
type Error struct {
	Code int
	Text string
	// Waits says that it is done by itself once an address is known or ours.
	Waits bool
}

func (e *Error) Error() string { return e.Text }

var (
	_ pluto.Connections = (*Table)(nil)
	_ Others            = (*Table)(nil)
)
