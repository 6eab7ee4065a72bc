// Package change compares what a start would leave on a machine, as its plan says, with what is there. It is a
// pure function of both: ipsec setup diff prints what it finds, and ipsec setup reload does it.
package change

import (
	"cmp"
	"slices"
	"strings"

	"ipsec/plan"
)

// Kind is what an Item is of; who may not see a kind compares nothing of it.
type Kind int

// The kinds, in the order of a report.
const (
	Daemon     Kind = iota // KLIPS or Pluto, and its arguments
	Network                // interfaces, their addresses, routes into them
	Setting                // kernel settings
	DataPlane              // manually keyed SAs and eroutes, for the superuser to see
	Connection             // what Pluto has loaded, for the superuser to see
	Routing                // whether Pluto has routed it
)

// Item is one thing that is on a machine, or is to be: its name, which outlives lines and order, and what
// it is like.
type Item struct {
	Kind   Kind
	Object string // "route 10.0.2.0/24 dev ipsec0"
	Value  string // "" where there is nothing more to say; of words, with NULs between them
	Reason string // why it is wanted: the line of ipsec.conf, or the fact
	Noted  bool   // of what is there, or was: start made it, and noted that
	Before string // of a setting that is there, and that nobody wants any more: what it was before the start

	Op plan.Op // of what is wanted: one that makes it; of what is there: one that takes it away; nil: there is none

	Conn  string   // of an eroute of Pluto: the item of its connection
	Conns []string // of a route that is there: the items of connections that are routed now, and that it may be of
}

// State is what is on a machine.
type State struct {
	Items  []Item          // in the order of kinds
	Unseen map[Kind]string // why things of a kind cannot be seen
}

// Sees reports whether things of kind k can be seen.
func (s State) Sees(k Kind) bool {
	if k == Routing {
		k = Connection
	}
	_, unseen := s.Unseen[k]
	return !unseen
}

// Mark says what a Change is.
type Mark string

// The marks: what a start or a restart would add, take away or change, and what has been done behind the
// back of the plan that ran.
const (
	Add    Mark = "+"
	Remove Mark = "-"
	Alter  Mark = "~"
	Drift  Mark = "!"
)

// Change is one difference. Of Want and Have, the one that there is none of has no Object.
type Change struct {
	Mark       Mark
	Want, Have Item
}

// Item returns what the change is of: as it is wanted, or what is there that nobody wants.
func (c Change) Item() Item {
	if c.Want.Object == "" {
		return c.Have
	}
	return c.Want
}

// Compare returns the differences of the kinds that are seen, in the order of want and, of what is
// not wanted, of what is there.
func Compare(want []Item, state State) []Change {
	there := make(map[string]Item, len(state.Items))
	for _, h := range state.Items {
		there[h.Object] = h
	}
	wanted := make(map[string]bool, len(want))
	conns, led := make(map[string]Item), make(map[string]bool)
	for _, w := range want {
		led[w.Conn] = true
		if w.Kind == Connection {
			conns[w.Object] = w
		}
	}
	routes := func(conn string) bool {
		h, loaded := there[conn]
		_, routed := there["routing of "+conn]
		return loaded && routed && same(conns[conn], h.Value)
	}
	var changes []Change
	for _, w := range want {
		wanted[w.Object] = true
		h, is := there[w.Object]
		switch {
		case !state.Sees(w.Kind) || w.Value == Any:
		case w.Value == OfPluto && !is:
			if routes(w.Conn) { // else what has become of the conn is the difference
				changes = append(changes, Change{Drift, w, Item{}})
			}
		case w.Kind == Routing:
			conn := ofRouting(w.Object)
			if _, loaded := there[conn]; loaded && (!is || h.Value == Waits && led[conn]) {
				changes = append(changes, Change{Drift, w, Item{}})
			}
		case is && h.Value == Gone:
			changes = append(changes, Change{Drift, w, h})
		case !is:
			changes = append(changes, Change{Add, w, Item{}})
		case same(w, h.Value):
		case w.Kind == Setting, Change{Want: w, Have: h}.Down():
			changes = append(changes, Change{Drift, w, h})
		default:
			changes = append(changes, Change{Alter, w, h})
		}
	}
	stays := func(conn string) bool {
		h, loaded := there[conn]
		unrouted := there["routing of "+conn].Value == Asked && !wanted["routing of "+conn]
		return loaded && wanted[conn] && !unrouted && same(conns[conn], h.Value)
	}
	for _, h := range state.Items {
		switch {
		case wanted[h.Object] || !state.Sees(h.Kind) || h.Value == Gone || h.Value == OfPluto:
		case slices.ContainsFunc(h.Conns, stays): // it is for the connection to take away
		case h.Kind == Setting:
			if h.Value != h.Before {
				changes = append(changes, Change{Remove, Item{}, h})
			}
		case h.Kind == Routing:
			if h.Value == Asked && wanted[ofRouting(h.Object)] {
				changes = append(changes, Change{Remove, Item{}, h})
			}
		case h.Noted || h.Kind != Network: // what is in the tables of KLIPS, nobody notes
			changes = append(changes, Change{Remove, Item{}, h})
		default:
			changes = append(changes, Change{Drift, Item{}, h})
		}
	}
	return changes
}

// same reports whether a thing is as it is wanted. Who %myid is, Pluto has filled in; and a filter of
// all links that is weaker than the one that start sets leaves theirs as they are.
func same(w Item, have string) bool {
	switch {
	case w.Kind == Connection && strings.Contains(w.Value, myID):
		return slices.EqualFunc(strings.Split(have, to), strings.Split(w.Value, to), func(have, want string) bool {
			return have == want || strings.Contains(want, myID) && withoutID(have) == withoutID(want)
		})
	case w.Object == allLinksFilter:
		return have <= w.Value // one digit each
	}
	return have == w.Value
}

const (
	allLinksFilter = "/proc/sys/net/ipv4/conf/all/rp_filter"
	to             = "\x00--to\x00"
	myID           = "--id\x00%myid"
)

// withoutID returns the words of an end without its identity.
func withoutID(words string) string {
	list := strings.Split(words, "\x00")
	if i := slices.Index(list, "--id"); i >= 0 && i+1 < len(list) {
		list = slices.Delete(list, i, i+2)
	}
	return strings.Join(list, "\x00")
}

// Gone is the Value of what was noted and is not there.
const Gone = "\x00gone"

// Any is the Value of a setting that a start notes and may change, and that may have any value after it.
const Any = "\x00any"

// OfPluto is the Value of an eroute that Pluto sets, and changes as it negotiates.
const OfPluto = "one of Pluto"

// Asked is the Value of a routing that somebody has asked for, beside those that come with an SA.
const Asked = "asked"

// Waits is the Value of a routing that comes once there is an address of ours.
const Waits = "waits"

// HoldMetric is the metric of the routes that hold packets in KLIPS while a connection goes and another comes: the
// worst one, so that such a route is beside any other.
const HoldMetric = 1<<31 - 1

// Sort puts items in the order of a report.
func Sort(items []Item) {
	slices.SortStableFunc(items, func(a, b Item) int { return cmp.Compare(a.Kind, b.Kind) })
}
