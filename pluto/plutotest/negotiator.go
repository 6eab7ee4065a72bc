package plutotest

import (
	"fmt"
	"net/netip"
	"time"

	"ipsec/klips"
	"ipsec/pluto"
)

// Negotiator is a pluto.Negotiator that negotiates nothing: it remembers what it
// was asked for, one line for each call, and whoever tests answers for it.
type Negotiator struct {
	Calls []string
	// Live are the connections that it says it has an SA of.
	Live []*pluto.Connection
	// Terminating, where set, is called by Terminate.
	Terminating func(*pluto.Connection)
}

var _ pluto.Negotiator = (*Negotiator)(nil)

func (n *Negotiator) call(format string, args ...any) {
	n.Calls = append(n.Calls, fmt.Sprintf(format, args...))
}

// Take returns the calls since the last Take.
func (n *Negotiator) Take() []string {
	calls := n.Calls
	n.Calls = nil
	return calls
}

// Initiate notes: initiate "name", and the packet where there is one.
func (n *Negotiator) Initiate(c *pluto.Connection, packet *klips.Selector) {
	if packet == nil {
		n.call("initiate %v", c)
		return
	}
	n.call("initiate %v for %v -> %v", c, packet.Src, packet.Dst)
}

// Terminate notes: terminate "name".
func (n *Negotiator) Terminate(c *pluto.Connection) {
	n.call("terminate %v", c)
	if n.Terminating != nil {
		n.Terminating(c)
	}
}

// Rekey notes: rekey #serial.
func (n *Negotiator) Rekey(c *pluto.Child) { n.call("rekey #%d", c.Serial) }

// Moved notes: moved #serial address:port.
func (n *Negotiator) Moved(c *pluto.Child, remote netip.AddrPort) {
	n.call("moved #%d %v", c.Serial, remote)
}

// Receive notes: receive.
func (n *Negotiator) Receive(pluto.Datagram) { n.call("receive") }

// Next awaits nothing.
func (n *Negotiator) Next() (time.Time, bool) { return time.Time{}, false }

// Tick does nothing.
func (n *Negotiator) Tick() {}

// Shutdown notes: shutdown.
func (n *Negotiator) Shutdown() { n.call("shutdown") }

// States has one state for each connection of Live.
func (n *Negotiator) States() (list []pluto.State) {
	for i, c := range n.Live {
		list = append(list, pluto.State{Serial: i + 1, Conn: c})
	}
	return list
}
