package klips

import (
	"net/netip"

	"ipsec/klips/said"
)

// Event is something that the engine tells those who have registered: an
// Acquire, an Expire or a NewMapping.
type Event interface{ event() }

// Acquire asks for SAs: a packet has met a %trap, and a %hold has taken its
// place for that packet's flow.
type Acquire struct {
	Packet Selector  // the flow of the packet: two hosts, its protocol and ports
	Trap   Selector  // the flow of the eroute that trapped it
	Ident  [2]string // the identities of that eroute
}

// Expire says that an SA has reached its soft lifetime, or its hard one and is gone.
type Expire struct {
	ID    said.SAID
	Hard  bool
	Usage Usage
}

// NewMapping says that the packets of an encapsulated SA, although authentic,
// come from another address or port than they used to (RFC 3948, RFC 3947).
type NewMapping struct {
	ID       said.SAID
	Old, New netip.AddrPort
}

func (Acquire) event()    {}
func (Expire) event()     {}
func (NewMapping) event() {}
