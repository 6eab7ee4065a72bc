// Package rtnetlink reads the links, addresses and routes of a host by
// rtnetlink(7), and sets the routes that lead packets into KLIPS. It knows
// nothing of which ones those are: that is for package route.
package rtnetlink

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipsec/klips/route"
	"ipsec/klips/tun"
)

// Network is the links of this network namespace with their addresses, and the
// routes over them: unicast, of the main table, one for each next hop. What KLIPS
// made is left out, and so are routes to IPv6 link-local addresses. Links are sorted
// by name, and routes by destination, metric, link, gateway and source.
type Network struct {
	Links  []Link
	Routes []route.Route
}

// Link is a network interface.
type Link struct {
	Name  string
	MTU   int // in bytes
	Flags net.Flags
	Addrs []Addr // in the kernel's order, IPv4 first
}

// Addr is an address of a link.
type Addr struct {
	Prefix    netip.Prefix
	Peer      netip.Prefix // of a point-to-point link; else invalid
	Broadcast netip.Addr   // IPv4; may be invalid
}

// IsLinkLocal reports whether a is an address of IPv6 that each link has for
// itself.
func (a Addr) IsLinkLocal() bool {
	return a.Prefix.Addr().Is6() && a.Prefix.Addr().IsLinkLocalUnicast()
}

// Read reads the network. It needs no privilege.
func Read() (Network, error) { return read(func(link netlink.Link) bool { return !tun.IsOurs(link) }) }

// ReadAll is Read, with the links that KLIPS made, and the routes over them.
func ReadAll() (Network, error) { return read(func(netlink.Link) bool { return true }) }

// read reads the links that wanted takes, and the routes over them.
func read(wanted func(netlink.Link) bool) (Network, error) {
	var n Network
	found, err := Dump(netlink.LinkList)
	if err != nil {
		return n, fmt.Errorf("failed to list links: %w", err)
	}
	slices.SortFunc(found, func(a, b netlink.Link) int { return cmp.Compare(a.Attrs().Name, b.Attrs().Name) })
	addrs, err := addresses()
	if err != nil {
		return n, err
	}
	names := make(map[int]string)
	for _, link := range found {
		if !wanted(link) {
			continue
		}
		a := link.Attrs()
		names[a.Index] = a.Name
		n.Links = append(n.Links, Link{Name: a.Name, MTU: a.MTU, Flags: a.Flags, Addrs: addrs[a.Index]})
	}
	n.Routes, err = routes(names)
	return n, err
}

// Table returns what is to be known of the host where packets are routed.
func (n Network) Table() *route.Table {
	h := route.Host{Routes: n.Routes}
	for _, link := range n.Links {
		for _, a := range link.Addrs {
			if !a.IsLinkLocal() {
				h.Addrs = append(h.Addrs, a.Prefix.Addr())
			}
			h.Nets = append(h.Nets, route.Net{Prefix: a.Prefix, Link: link.Name})
			if a.Peer.IsValid() {
				h.Nets = append(h.Nets, route.Net{Prefix: a.Peer, Link: link.Name})
			}
		}
	}
	return route.NewTable(h)
}

// addresses returns the addresses of each link by its index.
func addresses() (map[int][]Addr, error) {
	addrs := make(map[int][]Addr)
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		found, err := Dump(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, family) })
		if err != nil {
			return nil, fmt.Errorf("failed to list addresses: %w", err)
		}
		for _, a := range found {
			if prefix := prefixOf(a.IPNet); prefix.IsValid() {
				addrs[a.LinkIndex] = append(addrs[a.LinkIndex], Addr{Prefix: prefix, Peer: prefixOf(a.Peer), Broadcast: addrOf(a.Broadcast)})
			}
		}
	}
	return addrs, nil
}

// routes returns the routes over the links of those indexes.
func routes(links map[int]string) ([]route.Route, error) {
	var list []route.Route
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		found, err := Dump(func() ([]netlink.Route, error) {
			filter := &netlink.Route{Table: unix.RT_TABLE_MAIN, Type: unix.RTN_UNICAST}
			return netlink.RouteListFiltered(family, filter, netlink.RT_FILTER_TABLE|netlink.RT_FILTER_TYPE)
		})
		if err != nil {
			return nil, fmt.Errorf("failed to list routes: %w", err)
		}
		for _, r := range found {
			list = append(list, hops(r, family, links)...)
		}
	}
	slices.SortStableFunc(list, func(a, b route.Route) int {
		return cmp.Or(a.Dst.Addr().Compare(b.Dst.Addr()), cmp.Compare(a.Dst.Bits(), b.Dst.Bits()), cmp.Compare(a.Metric, b.Metric),
			cmp.Compare(a.Link, b.Link), a.Gateway.Compare(b.Gateway), a.Src.Compare(b.Src))
	})
	return list, nil
}

// hops returns r once for each of links that it leads over.
func hops(r netlink.Route, family int, links map[int]string) (list []route.Route) {
	dst := prefixOf(r.Dst)
	if !dst.IsValid() { // how the kernel, for some families, writes a default route
		dst = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if family == netlink.FAMILY_V6 {
			dst = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
	}
	if dst.Addr().Is6() && dst.Addr().IsLinkLocalUnicast() {
		return nil
	}
	add := func(index int, gateway netip.Addr) {
		if name, known := links[index]; known {
			list = append(list, route.Route{Dst: dst, Link: name, Gateway: gateway, Src: addrOf(r.Src), MTU: r.MTU, Metric: r.Priority})
		}
	}
	if len(r.MultiPath) == 0 {
		add(r.LinkIndex, Gateway(r.Gw, r.Via))
	}
	for _, hop := range r.MultiPath {
		add(hop.LinkIndex, Gateway(hop.Gw, hop.Via))
	}
	return list
}

// Gateway returns the next host of a route, or of one of its next hops, which may be of
// the other address family: via. It is invalid where there is none.
func Gateway(gw net.IP, via netlink.Destination) netip.Addr {
	if v, ok := via.(*netlink.Via); ok {
		gw = v.Addr
	}
	return addrOf(gw)
}

// Dump repeats a netlink dump that a change has interrupted, up to ten times.
func Dump[T any](list func() ([]T, error)) (found []T, err error) {
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

// IPNet returns p as package netlink takes it.
func IPNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
