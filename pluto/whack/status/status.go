// Package status prints what whack --status says: in the layout that scripts
// know since FreeS/WAN, and as JSON.
package status

import (
	"net/netip"
	"time"

	"ipsec/pluto"
)

// Status is everything that Pluto has to say of itself.
type Status struct {
	Now         time.Time
	Interfaces  []Interface
	MyID        string
	Debug       []string
	Connections []Connection  // by name, an instance after what it is one of
	States      []pluto.State // by serial number
	Traffic     map[int]Traffic
	HalfOpen    int // IKE SAs that others have begun, not established
}

// Interface is an address that Pluto listens on.
type Interface struct {
	Virtual, Physical string // "" for none
	Addr              netip.AddrPort
}

// Routing is what becomes of the packets of a connection.
type Routing uint8

// The states of routing, in the order of their growth.
const (
	Unrouted    Routing = iota
	Prospective         // routed, and its packets trapped
	Held                // trapped, while negotiation goes on
	Failing             // its failure shunt is in force
	Erouted             // its packets go by an SA
	Keyed               // there is an SA, and no route
)

// String returns it as --status has it since FreeS/WAN.
func (r Routing) String() string {
	switch r {
	case Prospective:
		return "prospective erouted"
	case Held:
		return "erouted HOLD"
	case Failing:
		return "fail erouted"
	case Erouted:
		return "erouted"
	case Keyed:
		return "keyed, unrouted"
	}
	return "unrouted"
}

// Connection is a connection that is loaded, or an instance of one.
type Connection struct {
	Conn     *pluto.Connection // oriented where it can be
	Oriented bool
	// Interface is the virtual interface and, after a slash, the physical one.
	Interface string
	Routing   Routing
	Initiated bool // a person or start asked for it, and it is kept up
	// IKE and Child are the serial numbers of the newest SAs that are
	// established; Owner is that of the Child SA that its eroute leads to. 0: none.
	IKE, Child, Owner int
	LastError         string // of the last attempt; "" where it came up
	LastErrorAt       time.Time
	Attempts          int // since it was last up
}

// Up reports whether packets of the connection go by an SA.
func (c *Connection) Up() bool { return c.Child != 0 }

// Traffic is what went by a Child SA.
type Traffic struct {
	InBytes, InPackets   uint64
	OutBytes, OutPackets uint64
	LastIn, LastOut      time.Time
}
