package diff

import (
	"fmt"
	"net/netip"
	"strconv"

	"ipsec/plan"
)

// The names of things, which are the same in the plan and on the machine.

func addressObject(p netip.Prefix, link string) string {
	return "address " + p.Addr().String() + " dev " + link
}

// kernelMetric6 is the metric of a route of IPv6 that is set without one.
const kernelMetric6 = 1024

func routeObject(dst netip.Prefix, link string, metric int) string {
	s := "route " + dst.String() + " dev " + link
	if metric != 0 && !(dst.Addr().Is6() && metric == kernelMetric6) {
		s += " metric " + strconv.Itoa(metric)
	}
	return s
}

func erouteObject(f plan.Flow) string {
	s := "eroute " + f.Src.String() + " -> " + f.Dst.String()
	if f.Proto != 0 {
		s += fmt.Sprintf(" protocol %d ports %d -> %d", f.Proto, f.SrcPort, f.DstPort)
	}
	return s
}

func interfaceObject(name string) string { return "interface " + name }

// link is what an interface of ours is like.
type link struct {
	physical string
	mtu      int
	up       bool
}

// String returns the value of its Item.
func (l link) String() string {
	state := "down"
	if l.up {
		state = "up"
	}
	return fmt.Sprintf("on %s mtu %d %s", l.physical, l.mtu, state)
}
