package compile

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"ipsec/conf"
	"ipsec/conf/info"
	"ipsec/klips/esp"
	"ipsec/plan"
)

const (
	minMTU = 1280  // of a link that carries IPv6, RFC 8200 section 5
	maxMTU = 65535 // of a TUN device
)

// attachment is a virtual interface on its physical one.
type attachment struct {
	virtual, physical string
	link              *plan.Link
	first             netip.Addr // the address to clone first; the zero one for the link's first
	nexthop           netip.Addr // of %defaultroute
	isDefault         bool
	reason            string
}

// interfaces resolves interfaces=.
func (c *compiler) interfaces() []attachment {
	at := c.setup.At("interfaces")
	entries := c.setup.Interfaces
	if !c.klips() {
		for _, e := range entries {
			if e.Form != conf.InterfaceNone && !at.IsZero() {
				c.errorf(posOr(e.Pos, at), "interfaces: protostack=none leaves no data plane; expected interfaces=%%none")
				break
			}
		}
		return nil
	}
	var list []attachment
	for _, e := range entries {
		pos := posOr(e.Pos, at)
		a, err := c.attachment(e)
		if err != nil {
			c.errorf(pos, "%s", err)
			continue
		}
		if a.virtual == "" {
			continue
		}
		for _, before := range list {
			switch {
			case before.virtual == a.virtual:
				err = fmt.Errorf("interfaces: %s is given twice, for %s and for %s", a.virtual, before.physical, a.physical)
			case before.physical == a.physical:
				err = fmt.Errorf("interfaces: %s is given twice, to %s and to %s", a.physical, before.virtual, a.virtual)
			}
		}
		if err != nil {
			c.errorf(pos, "%s", err)
			continue
		}
		list = append(list, a)
	}
	return list
}

func posOr(pos, other conf.Pos) conf.Pos {
	if pos.IsZero() {
		return other
	}
	return pos
}

// named resolves one entry as far as the names of its links, which an error may
// come with; the zero attachment stands for %none.
func (c *compiler) named(e conf.Interface) (attachment, error) {
	a := attachment{virtual: e.Virtual, physical: e.Physical, reason: c.keyword("interfaces", "%defaultroute")}
	switch e.Form {
	case conf.InterfaceNone:
		return attachment{}, nil
	case conf.InterfaceDefaultRoute:
		exit, err := c.host.exit()
		if exit.link != nil {
			a.virtual, a.physical = "ipsec0", exit.link.Name
		}
		if err != nil {
			return a, fmt.Errorf("interfaces=%%defaultroute: %w; write interfaces=\"ipsec0=LINK\" to choose a link", err)
		}
		a.first, a.nexthop, a.isDefault = exit.addr, exit.nexthop, true
	}
	return a, nil
}

// attachment resolves one entry, whose physical link has to be fit for it; the
// zero attachment stands for %none.
func (c *compiler) attachment(e conf.Interface) (attachment, error) {
	a, err := c.named(e)
	if err != nil || a.virtual == "" {
		return a, err
	}
	what := "interfaces: " + a.virtual + "=" + a.physical
	a.link = c.host.links[a.physical]
	switch {
	case a.link == nil:
		return a, fmt.Errorf("%s: unknown interface %q; this host has %s", what, a.physical, c.linkNames())
	case a.link.Loopback:
		return a, fmt.Errorf("%s: %s is the loopback interface, where no peer is; this host has %s", what, a.physical, c.linkNames())
	case !a.link.Up:
		return a, fmt.Errorf("%s: interface %s is down; bring it up first", what, a.physical)
	case len(a.link.Addrs) == 0:
		return a, fmt.Errorf("%s: interface %s has no address", what, a.physical)
	}
	return a, nil
}

func (c *compiler) linkNames() string {
	const most = 8
	var names []string
	for _, l := range c.facts.Links {
		if !l.Loopback {
			names = append(names, l.Name)
		}
	}
	if len(names) > most {
		names = append(names[:most], "…")
	}
	return listOr(names, "none")
}

// addresses returns what is cloned from the physical interface: its first
// IPv4 address, or the one that the default route sends from, and its IPv6
// addresses, unless overridemtu= is too small for IPv6.
func (c *compiler) addresses(a attachment) []plan.Addr {
	var list []plan.Addr
	v4 := a.first
	if !v4.Is4() {
		v4 = firstAddr(a.link, true)
	}
	for _, addr := range a.link.Addrs {
		if ip := addr.Prefix.Addr(); ip == v4 || ip.Is6() && !c.belowIPv6() {
			list = append(list, addr)
		}
	}
	return list
}

// mtu returns the MTU of the virtual interface, and why.
func (c *compiler) mtu(a attachment) (mtu int, reason string) {
	if c.setup.OverrideMTU != 0 {
		return c.setup.OverrideMTU, c.keyword("overridemtu", "")
	}
	mtu = a.link.MTU - esp.Overhead
	reason = fmt.Sprintf("%s has mtu %d, less %d that ESP may add", a.physical, a.link.MTU, esp.Overhead)
	if mtu < minMTU {
		mtu = min(a.link.MTU, minMTU)
		reason = fmt.Sprintf("%s has mtu %d, and IPv6 needs %d", a.physical, a.link.MTU, minMTU)
	}
	return min(mtu, maxMTU), reason
}

