package rtnetlink

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipsec/klips/route"
)

// Host is the routes of this network namespace. It keeps a socket, and the
// indexes of links by their names. Its zero value is ready; it is not for
// concurrent use.
type Host struct {
	handle  *netlink.Handle
	indexes map[string]int
}

// Look reads the routes of the host that are not KLIPS's.
func (*Host) Look() (*route.Table, error) {
	n, err := Read()
	if err != nil {
		return nil, err
	}
	return n.Table(), nil
}

// Replace is like 'ip route replace DST dev LINK [src SRC] [mtu MTU] [metric
// METRIC]'.
func (h *Host) Replace(r route.Route) error {
	change := &netlink.Route{
		Dst:      IPNet(r.Dst.Masked()),
		Scope:    netlink.SCOPE_LINK,
		MTU:      r.MTU,
		Priority: r.Metric,
	}
	if r.Dst.Addr().Is6() {
		change.Scope = netlink.SCOPE_UNIVERSE
	}
	if r.Src.IsValid() {
		change.Src = r.Src.AsSlice()
	}
	if err := h.change(r.Link, change, (*netlink.Handle).RouteReplace); err != nil {
		return fmt.Errorf("failed to route %v into %s: %w", r.Dst, r.Link, err)
	}
	return nil
}

// Delete is like 'ip route del DST dev LINK [metric METRIC]'. The error is an
// ESRCH where there is no such route, and an ENODEV where there is no such link.
func (h *Host) Delete(r route.Route) error {
	change := &netlink.Route{Dst: IPNet(r.Dst.Masked()), Scope: netlink.SCOPE_NOWHERE, Priority: r.Metric}
	if err := h.change(r.Link, change, (*netlink.Handle).RouteDel); err != nil {
		return fmt.Errorf("failed to delete the route %v into %s: %w", r.Dst, r.Link, err)
	}
	return nil
}

// Close closes the socket. The Host may be used again.
func (h *Host) Close() {
	if h.handle != nil {
		h.handle.Close()
		h.handle, h.indexes = nil, nil
	}
}

// change does something to a route over the link of that name. The index that is
// known of it may be that of no link any more, while there is another of its name.
func (h *Host) change(link string, r *netlink.Route, do func(*netlink.Handle, *netlink.Route) error) error {
	if h.handle == nil {
		handle, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		h.handle, h.indexes = handle, map[string]int{}
	}
	index, known := h.indexes[link]
	if known {
		r.LinkIndex = index
		err := do(h.handle, r)
		if !errors.Is(err, syscall.ENODEV) && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	found, err := h.handle.LinkByName(link)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		err = syscall.ENODEV
	}
	if err != nil {
		delete(h.indexes, link)
		return err
	}
	h.indexes[link] = found.Attrs().Index
	r.LinkIndex = found.Attrs().Index
	return do(h.handle, r)
}
