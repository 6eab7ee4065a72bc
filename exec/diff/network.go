package diff

import (
	"net"
	"net/netip"
	"slices"

	"ipsec/conf/info"
	"ipsec/klips/route/rtnetlink"
	"ipsec/klips/tun"
	"ipsec/plan"
)

// network adds our interfaces with their addresses and routes, and what was noted and is gone.
func (s *State) network(facts plan.Facts) error {
	there, err := rtnetlink.ReadAll()
	if err != nil {
		return err
	}
	ours, err := tun.Ours()
	if err != nil {
		return err
	}
	var noted []string // in the order of the notes
	isNoted := make(map[string]bool)
	note := func(object string) {
		noted = append(noted, object)
		isNoted[object] = true
	}
	physical := make(map[string]string)
	for _, line := range info.StandingOf(facts.Running.Info).Lines() {
		switch line := line.(type) {
		case info.Interface:
			note(interfaceObject(line.Virtual))
			physical[line.Virtual] = line.Physical
		case info.Address:
			note(addressObject(line.Prefix, line.Link))
		case info.Route:
			note(routeObject(line.Dst, line.Link, line.Metric))
		}
	}
	found := make(map[string]bool)
	add := func(object, value string) {
		found[object] = true
		s.add(Network, object, value, isNoted[object])
	}
	for _, l := range there.Links {
		if !slices.Contains(ours, l.Name) {
			continue
		}
		add(interfaceObject(l.Name), link{physical[l.Name], l.MTU, l.Flags&net.FlagUp != 0}.String())
		for _, a := range l.Addrs {
			if !a.IsLinkLocal() {
				add(addressObject(a.Prefix, l.Name), "")
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
		add(routeObject(r.Dst, r.Link, r.Metric), "")
	}
	for _, object := range noted {
		if !found[object] {
			s.add(Network, object, gone, true)
		}
	}
	return nil
}

func isAddress(n rtnetlink.Network, link string, dst netip.Prefix) bool {
	return slices.ContainsFunc(n.Links, func(l rtnetlink.Link) bool {
		return l.Name == link && slices.ContainsFunc(l.Addrs, func(a rtnetlink.Addr) bool { return dst.IsSingleIP() && a.Prefix.Addr() == dst.Addr() })
	})
}
