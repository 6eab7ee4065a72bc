package connection

import (
	"net/netip"
	"time"

	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/pluto"
)

// Table is the connections in force. It answers for pluto.Connections.
type Table struct{}

// Private is virtual_private=: networks allowed, and networks excepted.
type Private struct{ Allowed, Except []netip.Prefix }

// ParsePrivate reads virtual_private=, e.g. "%v4:10.0.0.0/8,%v6:fd00::/8,%v4:!10.1.0.0/16".
func ParsePrivate(text string) (Private, error) { panic("to come") }

// New returns an empty table. Drive comes before any connection is brought up.
func New(Config) *Table { panic("to come") }

// Drive hands over the negotiator of IKEv2.
func (t *Table) Drive(n pluto.Negotiator) { panic("to come") }

// Add loads a connection. The error is an *Error.
func (t *Table) Add(c *pluto.Connection) error { panic("to come") }

// Delete ends and forgets a connection by its name or alias. The error is an *Error.
func (t *Table) Delete(name string) error { panic("to come") }

// Listen says which addresses are ours from now on.
func (t *Table) Listen(ours []Address) { panic("to come") }

// Route traps the packets of a connection. The error is an *Error.
func (t *Table) Route(name string) error { panic("to come") }

// Unroute lets the packets of a connection leave as if it were not there. The error is an *Error.
func (t *Table) Unroute(name string) error { panic("to come") }

// Initiate brings a connection up: reports tell how that ends. The error is an *Error.
func (t *Table) Initiate(name string) error { panic("to come") }

// Terminate takes a connection down; its packets are trapped from then on. The error is an *Error.
func (t *Table) Terminate(name string) error { panic("to come") }

// Matching returns the connections that a name or an alias means, oriented where
// they are, without their instances: those that a whack waits on.
func (t *Table) Matching(name string) []*pluto.Connection { panic("to come") }

// Event takes an event of KLIPS.
func (t *Table) Event(ev klips.Event) { panic("to come") }

// Resolved answers a Resolver's Resolve; an invalid address: there is none.
func (t *Table) Resolved(name string, addr netip.Addr) { panic("to come") }

// Next returns when Tick wants to be called; false when nothing is awaited.
func (t *Table) Next() (time.Time, bool) { panic("to come") }

// Tick does what is due by now.
func (t *Table) Tick() { panic("to come") }

// Adopt takes stock of what an earlier worker has left in the kernel. It comes
// before connections are loaded, and Resync after they are.
func (t *Table) Adopt() error { panic("to come") }

// Resync compares the table with what the kernel has.
func (t *Table) Resync() error { panic("to come") }

// Shutdown takes all SAs away. Packets stay trapped, and routed into KLIPS.
func (t *Table) Shutdown() { panic("to come") }

// Status describes all connections, in the order in which they were added.
func (t *Table) Status() []Status { panic("to come") }

// Candidates is that of pluto.Connections.
func (t *Table) Candidates(local, remote netip.Addr) []*pluto.Connection { panic("to come") }

// Instantiate is that of pluto.Connections.
func (t *Table) Instantiate(conn *pluto.Connection, remote netip.AddrPort, peer pluto.Peer) *pluto.Connection {
	panic("to come")
}

// Siblings is that of pluto.Connections.
func (t *Table) Siblings(conn *pluto.Connection) []*pluto.Connection { panic("to come") }

// ReserveSPI is that of pluto.Connections.
func (t *Table) ReserveSPI(proto said.Proto, remote, local netip.Addr) (uint32, error) {
	panic("to come")
}

// ReleaseSPI is that of pluto.Connections.
func (t *Table) ReleaseSPI(proto said.Proto, local netip.Addr, spi uint32) { panic("to come") }

// Install is that of pluto.Connections.
func (t *Table) Install(child *pluto.Child, use bool) error { panic("to come") }

// Use is that of pluto.Connections.
func (t *Table) Use(child *pluto.Child) error { panic("to come") }

// Remove is that of pluto.Connections.
func (t *Table) Move(child *pluto.Child) error               { panic("to come") }
func (t *Table) Remove(child *pluto.Child, why pluto.Reason) { panic("to come") }

// Used is that of pluto.Connections.
func (t *Table) Used(child *pluto.Child) time.Time { panic("to come") }

// Failed is that of pluto.Connections.
func (t *Table) Failed(conn *pluto.Connection, why error) { panic("to come") }
