package diff

import (
	"net"
	"net/netip"
	"slices"

	"ipsec/conf/info"
	"ipsec/klips/route/rtnetlink"
	"ipsec/klips/tun"
	"ipsec/plan"
	"ipsec/plan/change"
)

// network adds our interfaces with their addresses and routes, and what was noted and is gone.
func (s *looker) network(standing *info.Standing) error {
	there, err := rtnetlink.ReadAll()
	if err != nil {
		return err
	}
	ours, err := tun.Ours()
	if err != nil {
		return err
	}
	var noted []change.Item // in the order of the notes
	isNoted := make(map[string]bool)
	note := func(item change.Item) {
		noted = append(noted, item)
		isNoted[item.Object] = true
	}
	physical := make(map[string]string)
	for _, line := range standing.Lines() {
		switch line := line.(type) {
		case info.Interface:
			note(change.InterfaceOf(line.Virtual, line.Physical, 0, false))
			physical[line.Virtual] = line.Physical
		case info.Address:
			note(change.AddressOf(plan.AddAddr(line)))
		case info.Route:
			note(change.RouteOf(plan.AddRoute{Dst: line.Dst, Link: line.Link, Metric: line.Metric}))
		}
	}
	found := make(map[string]bool)
	add := func(item change.Item, undo plan.Op) {
		found[item.Object] = true
		item.Noted = isNoted[item.Object]
		s.add(item, undo)
	}
	for _, l := range there.Links {
		if !slices.Contains(ours, l.Name) {
			continue
		}
		add(change.InterfaceOf(l.Name, physical[l.Name], l.MTU, l.Flags&net.FlagUp != 0), plan.Detach{Virtual: l.Name})
		for _, a := range l.Addrs {
			if !a.IsLinkLocal() {
				add(change.AddressOf(plan.AddAddr{Prefix: a.Prefix, Link: l.Name}), plan.DelAddr{Prefix: a.Prefix, Link: l.Name})
			}
		}
	}
	for _, r := range there.Routes {
		if !slices.Contains(ours, r.Link) || r.Dst.Addr().IsMulticast() {
			continue
		}
		if r.Dst.Addr().Is6() && isAddress(there, r.Link, r.Dst) {
			continue // which the kernel makes for an address
		}
		op := plan.AddRoute{Dst: r.Dst, Link: r.Link, Src: r.Src, MTU: r.MTU, Metric: r.Metric}
		add(change.RouteOf(op), op.Deletion())
	}
	for _, item := range noted {
		if !found[item.Object] {
			item.Value, item.Noted = change.Gone, true
			s.add(item, nil)
		}
	}
	return nil
}

func isAddress(n rtnetlink.Network, link string, dst netip.Prefix) bool {
	return slices.ContainsFunc(n.Links, func(l rtnetlink.Link) bool {
		return l.Name == link && slices.ContainsFunc(l.Addrs, func(a rtnetlink.Addr) bool { return dst.IsSingleIP() && a.Prefix.Addr() == dst.Addr() })
	})
}
