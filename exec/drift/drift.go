// Package drift compares what a start has made of the network, as ipsec.info has it, with what is
// there: links that are gone or down, addresses and routes that somebody has taken away. It decides
// over values; Look reads them.
package drift

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"ipsec/conf/info"
	"ipsec/klips/route"
	"ipsec/klips/route/rtnetlink"
)

// Look returns what is missing of what was noted, in words for a person. It needs no privilege; routed is
// as in Find.
func Look(notes []string, routed func(netip.Prefix) bool) ([]string, error) {
	there, err := rtnetlink.ReadAll()
	if err != nil {
		return nil, err
	}
	return Find(info.StandingOf(notes).Lines(), there, routed), nil
}

// Find returns what notes have and the network has not, in the order of the notes. Of a link
// that is gone it does not say that its addresses and routes are gone with it. A route that was noted once
// Pluto runs may be one that Pluto has taken away since, as its connection has gone down: it is
// missing only if routed says that a connection is routed there.
func Find(notes []info.Line, there rtnetlink.Network, routed func(netip.Prefix) bool) (missing []string) {
	pluto := false
	links := make(map[string]rtnetlink.Link)
	for _, l := range there.Links {
		links[l.Name] = l
	}
	found := func(name string) bool { _, ok := links[name]; return ok }
	say := func(format string, args ...any) {
		if line := fmt.Sprintf(format, args...); !slices.Contains(missing, line) {
			missing = append(missing, line)
		}
	}
	for _, note := range notes {
		switch note := note.(type) {
		case info.Started:
			pluto = pluto || note == info.Pluto
		case info.Interface:
			switch virtual, physical := links[note.Virtual], links[note.Physical]; {
			case !found(note.Virtual):
				say("the interface %s is gone", note.Virtual)
			case virtual.Flags&net.FlagUp == 0:
				say("the interface %s is down", note.Virtual)
			case !found(note.Physical):
				say("the interface %s is gone, which %s is on", note.Physical, note.Virtual)
			case physical.Flags&net.FlagUp == 0:
				say("the interface %s is down, which %s is on", note.Physical, note.Virtual)
			}
		case info.Address:
			if found(note.Link) && !slices.ContainsFunc(links[note.Link].Addrs, func(a rtnetlink.Addr) bool { return a.Prefix.Addr() == note.Prefix.Addr() }) {
				say("the address %s of %s is gone", note.Prefix.Addr(), note.Link)
			}
		case info.Route:
			if found(note.Link) && !hasRoute(there.Routes, note) && (!pluto || routed(note.Dst)) {
				say("the route to %s over %s is gone", target(note.Dst), note.Link)
			}
		}
	}
	return missing
}

// hasRoute reports whether a route that was noted is there. The kernel gives one that was set
// without a metric a metric of its own, in IPv6.
func hasRoute(routes []route.Route, note info.Route) bool {
	return slices.ContainsFunc(routes, func(r route.Route) bool {
		return r.Dst == note.Dst && r.Link == note.Link && (note.Metric == 0 || r.Metric == note.Metric)
	})
}

// target returns a destination as people write it: a host without its prefix length.
func target(dst netip.Prefix) string {
	if dst.IsSingleIP() {
		return dst.Addr().String()
	}
	return dst.String()
}
