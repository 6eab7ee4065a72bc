package host

import (
	"net"

	"ipsec/klips/route/rtnetlink"
	"ipsec/plan"
)

// network reads links, addresses and routes.
func network() ([]plan.Link, []plan.Route, error) {
	n, err := rtnetlink.Read()
	if err != nil {
		return nil, nil, err
	}
	links := []plan.Link{}
	for _, l := range n.Links {
		link := plan.Link{
			Name:         l.Name,
			MTU:          l.MTU,
			Up:           l.Flags&net.FlagUp != 0,
			Loopback:     l.Flags&net.FlagLoopback != 0,
			PointToPoint: l.Flags&net.FlagPointToPoint != 0,
			Addrs:        []plan.Addr{},
		}
		for _, a := range l.Addrs {
			if !a.IsLinkLocal() {
				link.Addrs = append(link.Addrs, plan.Addr{Prefix: a.Prefix, Peer: a.Peer.Addr(), Broadcast: a.Broadcast})
			}
		}
		links = append(links, link)
	}
	routes := []plan.Route{}
	for _, r := range n.Routes {
		routes = append(routes, plan.Route{Dst: r.Dst, Gateway: r.Gateway, Link: r.Link, Src: r.Src, Metric: r.Metric})
	}
	return links, routes, nil
}
