package verify

import (
	"fmt"
	"slices"

	"ipsec/conf"
	"ipsec/plan"
	"ipsec/plan/compile"
)

// The checks of who asks, of the configuration, and of what it asks of links
// and of the kernel.

func (m Machine) binary() []Finding {
	asks := "Program " + m.Binary.Path
	switch {
	case m.Binary.Err != nil:
		return single(broken(asks, Failed, m.Binary.Err))
	case othersMay(m.Binary, othersWrite):
		return single(wants(asks, Warning, "users other than its owner may write it", "chmod go-w "+m.Binary.Path))
	}
	return single(found(asks, OK))
}

func (m Machine) user() []Finding {
	if m.Super {
		return single(found("Superuser", OK))
	}
	return single(found("Superuser", Warning, "start and stop need the superuser, and some of what follows could not be looked at"))
}

func (m Machine) configuration() []Finding {
	asks := "Configuration " + m.Paths.Conf
	if m.ConfigErr != nil {
		return single(broken(asks, Failed, m.ConfigErr))
	}
	f := found(asks, OK)
	for _, w := range m.Config.Warnings {
		f.Verdict = Warning
		f.Details = append(f.Details, Detail{Found: w.String()})
	}
	all := []Finding{f}
	if len(m.Config.Harmless) > 0 {
		f := found("Values without effect that are not missed", OK)
		for _, h := range m.Config.Harmless {
			f.Details = append(f.Details, Detail{Found: h.String()})
		}
		all = append(all, f)
	}
	return all
}

// plan compiles a start.
func (m Machine) plan() []Finding {
	const asks = "Plan of a start"
	switch {
	case m.FactsErr != nil:
		return single(broken(asks, Failed, m.FactsErr))
	case m.ConfigErr != nil:
		return single(found(asks, Failed, "there is none without a configuration"))
	}
	if _, err := compile.Setup(plan.Start, m.Config, m.Facts, m.Paths); err != nil {
		return single(broken(asks, Failed, err))
	}
	return single(found(asks, OK))
}

// known reports whether there is a configuration and a host to hold it to.
func (m Machine) known() bool { return m.ConfigErr == nil && m.FactsErr == nil }

// runs reports whether a start runs the daemon.
func (m Machine) runs(part plan.Part) bool {
	return m.ConfigErr == nil && slices.Contains(compile.Parts(m.Config), part)
}

func (m Machine) interfaces() []Finding {
	if !m.known() {
		return nil
	}
	var all []Finding
	for _, name := range compile.Physical(m.Config, m.Facts) {
		asks := "Interface " + name
		i := slices.IndexFunc(m.Facts.Links, func(l plan.Link) bool { return l.Name == name })
		switch {
		case i < 0:
			all = append(all, found(asks, Failed, "there is no such link; interfaces= in "+m.Config.Setup.At("interfaces").String()+" names it"))
		case len(m.Facts.Links[i].Addrs) == 0:
			all = append(all, wants(asks, Failed, "it has no address", "give it one before the start"))
		case !m.Facts.Links[i].Up:
			all = append(all, found(asks, Warning, "it is down"))
		default:
			all = append(all, found(asks, OK))
		}
	}
	return all
}

// connections says which conns a start does not load.
func (m Machine) connections() []Finding {
	if !m.known() {
		return nil
	}
	f := found("Connections", OK)
	for _, d := range compile.Refused(m.Config, m.Facts) {
		f.Verdict = Warning
		f.Details = append(f.Details, Detail{Found: d.String()})
	}
	return single(f)
}

func (m Machine) forwarding() []Finding {
	if !m.known() {
		return nil
	}
	const asks = "Forwarding of packets"
	gateway := slices.ContainsFunc(m.Config.Conns, func(c *conf.Conn) bool {
		return c.Auto != conf.AutoIgnore && (len(c.Left.Subnets) > 0 || len(c.Right.Subnets) > 0)
	})
	switch {
	case m.Config.Setup.ForwardControl:
		return single(found(asks, OK, "start turns it on (forwardcontrol=yes)"))
	case gateway && m.Forwarding == "0":
		return single(wants(asks, Warning, "off, and a connection has a subnet", "set forwardcontrol=yes in config setup, or net.ipv4.ip_forward=1"))
	}
	return single(found(asks, OK))
}

// reversePath looks at the filter in force, which is the larger of the link's
// own and that of all.
func (m Machine) reversePath() []Finding {
	if !m.known() {
		return nil
	}
	if value := m.Config.Setup.RPFilter; value != "%unchanged" {
		return single(found("Reverse path filter", OK, "start sets it (rp_filter="+value+")"))
	}
	var all []Finding
	for _, link := range compile.Physical(m.Config, m.Facts) {
		f := found("Reverse path filter of "+link, OK)
		if n := max(m.RPFilter[link], m.RPFilter["all"]); n == 1 {
			f = wants(f.Asks, Warning, fmt.Sprintf("%d is in force, which may drop what comes out of a tunnel", n), "set rp_filter=0 in config setup")
		}
		all = append(all, f)
	}
	return all
}
