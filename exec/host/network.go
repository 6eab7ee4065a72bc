package host

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipsec/klips/tun"
	"ipsec/plan"
)

// network reads links, addresses and routes.
func network() ([]plan.Link, []plan.Route, error) {
	ours, err := dump(tun.Ours)
	if err != nil {
		return nil, nil, err
	}
	found, err := dump(netlink.LinkList)
	if err != nil {
		return nil, nil, fmt.Errorf("failed to list links: %w", err)
	}
	found = slices.DeleteFunc(found, func(link netlink.Link) bool { return slices.Contains(ours, link.Attrs().Name) })
	slices.SortFunc(found, func(a, b netlink.Link) int { return cmp.Compare(a.Attrs().Name, b.Attrs().Name) })
	addrs, err := addresses()
	if err != nil {
		return nil, nil, err
	}
	links := []plan.Link{}
	names := make(map[int]string)
	for _, link := range found {
		a := link.Attrs()
		names[a.Index] = a.Name
		links = append(links, plan.Link{
			Name:         a.Name,
			MTU:          a.MTU,
			Up:           a.Flags&net.FlagUp != 0,
			Loopback:     a.Flags&net.FlagLoopback != 0,
			PointToPoint: a.Flags&net.FlagPointToPoint != 0,
			Addrs:        append([]plan.Addr{}, addrs[a.Index]...),
		})
	}
	routes, err := routesOf(names)
	return links, routes, err
}

// addresses returns the addresses of each link by its index.
func addresses() (map[int][]plan.Addr, error) {
	addrs := make(map[int][]plan.Addr)
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		found, err := dump(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, family) })
		if err != nil {
			return nil, fmt.Errorf("failed to list addresses: %w", err)
		}
		for _, a := range found {
			prefix := prefixOf(a.IPNet)
			if !prefix.IsValid() || prefix.Addr().Is6() && prefix.Addr().IsLinkLocalUnicast() {
				continue
			}
			addrs[a.LinkIndex] = append(addrs[a.LinkIndex], plan.Addr{
				Prefix:    prefix,
				Peer:      prefixOf(a.Peer).Addr(),
				Broadcast: addrOf(a.Broadcast),
			})
		}
	}
	return addrs, nil
}

// routesOf returns the routes over the links of those indexes, one for each
// next hop.
func routesOf(links map[int]string) ([]plan.Route, error) {
	var routes []plan.Route
	add := func(r netlink.Route, index int, gateway net.IP, via netlink.Destination) {
		name, known := links[index]
		route := plan.Route{
			Dst:     prefixOf(r.Dst),
			Gateway: addrOf(gateway),
			Link:    name,
			Src:     addrOf(r.Src),
			Metric:  r.Priority,
		}
		if v, ok := via.(*netlink.Via); ok {
			route.Gateway = addrOf(v.Addr)
		}
		if !route.Dst.IsValid() { // how the kernel, for some families, writes a default route
			route.Dst = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
			if r.Family == netlink.FAMILY_V6 {
				route.Dst = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
			}
		}
		if known && !(route.Dst.Addr().Is6() && route.Dst.Addr().IsLinkLocalUnicast()) {
			routes = append(routes, route)
		}
	}
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		found, err := dump(func() ([]netlink.Route, error) {
			filter := &netlink.Route{Table: unix.RT_TABLE_MAIN, Type: unix.RTN_UNICAST}
			return netlink.RouteListFiltered(family, filter, netlink.RT_FILTER_TABLE|netlink.RT_FILTER_TYPE)
		})
		if err != nil {
			return nil, fmt.Errorf("failed to list routes: %w", err)
		}
		for _, r := range found {
			r.Family = family
			if len(r.MultiPath) == 0 {
				add(r, r.LinkIndex, r.Gw, r.Via)
			}
			for _, hop := range r.MultiPath {
				add(r, hop.LinkIndex, hop.Gw, hop.Via)
			}
		}
	}
	slices.SortStableFunc(routes, func(a, b plan.Route) int {
		return cmp.Or(a.Dst.Addr().Compare(b.Dst.Addr()), cmp.Compare(a.Dst.Bits(), b.Dst.Bits()), cmp.Compare(a.Metric, b.Metric),
			cmp.Compare(a.Link, b.Link), a.Gateway.Compare(b.Gateway), a.Src.Compare(b.Src))
	})
	return append([]plan.Route{}, routes...), nil
}

// dump repeats a netlink dump that a change has interrupted.
func dump[T any](list func() ([]T, error)) (found []T, err error) {
	for range 10 {
		found, err = list()
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return found, err
}

// prefixOf returns the zero Prefix for nil.
func prefixOf(n *net.IPNet) netip.Prefix {
	if n == nil {
		return netip.Prefix{}
	}
	ones, _ := n.Mask.Size()
	return netip.PrefixFrom(addrOf(n.IP), ones)
}

// addrOf returns the zero Addr for nil.
func addrOf(ip net.IP) netip.Addr {
	addr, _ := netip.AddrFromSlice(ip)
	return addr.Unmap()
}
