// Package versions joins the versions of IKE that Pluto speaks: it hands each message to the one that it
// is of, has a connection begin with one that it allows, and gives the SAs of all of them
// numbers in one order. It knows of no version more than its number.
package versions

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"ipsec/klips"
	"ipsec/pluto"
)

// Version is one version of IKE.
type Version struct {
	Major      uint8 // as the header of its messages has it
	Negotiator pluto.Negotiator
	// Speaks reports whether conn may be negotiated by it.
	Speaks func(conn *pluto.Connection) bool
}

// Serials numbers the SAs of all versions for reports: #1 and so on. It is for one
// goroutine. Its zero value is ready.
type Serials struct{ last int }

// Next returns the next number.
func (s *Serials) Next() int {
	s.last++
	return s.last
}

// All joins all versions into one Negotiator. Methods without a comment implement
// pluto.Negotiator, of each version in turn.
type All struct {
	list []Version // the one that connections begin with before others
}

var _ pluto.Negotiator = (*All)(nil)

// New joins versions, of which there is at least one. Where a connection allows several, it begins
// with the first that does.
func New(list ...Version) *All { return &All{list: list} }

// versionByte is where the header has the version, in IKEv1 as in IKEv2: the major one in its
// upper half (RFC 2408, section 3.1; RFC 7296, section 3.1).
const versionByte = 17

// Receive hands a message to the version that it is of. One of a version that nobody speaks, and what
// is no message, goes to the highest, which knows what to answer (RFC 7296, section 2.5).
func (a *All) Receive(d pluto.Datagram) {
	highest := a.list[0]
	for _, v := range a.list {
		if len(d.Payload) > versionByte && d.Payload[versionByte]>>4 == v.Major {
			v.Negotiator.Receive(d)
			return
		}
		if v.Major > highest.Major {
			highest = v
		}
	}
	highest.Negotiator.Receive(d)
}

// Initiate begins with the first version that conn allows. What allows none is not loaded; were it,
// the first would say what is missing.
func (a *All) Initiate(conn *pluto.Connection, packet *klips.Selector) {
	a.begin(conn).Initiate(conn, packet)
}

func (a *All) begin(conn *pluto.Connection) pluto.Negotiator {
	for _, v := range a.list {
		if v.Speaks(conn) {
			return v.Negotiator
		}
	}
	return a.list[0].Negotiator
}

// Terminate ends what any version has of conn.
func (a *All) Terminate(conn *pluto.Connection) {
	for _, v := range a.list {
		v.Negotiator.Terminate(conn)
	}
}

// Rekey has the version that child is of replace it; the others do not know it.
func (a *All) Rekey(child *pluto.Child) {
	for _, v := range a.list {
		v.Negotiator.Rekey(child)
	}
}

// Moved tells the version that child is of; the others do not know it.
func (a *All) Moved(child *pluto.Child, remote netip.AddrPort) {
	for _, v := range a.list {
		v.Negotiator.Moved(child, remote)
	}
}

// Next returns the earliest that any version awaits.
func (a *All) Next() (earliest time.Time, any bool) {
	for _, v := range a.list {
		if at, ok := v.Negotiator.Next(); ok && (!any || at.Before(earliest)) {
			earliest, any = at, true
		}
	}
	return earliest, any
}

// Tick has each version do what is due.
func (a *All) Tick() {
	for _, v := range a.list {
		v.Negotiator.Tick()
	}
}

// Shutdown tells the peers of all versions.
func (a *All) Shutdown() {
	for _, v := range a.list {
		v.Negotiator.Shutdown()
	}
}

// States returns the SAs of all versions in the order of their serial numbers.
func (a *All) States() []pluto.State {
	var list []pluto.State
	for _, v := range a.list {
		list = append(list, v.Negotiator.States()...)
	}
	slices.SortStableFunc(list, func(x, y pluto.State) int { return cmp.Compare(x.Serial, y.Serial) })
	return list
}
