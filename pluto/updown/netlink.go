package updown

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipsec/klips/tun"
)

// Netlink is the Host of this network namespace. It keeps a socket, and the
// indexes of links by their names. Its zero value is ready; it is not for
// concurrent use.
type Netlink struct {
	handle  *netlink.Handle
	indexes map[string]int
}

var _ Host = (*Netlink)(nil)

// Look is that of Host.
func (*Netlink) Look() (View, error) {
	v := View{Addrs: map[netip.Addr]bool{}, Nets: map[string][]netip.Prefix{}}
	ours, err := dump(tun.Ours)
	if err != nil {
		return v, err
	}
	links, err := dump(netlink.LinkList)
	if err != nil {
		return v, fmt.Errorf("failed to list links: %w", err)
	}
	names := map[int]string{}
	for _, link := range links {
		if a := link.Attrs(); !slices.Contains(ours, a.Name) {
			names[a.Index] = a.Name
		}
	}
	addrs, err := dump(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return v, fmt.Errorf("failed to list addresses: %w", err)
	}
	for _, a := range addrs {
		name, known := names[a.LinkIndex]
		if p := prefixOf(a.IPNet); known && p.IsValid() {
			v.Addrs[p.Addr()] = true
			v.Nets[name] = append(v.Nets[name], p.Masked())
		}
		if p := prefixOf(a.Peer); known && p.IsValid() {
			v.Nets[name] = append(v.Nets[name], p.Masked())
		}
	}
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		routes, err := dump(func() ([]netlink.Route, error) {
			filter := &netlink.Route{Table: unix.RT_TABLE_MAIN, Type: unix.RTN_UNICAST}
			return netlink.RouteListFiltered(family, filter, netlink.RT_FILTER_TABLE|netlink.RT_FILTER_TYPE)
		})
		if err != nil {
			return v, fmt.Errorf("failed to list routes: %w", err)
		}
		for _, r := range routes {
			v.Routes = append(v.Routes, hops(r, family, names)...)
		}
	}
	return v, nil
}

// hops returns r once for each link that it leads over.
func hops(r netlink.Route, family int, names map[int]string) (list []Route) {
	dst := prefixOf(r.Dst)
	if !dst.IsValid() {
		dst = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if family == netlink.FAMILY_V6 {
			dst = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
	}
	if dst.Addr().Is6() && dst.Addr().IsLinkLocalUnicast() {
		return nil
	}
	add := func(index int, gateway net.IP) {
		if name, known := names[index]; known {
			list = append(list, Route{Dst: dst, Link: name, Gateway: addrOf(gateway), Metric: r.Priority})
		}
	}
	if len(r.MultiPath) == 0 {
		add(r.LinkIndex, r.Gw)
	}
	for _, hop := range r.MultiPath {
		add(hop.LinkIndex, hop.Gw)
	}
	return list
}

// Replace is that of Host.
func (n *Netlink) Replace(r Route) error {
	route := &netlink.Route{
		Dst:      ipNet(r.Dst),
		Scope:    netlink.SCOPE_LINK,
		MTU:      r.MTU,
		Priority: r.Metric,
	}
	if r.Dst.Addr().Is6() {
		route.Scope = netlink.SCOPE_UNIVERSE
	}
	if r.Src.IsValid() {
		route.Src = r.Src.AsSlice()
	}
	if err := n.change(r.Link, route, (*netlink.Handle).RouteReplace); err != nil {
		return fmt.Errorf("failed to route %v into %s: %w", r.Dst, r.Link, err)
	}
	return nil
}

// Delete is that of Host.
func (n *Netlink) Delete(r Route) error {
	route := &netlink.Route{Dst: ipNet(r.Dst), Scope: netlink.SCOPE_NOWHERE, Priority: r.Metric}
	if err := n.change(r.Link, route, (*netlink.Handle).RouteDel); err != nil {
		return fmt.Errorf("failed to delete the route %v into %s: %w", r.Dst, r.Link, err)
	}
	return nil
}

// change does something to a route over the link of that name. That the index
// which we know is of no link any more may mean that there is another of its name.
func (n *Netlink) change(link string, route *netlink.Route, do func(*netlink.Handle, *netlink.Route) error) error {
	if n.handle == nil {
		handle, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		n.handle, n.indexes = handle, map[string]int{}
	}
	index, known := n.indexes[link]
	if known {
		route.LinkIndex = index
		err := do(n.handle, route)
		if !errors.Is(err, syscall.ENODEV) && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	found, err := find(n.handle, link)
	if err != nil {
		delete(n.indexes, link)
		return err
	}
	n.indexes[link] = found.Attrs().Index
	route.LinkIndex = found.Attrs().Index
	return do(n.handle, route)
}

func find(handle *netlink.Handle, name string) (netlink.Link, error) {
	link, err := handle.LinkByName(name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		err = syscall.ENODEV
	}
	return link, err
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

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
