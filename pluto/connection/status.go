package connection

import (
	"slices"
	"time"

	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/pluto"
)

// Routing is what becomes of the packets of a connection.
type Routing uint8

// The routing states, as they have been called since FreeS/WAN.
const (
	Unrouted    Routing = iota // they leave as if the connection were not there
	Prospective                // they are trapped and bring it up
	Held                       // they wait, or as negotiationshunt= says, while it is negotiated
	Failing                    // failureshunt= has them
	Erouted                    // an SA carries them
	Keyed                      // there is an SA, which does not carry them
	Shunted                    // type=passthrough, drop or reject
)

// String returns the state as whack --status prints it.
func (r Routing) String() string {
	return [...]string{"unrouted", "prospective erouted", "erouted HOLD", "fail erouted", "erouted", "keyed", "shunt erouted"}[r]
}

// MarshalText returns String.
func (r Routing) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Status is everything of one connection, for whack --status. Of a
// connection with instances, those follow it.
type Status struct {
	// Conn is the connection: oriented where Oriented is set, as it was loaded otherwise.
	Conn      *pluto.Connection
	Loaded    *pluto.Connection // as it was loaded; of an instance, as that of which it is one
	Oriented  bool
	Virtual   string // the interface that its packets are routed into; "" where not oriented
	Flows     []klips.Selector
	Routing   Routing
	Shunt     klips.Shunt // in force for its packets while no SA carries them
	Asked     bool        // by whack --route
	Wanted    bool        // by whack --initiate: a failure is not the end
	Attempts  int         // that have failed, since the last one that did not
	Retry     time.Time   // of the next attempt; zero: none is planned
	Inherited bool        // an SA of an earlier worker, which has died, carries its packets
	Owner     int         // the serial of the Child SA that carries its packets, 0 for none
	Children  []ChildStatus
	Instances int    // that it has
	LastError string // why the last attempt failed; "" when it did not
	ErrorAt   time.Time
}

// ChildStatus is a Child SA with what the kernel knows of it.
type ChildStatus struct {
	Child   *pluto.Child
	InUse   bool // our packets go out by it
	Since   time.Time
	In, Out []klips.SA // innermost first, with counters; empty where the kernel does not have them
}

// Status describes all connections, in the order in which they were added.
func (t *Table) Status() []Status {
	known := map[said.SAID]klips.SA{}
	if len(t.bundles) > 0 {
		sas, _ := t.config.Kernel.ListSAs() // without an answer there are no counters
		for _, sa := range sas {
			known[sa.ID] = sa
		}
	}
	var list []Status
	for _, e := range t.entries {
		list = append(list, t.status(e, known))
		for _, i := range e.instances {
			list = append(list, t.status(i, known))
		}
	}
	return list
}

func (t *Table) status(e *entry, known map[said.SAID]klips.SA) Status {
	s := Status{
		Conn: e.subject(), Loaded: e.loaded, Oriented: e.conn != nil, Virtual: e.virtual, Flows: e.flows, Routing: t.routing(e),
		Inherited: e.inherits > 0, Asked: e.asked, Wanted: e.wanted, Attempts: e.tries, Retry: e.retry, Instances: len(e.instances),
		LastError: e.lastErr, ErrorAt: e.errAt,
	}
	if t.routed(e) {
		s.Shunt = klips.ShuntOf(said.Shunt(t.shunt(e)))
	}
	for _, b := range e.bundles {
		c := ChildStatus{Child: b.child, InUse: b.used, Since: b.since, In: pick(known, b.in), Out: pick(known, b.out)}
		if s.Children = append(s.Children, c); b.used {
			s.Owner = b.child.Serial
		}
	}
	return s
}

func pick(known map[said.SAID]klips.SA, ids []said.SAID) (list []klips.SA) {
	for _, id := range ids {
		if sa, ok := known[id]; ok {
			list = append(list, sa)
		}
	}
	return list
}

func (t *Table) routing(e *entry) Routing {
	switch {
	case slices.ContainsFunc(e.bundles, func(b *bundle) bool { return b.used }):
		return Erouted
	case e.inherits > 0:
		return Erouted
	case len(e.bundles) > 0:
		return Keyed
	case !t.routed(e):
		return Unrouted
	case isShunt(e.subject()):
		return Shunted
	case e.failing:
		return Failing
	case t.busy(e):
		return Held
	}
	return Prospective
}
