package route

import (
	"fmt"
	"net/netip"
	"slices"

	"ipsec/klips"
)

// Want is packets that are to be led into KLIPS, and how.
type Want struct {
	Flow    klips.Selector // of one address family
	Virtual string         // the interface of KLIPS
	MTU     int            // of the routes, in bytes; 0: none given
	Metric  int            // of the routes
	Source  netip.Addr     // of the host's own packets; invalid: none given
	// Pass says that they need not enter KLIPS, which would but let them pass:
	// type=passthrough.
	Pass bool
	// Own are the networks on this side of the conn: packets to them stay here.
	Own []netip.Prefix
	// Passes are the flows of passthrough conns, which leave in the clear wherever
	// the host's routes have them do so.
	Passes []klips.Selector
}

// Lead is what leads packets into KLIPS.
type Lead struct {
	// Routes are to be set. There are none where the packets pass by the route
	// that is there.
	Routes []Route
	// Beside are the routes to networks of the host inside the destination:
	// packets to them stay outside of KLIPS.
	Beside []Route
	// NoSource says that the source which is wanted is no address of the host, so
	// that the routes have none.
	NoSource bool
}

// LeakError is why packets must not be routed: they would leave in the clear.
type LeakError struct {
	Route Route // by which they would
	whole bool  // it leads to all of the destination, so that no conn could be told from this one
}

// Error names the route, and what to do.
func (e *LeakError) Error() string {
	or := ", or have a conn of type=passthrough say that they may"
	if e.whole {
		or = ""
	}
	return fmt.Sprintf("there is a route to %s over %s already, by which packets that the conn protects would leave in the clear: take it away, %q%s",
		e.Route.Dst, e.Route.Link, e.Route.Deletion(), or)
}

// Lead returns how packets are led into KLIPS beside the routes of the host. It
// is a *LeakError where one of those would lead some of them past it; Routes are
// then what would be set but for that.
//
// A network is routed whole, and by halves where the host has a route to it that
// is as good as ours: that one is not replaced. Everything is always routed by
// halves, so that the default route may come and go. What passes in any case keeps
// the route that is there, and so does what is part of a network that
// the host is on.
func (t *Table) Lead(w Want) (Lead, error) {
	var lead Lead
	var leak *LeakError
	for _, dst := range t.cover(w.Flow.Dst.Masked(), w) {
		r := Route{Dst: dst, Link: w.Virtual, MTU: w.MTU, Metric: w.Metric}
		if w.Source.IsValid() && w.Source.Is4() == dst.Addr().Is4() {
			if t.addrs == nil || t.addrs[w.Source] {
				r.Src = w.Source
			} else {
				lead.NoSource = true
			}
		}
		lead.Routes = append(lead.Routes, r)
		if w.Pass {
			continue
		}
		for _, other := range t.within(dst) {
			same := other.Dst == dst
			switch {
			case same && other.Metric > metricOf(dst, w.Metric):
			case w.passed(other.Dst):
			case !same && slices.ContainsFunc(w.Own, func(own netip.Prefix) bool { return Covers(own, other.Dst) }):
			case !same && t.neighbours(other):
				lead.Beside = append(lead.Beside, other)
			case leak == nil:
				leak = &LeakError{Route: other, whole: other.Dst == w.Flow.Dst.Masked()}
			}
		}
	}
	if leak != nil {
		return lead, leak
	}
	return lead, nil
}

// cover returns what to route for dst, which is w's destination or a part of it.
func (t *Table) cover(dst netip.Prefix, w Want) []netip.Prefix {
	routed := t.routed(dst, w.Metric)
	switch {
	case w.Pass && (routed || t.attached(dst)):
		return nil
	case dst.IsSingleIP(), dst.Bits() > 0 && !routed:
		return []netip.Prefix{dst}
	}
	low, high := halves(dst)
	return append(t.cover(low, w), t.cover(high, w)...)
}

// passed reports whether a passthrough conn lets all packets of w to dst
// through: KLIPS looks for the longest source first, and then for the longest
// destination.
func (w Want) passed(dst netip.Prefix) bool {
	return slices.ContainsFunc(w.Passes, func(pass klips.Selector) bool {
		return pass.Src == w.Flow.Src && pass.Proto == 0 && pass.Dst != w.Flow.Dst && Covers(w.Flow.Dst, pass.Dst) && Covers(pass.Dst, dst)
	})
}
