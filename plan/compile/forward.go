package compile

import (
	"net/netip"
	"slices"
	"strings"

	"ipsec/conf"
	"ipsec/plan"
)

const (
	ipForward = "/proc/sys/net/ipv4/ip_forward"
	on        = "1"
)

// forward returns the steps that turn forwarding on. Writing ip_forward also
// sets forwarding on every link and for links to come, and flips
// accept_redirects of all; so each of these is saved, ip_forward first, because
// restoring goes in the same order and ip_forward resets the rest once more.
// IPv6 is forwarded only where a conn has clients that need it: a host that
// forwards IPv6 no longer takes its default route from router advertisements.
func (c *resolved) forward() []plan.Node {
	if !c.setup.ForwardControl {
		return nil
	}
	four, six := c.forwardSettings()
	reason := c.keyword("forwardcontrol", "no")
	const failed = "failed to turn on forwarding"
	nodes := []plan.Node{
		must(plan.Save{Paths: four}, reason, failed),
		must(plan.Write{Path: ipForward, Text: on}, reason, failed),
	}
	if len(six) > 0 {
		reason += ", and IPv6 clients of " + connReason(c.needsIPv6())
		nodes = append(nodes,
			must(plan.Save{Paths: six}, reason, failed+" of IPv6"),
			must(plan.Write{Path: six[0], Text: on}, reason, failed+" of IPv6"))
	}
	return nodes
}

// forwardSettings returns the settings that forward changes, of each family, the one that it
// writes first.
func (c *resolved) forwardSettings() (four, six []string) {
	if !c.setup.ForwardControl {
		return nil, nil
	}
	four = []string{ipForward, conf4("default", "forwarding")}
	for _, l := range c.facts.Links {
		four = append(four, conf4(l.Name, "forwarding"))
	}
	four = append(four, conf4("all", "accept_redirects"))
	if c.needsIPv6() == nil || !c.facts.IPv6 {
		return four, nil
	}
	six = []string{conf6("all", "forwarding"), conf6("default", "forwarding")}
	for _, l := range c.facts.Links {
		six = append(six, conf6(l.Name, "forwarding"))
	}
	return four, six
}

// needsIPv6 returns the first conn in use that has IPv6 clients.
func (c *resolved) needsIPv6() *conf.Conn {
	for _, conn := range c.inUse() {
		if slices.ContainsFunc(conn.Left.Subnets, isIPv6) || slices.ContainsFunc(conn.Right.Subnets, isIPv6) {
			return conn
		}
	}
	return nil
}

// inUse returns the conns that a start brings up or hands to Pluto.
func (c *resolved) inUse() []*conf.Conn {
	manual := make(map[*conf.Conn]bool)
	for _, m := range c.manual {
		manual[m.conn] = true
	}
	var list []*conf.Conn
	for _, conn := range c.cfg.Conns {
		if !conn.PolicyGroup && (manual[conn] || c.setup.Pluto && isAutomatic(conn)) {
			list = append(list, conn)
		}
	}
	return list
}

func isIPv6(p netip.Prefix) bool { return p.Addr().Is6() }

// isForwarding reports whether forward changes the setting at path.
func isForwarding(path string) bool {
	return path == ipForward || strings.HasSuffix(path, "/forwarding") || strings.HasSuffix(path, "/accept_redirects")
}
