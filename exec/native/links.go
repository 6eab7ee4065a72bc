package native

import (
	"context"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"

	"ipsec/klips/route"
	"ipsec/klips/route/rtnetlink"
	"ipsec/plan"
)

// AddAddr is like 'ip addr replace PREFIX dev LINK'.
func (e *Executor) AddAddr(_ context.Context, op plan.AddAddr) error {
	link, err := find(op.Link)
	if err == nil {
		// Like ip(8), and unlike the library, no broadcast address where none is given.
		err = netlink.AddrReplace(link, &netlink.Addr{IPNet: rtnetlink.IPNet(op.Prefix), Broadcast: net.IPv4zero})
	}
	return failed(fmt.Sprintf("add address %v to %s", op.Prefix, op.Link), err)
}

// DelAddr is like 'ip addr del PREFIX dev LINK'.
func (e *Executor) DelAddr(_ context.Context, op plan.DelAddr) error {
	link, err := find(op.Link)
	if err == nil {
		err = netlink.AddrDel(link, &netlink.Addr{IPNet: rtnetlink.IPNet(op.Prefix), Broadcast: net.IPv4zero})
	}
	return failed(fmt.Sprintf("delete address %v of %s", op.Prefix, op.Link), err)
}

// SetMTU is like 'ip link set dev LINK mtu MTU'.
func (e *Executor) SetMTU(_ context.Context, op plan.SetMTU) error {
	link, err := find(op.Link)
	if err == nil {
		err = netlink.LinkSetMTU(link, op.MTU)
	}
	return failed(fmt.Sprintf("set the MTU of %s to %d", op.Link, op.MTU), err)
}

// LinkUp is like 'ip link set dev LINK up'.
func (e *Executor) LinkUp(_ context.Context, op plan.LinkUp) error {
	link, err := find(op.Link)
	if err == nil {
		err = netlink.LinkSetUp(link)
	}
	return failed("bring up "+op.Link, err)
}

// AddRoute is like 'ip route replace DST dev LINK [src SRC] [mtu MTU] [metric
// METRIC]'.
func (e *Executor) AddRoute(_ context.Context, op plan.AddRoute) error {
	return e.routes.Replace(route.Route{Dst: op.Dst, Link: op.Link, Src: op.Src, MTU: op.MTU, Metric: op.Metric})
}

// DelRoute is like 'ip route del DST dev LINK [metric METRIC]'.
func (e *Executor) DelRoute(_ context.Context, op plan.DelRoute) error {
	return e.routes.Delete(route.Route{Dst: op.Dst, Link: op.Link, Metric: op.Metric})
}

func find(name string) (netlink.Link, error) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("there is no link %s: %w", name, err)
	}
	return link, nil
}
