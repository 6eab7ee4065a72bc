package traffic

import (
	"net/netip"
	"slices"
)

// maxNarrow is how many selectors fit into a payload.
const maxNarrow = 255

// Narrow returns what ours and theirs have in common, each part of it once.
func Narrow(ours, theirs []Selector) []Selector {
	var list []Selector
	for _, t := range theirs {
		for _, o := range ours {
			r, ok := intersect(o, t)
			if !ok || slices.ContainsFunc(list, func(l Selector) bool { return covers(l, r) }) {
				continue
			}
			list = slices.DeleteFunc(list, func(l Selector) bool { return covers(r, l) })
			list = append(list, r)
			if len(list) == maxNarrow {
				return list
			}
		}
	}
	return list
}

// Within reports whether all of list is in some of ours.
func Within(list, ours []Selector) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(l Selector) bool {
		return !slices.ContainsFunc(ours, func(o Selector) bool { return covers(o, l) })
	})
}

// covers reports whether all of b is in a.
func covers(a, b Selector) bool {
	r, ok := intersect(a, b)
	return ok && r == b
}

// intersect returns what two selectors have in common.
func intersect(a, b Selector) (Selector, bool) {
	if a.Start.BitLen() != b.Start.BitLen() || a.Proto != 0 && b.Proto != 0 && a.Proto != b.Proto {
		return a, false
	}
	r := Selector{
		Proto:     max(a.Proto, b.Proto),
		StartPort: max(a.StartPort, b.StartPort),
		EndPort:   min(a.EndPort, b.EndPort),
		Start:     later(a.Start, b.Start),
		End:       earlier(a.End, b.End),
	}
	return r, r.StartPort <= r.EndPort && !r.End.Less(r.Start) &&
		(r.StartPort == r.EndPort || r.StartPort == 0 && r.EndPort == anyPortEnd)
}

func later(a, b netip.Addr) netip.Addr {
	if a.Less(b) {
		return b
	}
	return a
}

func earlier(a, b netip.Addr) netip.Addr {
	if b.Less(a) {
		return b
	}
	return a
}
