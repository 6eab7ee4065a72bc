package cmdline

import (
	"time"

	"ipsec/conf/proposal"
	"ipsec/pluto"
)

// What a connection has that is described without it.
const (
	defaultIKELifetime   = time.Hour
	defaultChildLifetime = 8 * time.Hour
	defaultRekeyMargin   = 9 * time.Minute
	defaultRekeyFuzz     = 100
)

const (
	wantSeconds = "a number of seconds"
	maxSeconds  = 1<<31 - 1
)

// connOptions describe a connection as a whole.
func connOptions() []option {
	const s = ofConn
	kind := func(name, help string, set func(*pluto.Connection)) option {
		return flag(name, s, help, func(p *parser) {
			p.kinds = append(p.kinds, name)
			set(p.conn)
		})
	}
	is := func(name, help string, set func(*pluto.Connection)) option {
		return flag(name, s, help, func(p *parser) { set(p.conn) })
	}
	seconds := func(name, help string, field func(*pluto.Connection) *time.Duration) option {
		return option{name: name, want: wantSeconds, scope: s, help: help,
			set: func(p *parser, v string) error { return setSeconds(field(p.conn), v) }}
	}
	number := func(name, want, help string, low, high int, field func(*pluto.Connection) *int) option {
		return option{name: name, want: want, scope: s, help: help,
			set: func(p *parser, v string) error { return setNumber(field(p.conn), v, low, high) }}
	}
	list := func(name, help string, parse func(string) (proposal.List, error), field func(*pluto.Connection) *proposal.List) option {
		return option{name: name, want: "proposals such as aes256-sha2", scope: s, help: help, set: func(p *parser, v string) (err error) {
			*field(p.conn), err = parse(v)
			return err
		}}
	}
	esp := func(c *pluto.Connection) *proposal.List { return &c.ESP }
	return []option{
		{name: "--connalias", want: "the name of a conn", scope: s, help: "the conn of ipsec.conf that this is a part of",
			set: func(p *parser, v string) error { return setName(&p.conn.Alias, v) }},
		flag("--ipv4", s, "addresses of hosts are of IPv4", func(*parser) {}),
		flag("--ipv6", s, "addresses of hosts are of IPv6", func(p *parser) { p.six = true }),
		flag("--tunnelipv4", s, "clients are of IPv4", func(p *parser) { p.inner = 4 }),
		flag("--tunnelipv6", s, "clients are of IPv6", func(p *parser) { p.inner = 6 }),
		kind("--encrypt", "by ESP", func(*pluto.Connection) {}),
		kind("--authenticate", "by AH", func(c *pluto.Connection) { c.Protocol = pluto.AH }),
		kind("--pass", "packets pass as they are", func(c *pluto.Connection) { c.Shunt = pluto.ShuntPass }),
		kind("--drop", "packets are dropped", func(c *pluto.Connection) { c.Shunt = pluto.ShuntDrop }),
		kind("--reject", "packets are dropped, and their senders told", func(c *pluto.Connection) { c.Shunt = pluto.ShuntReject }),
		is("--tunnel", "tunnel mode; without it, transport mode", func(c *pluto.Connection) { c.Mode = pluto.TunnelMode }),
		is("--compress", "IPCOMP within", func(c *pluto.Connection) { c.Compress = true }),
		is("--pfs", "a Diffie-Hellman of its own for each Child SA", func(c *pluto.Connection) { c.PFS = true }),
		{name: "--pfsgroup", want: "a group such as modp2048", scope: s, help: "its group", set: setPFSGroup},
		is("--aggrmode", "IKEv1 aggressive mode", func(c *pluto.Connection) { c.Aggressive = true }),
		is("--forceencaps", "ESP in UDP even without NAT", func(c *pluto.Connection) { c.ForceEncaps = true }),
		is("--modecfgpull", "the client asks for its address", func(c *pluto.Connection) { c.ModeCfgPull = true }),
		is("--ikev1-disable", "no IKEv1", func(c *pluto.Connection) { c.Versions.IKEv1 = false }),
		is("--ikev2-allow", "IKEv2 is allowed", func(c *pluto.Connection) { c.Versions.IKEv2 = true }),
		is("--ikev2-propose", "we begin with IKEv2", func(c *pluto.Connection) { c.Versions.ProposeIKEv2 = true }),
		list("--ike", "proposals of the IKE SA", proposal.ParseIKE, func(c *pluto.Connection) *proposal.List { return &c.IKE }),
		list("--esp", "proposals of a Child SA of ESP", proposal.ParseESP, esp),
		list("--ah", "proposals of a Child SA of AH", proposal.ParseAH, esp),
		{name: "--esn", want: "yes, no or either", scope: s, help: "extended sequence numbers", set: setESN},
		seconds("--ikelifetime", "life of an IKE SA", func(c *pluto.Connection) *time.Duration { return &c.IKELifetime }),
		seconds("--ipseclifetime", "life of a Child SA", func(c *pluto.Connection) *time.Duration { return &c.ChildLifetime }),
		seconds("--rekeymargin", "how long before the end to negotiate anew", func(c *pluto.Connection) *time.Duration { return &c.RekeyMargin }),
		number("--rekeyfuzz", "a percentage", "how far that may grow at random", 0, 100000, func(c *pluto.Connection) *int { return &c.RekeyFuzz }),
		number("--keyingtries", "a number, 0 for no end", "how often to try to negotiate", 0, maxSeconds, func(c *pluto.Connection) *int { return &c.KeyingTries }),
		is("--dontrekey", "do not negotiate anew", func(c *pluto.Connection) { c.Rekey = false }),
		is("--reauth", "negotiate anew with a new proof of identity", func(c *pluto.Connection) { c.Reauth = true }),
		seconds("--dpddelay", "after how long without a sign of life to ask for one", func(c *pluto.Connection) *time.Duration { return &c.DPD.Delay }),
		seconds("--dpdtimeout", "after how long a peer is dead (IKEv1)", func(c *pluto.Connection) *time.Duration { return &c.DPD.Timeout }),
		{name: "--dpdaction", want: "hold, clear, restart, restart_by_peer or none", scope: s, help: "what to do then", set: func(p *parser, v string) error {
			return choose(&p.conn.DPD.Action, v, dpdActions())
		}},
		number("--replay-window", "a number of packets, at most 4096", "the replay window of Child SAs", 0, 4096, func(c *pluto.Connection) *int { return &c.ReplayWindow }),
		number("--mtu", "a number from 68 to 65535", "MTU of the route", 68, 65535, func(c *pluto.Connection) *int { return &c.MTU }),
		number("--metric", "a number", "metric of the route", 0, maxSeconds, func(c *pluto.Connection) *int { return &c.Metric }),
		{name: "--fragmentation", want: "yes, no or force", scope: s, help: "fragmentation of IKE messages", set: func(p *parser, v string) error {
			return choose(&p.conn.Fragmentation, v, fragmentations())
		}},
		is("--failpass", "after a failure packets pass as they are", func(c *pluto.Connection) { c.FailureShunt = pluto.ShuntPass }),
		is("--faildrop", "after a failure they are dropped", func(c *pluto.Connection) { c.FailureShunt = pluto.ShuntDrop }),
		is("--failreject", "after a failure they are dropped, and their senders told", func(c *pluto.Connection) { c.FailureShunt = pluto.ShuntReject }),
		is("--negopass", "during negotiation packets pass as they are", func(c *pluto.Connection) { c.NegotiationShunt = pluto.ShuntPass }),
		{name: "--xauthby", want: "file, pam or alwaysok", scope: s, help: "where XAUTH looks a password up", set: func(p *parser, v string) error {
			return choose(&p.conn.XAuthBy, v, []word[string]{{"file", "file"}, {"pam", "pam"}, {"alwaysok", "alwaysok"}})
		}},
		flag("--to", s, "what follows is about the other end", func(p *parser) { p.end, p.place = &p.conn.Remote, behind }),
	}
}

func setPFSGroup(p *parser, v string) error {
	groups, err := proposal.ParseGroup(v)
	if err == nil && len(groups) != 1 {
		return errValue
	}
	if err == nil {
		p.conn.PFSGroup = groups[0]
	}
	return err
}

func setESN(p *parser, v string) error {
	return choose(&p.conn.ESN, v, esnWords())
}

func esnWords() []word[proposal.ESN] {
	return []word[proposal.ESN]{{"yes", proposal.WithESN}, {"no", proposal.WithoutESN}, {"either", proposal.WithESN | proposal.WithoutESN}}
}

func dpdActions() []word[pluto.DPDAction] {
	return []word[pluto.DPDAction]{{"hold", pluto.DPDHold}, {"clear", pluto.DPDClear}, {"restart", pluto.DPDRestart},
		{"restart_by_peer", pluto.DPDRestartByPeer}, {"none", pluto.DPDNone}}
}

func fragmentations() []word[pluto.Fragmentation] {
	return []word[pluto.Fragmentation]{{"yes", pluto.FragmentationYes}, {"no", pluto.FragmentationNo}, {"force", pluto.FragmentationForce}}
}
