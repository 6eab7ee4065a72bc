// Package diff compares what a start would leave on this machine, as its plan says, with what is there:
// what ipsec setup diff prints. Compare decides over values; Running looks, and changes nothing.
package diff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
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
	Value  string // "" where there is nothing more to say
	Reason string // why it is wanted: the line of ipsec.conf, or the fact
	Noted  bool   // of what is there, or was: start made it, and noted that
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

// Change is one difference.
type Change struct {
	Mark   Mark   `json:"mark"`
	Object string `json:"object"`
	Detail string `json:"detail"`
	Reason string `json:"reason"` // of what is wanted
}

// String returns the change in one line.
func (c Change) String() string {
	s := string(c.Mark) + " " + c.Object
	if c.Detail != "" {
		s += ": " + c.Detail
	}
	if c.Reason != "" {
		s += " (" + c.Reason + ")"
	}
	return s
}

// Compare returns the differences of the kinds that are seen, in the order of want and, of what is
// not wanted, of have.
func Compare(want, have []Item, seen func(Kind) bool) []Change {
	there := make(map[string]Item)
	for _, h := range have {
		there[h.Object] = h
	}
	wanted := make(map[string]bool)
	changes := []Change{}
	add := func(mark Mark, i Item, detail string) {
		changes = append(changes, Change{mark, i.Object, detail, i.Reason})
	}
	for _, w := range want {
		wanted[w.Object] = true
		h, is := there[w.Object]
		switch {
		case !seen(w.Kind):
		case w.Kind == Routing:
			if _, loaded := there[strings.TrimPrefix(w.Object, "routing of ")]; loaded && !is {
				add(Drift, w, "Pluto has not routed it")
			}
		case is && h.Value == gone:
			add(Drift, w, "it was there, and is gone")
		case !is:
			add(Add, w, "")
		case same(w, h.Value):
		case w.Kind == Setting:
			add(Drift, w, fmt.Sprintf("%s, start sets %s", shown(h.Value), w.Value))
		case w.Kind == Connection:
			for _, detail := range fields(h.Value, w.Value) {
				add(Alter, w, detail)
			}
		case w.Kind == Network && strings.TrimSuffix(h.Value, " down") == strings.TrimSuffix(w.Value, " up"):
			add(Drift, w, "it is down")
		default:
			add(Alter, w, fmt.Sprintf("%s, wanted %s", shown(h.Value), shown(w.Value)))
		}
	}
	for _, h := range have {
		switch {
		case wanted[h.Object] || !seen(h.Kind) || h.Kind == Setting || h.Value == gone:
		case h.Kind == Routing:
			if h.Value == asked && wanted[strings.TrimPrefix(h.Object, "routing of ")] {
				add(Remove, h, "a start would not route it")
			}
		case h.Noted || h.Kind != Network: // what is in the tables of KLIPS, nobody notes
			add(Remove, h, "")
		default:
			add(Drift, h, "no plan has set it")
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

// gone is the Value of what was noted and is not there.
const gone = "\x00gone"

// asked is the Value of a routing that somebody has asked for, beside those that come with an SA.
const asked = "asked"

func shown(value string) string {
	if value == "" {
		return "nothing"
	}
	return value
}

// sorted puts items in the order of a report.
func sorted(items []Item) []Item {
	slices.SortStableFunc(items, func(a, b Item) int { return cmp.Compare(a.Kind, b.Kind) })
	return items
}