// belowIPv6 reports whether overridemtu= leaves no room for IPv6: the kernel
// takes it away from such a link.
func (c *compiler) belowIPv6() bool {
	return c.setup.OverrideMTU != 0 && c.setup.OverrideMTU < minMTU
}

// checkMTU refuses an overridemtu= that a conn in use is too large for.
func (c *resolved) checkMTU() {
	if !c.belowIPv6() {
		return
	}
	for _, conn := range c.inUse() {
		for _, end := range []*conf.End{&conn.Left, &conn.Right} {
			if end.Host.Addr.Is6() || slices.ContainsFunc(end.Subnets, isIPv6) {
				c.errorf(c.setup.At("overridemtu"), "overridemtu=%d: conn %q carries IPv6, which needs %d at least", c.setup.OverrideMTU, conn.Name, minMTU)
				return
			}
		}
	}
}

// attach returns the steps that make the virtual interfaces.
func (c *resolved) attach() []plan.Node {
	var nodes []plan.Node
	for _, a := range c.attached {
		nodes = append(nodes, c.attachOne(a)...)
	}
	return append(nodes, c.filter()...)
}

// xdp returns when raw ESP goes past netfilter.
func (c *compiler) xdp() string {
	never := func(way string) bool { return way == "xdp" || way == "all" }
	switch {
	case slices.ContainsFunc(c.setup.NoOffload, never):
		return "off"
	case len(c.setup.Offload) > 0:
		return "on"
	}
	return "auto"
}

// bind returns the step that binds the interfaces.
func (c *compiler) bind(a attachment, failed string) plan.Node {
	return must(plan.Attach{Virtual: a.virtual, Physical: a.physical, XDP: c.xdp()}, c.and(a.reason, "offload", "nooffload"), failed)
}

func (c *compiler) attachOne(a attachment) []plan.Node {
	failed := fmt.Sprintf("failed to set up %s on %s", a.virtual, a.physical)
	var nodes []plan.Node
	if a.isDefault {
		nodes = append(nodes,
			c.note(info.DefaultRoute{Of: info.DefaultPhysical, Value: a.physical}, a.reason),
			c.note(info.DefaultRoute{Of: info.DefaultVirtual, Value: a.virtual}, a.reason),
			c.note(info.DefaultRoute{Of: info.DefaultAddress, Value: a.first.String()}, a.reason))
		if a.nexthop.IsValid() {
			nodes = append(nodes, c.note(info.DefaultRoute{Of: info.DefaultNextHop, Value: a.nexthop.String()}, a.reason))
		}
	}
	nodes = append(nodes, c.note(info.Interface{Virtual: a.virtual, Physical: a.physical}, a.reason), c.bind(a, failed))
	for _, addr := range c.addresses(a) {
		reason := a.physical + " has " + addr.Prefix.String()
		if addr.Peer.IsValid() {
			reason += " peer " + addr.Peer.String()
		}
		prefix := single(addr.Prefix.Addr())
		nodes = append(nodes,
			c.note(info.Address{Link: a.virtual, Prefix: prefix}, reason),
			must(plan.AddAddr{Link: a.virtual, Prefix: prefix}, reason, failed))
	}
	mtu, reason := c.mtu(a)
	return append(nodes,
		must(plan.SetMTU{Link: a.virtual, MTU: mtu}, reason, failed),
		must(plan.LinkUp{Link: a.virtual}, a.reason, failed))
}

const unchanged = "%unchanged"

// filter returns the steps that set rp_filter on both links of each
// attachment: ESP comes in on the physical one from a peer that may be routed
// into the virtual one.
func (c *resolved) filter() []plan.Node {
	settings := c.filterSettings()
	if len(settings) == 0 {
		return nil
	}
	value := c.setup.RPFilter
	if value == "" {
		value = "0"
	}
	reason := c.keyword("rp_filter", "0")
	var links []string
	for _, a := range c.attached {
		links = append(links, a.physical, a.virtual)
	}
	return []plan.Node{
		must(plan.Save{Paths: settings}, reason, "failed to save rp_filter"),
		must(plan.RPFilter{Value: value, Links: links}, reason, "failed to set rp_filter to "+strconv.Quote(value)),
	}
}

// filterSettings returns the settings that filter changes.
func (c *resolved) filterSettings() []string {
	if len(c.attached) == 0 || c.setup.RPFilter == unchanged {
		return nil
	}
	settings := []string{conf4("all", "rp_filter")}
	for _, l := range c.facts.Links {
		settings = append(settings, conf4(l.Name, "rp_filter"))
	}
	// Last, for writing it changes links that nobody has set.
	return append(settings, conf4("default", "rp_filter"))
}

// conf4 returns the path of a kernel setting of IPv4 on a link, or on "all" or
// "default".
func conf4(link, name string) string { return "/proc/sys/net/ipv4/conf/" + link + "/" + name }

// conf6 returns the same of IPv6.
func conf6(link, name string) string { return "/proc/sys/net/ipv6/conf/" + link + "/" + name }
