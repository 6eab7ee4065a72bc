package compile

import (
	"net/netip"
	"time"

	"ipsec/conf"
	"ipsec/conf/proposal"
	"ipsec/pluto"
	"ipsec/pluto/whack/cmdline"
)

// connection returns conn as Pluto has it, with these subnets; what this host knows,
// %defaultroute, is written out.
func (c *compiler) connection(conn *conf.Conn, left, right []netip.Prefix) (*pluto.Connection, *conf.Diagnostic) {
	p := &pluto.Connection{ReplayWindow: -1}
	for _, fill := range []func() *conf.Diagnostic{
		func() *conf.Diagnostic { return c.fillEnd(&p.Local, conn, "left", &conn.Left, left) },
		func() *conf.Diagnostic { return c.fillEnd(&p.Remote, conn, "right", &conn.Right, right) },
		func() *conf.Diagnostic { return fillPolicy(p, conn) },
		func() *conf.Diagnostic { return fillLifetimes(p, conn) },
	} {
		if bad := fill(); bad != nil {
			return nil, bad
		}
	}
	return p, nil
}

// fillPolicy says what SAs conn wants.
func fillPolicy(p *pluto.Connection, conn *conf.Conn) *conf.Diagnostic {
	for _, by := range methods(conn) {
		p.AuthBy = append(p.AuthBy, pluto.AuthMethod(by))
	}
	switch conn.Type {
	case conf.Passthrough:
		p.Shunt = pluto.ShuntPass
	case conf.Drop:
		p.Shunt = pluto.ShuntDrop
	case conf.Reject:
		p.Shunt = pluto.ShuntReject
	case conf.Transport:
		p.Mode = pluto.TransportMode
	}
	if conn.Auth == "ah" && !isShunt(conn) {
		p.Protocol = pluto.AH
	}
	p.Compress, p.ForceEncaps = conn.Compress, conn.ForceEncaps
	p.Aggressive, p.ModeCfgPull = conn.Aggressive, conn.ModeConfigPull
	p.Rekey, p.Reauth = conn.Rekey, conn.Reauth
	if p.PFS = conn.PFS; p.PFS && conn.PFSGroup != "" {
		groups, err := proposal.ParseGroup(conn.PFSGroup)
		if err != nil || len(groups) != 1 {
			return remark(conn.At("pfsgroup"), "pfsgroup=%s: expected one group such as modp2048", conn.PFSGroup)
		}
		p.PFSGroup = groups[0]
	}
	p.Versions = versions(conn)
	if bad := fillProposals(p, conn); bad != nil {
		return bad
	}
	p.FailureShunt = shunt(conn.FailureShunt)
	p.NegotiationShunt = pluto.ShuntDrop
	if conn.NegotiateShunt == "passthrough" {
		p.NegotiationShunt = pluto.ShuntPass
	}
	if conn.Left.XAuthServer || conn.Right.XAuthServer {
		p.XAuthBy = conn.XAuthBy
	}
	return nil
}

func versions(conn *conf.Conn) pluto.Versions {
	switch conn.IKEv2 {
	case "insist":
		return pluto.Versions{IKEv2: true, ProposeIKEv2: true}
	case "propose":
		return pluto.Versions{IKEv1: true, IKEv2: true, ProposeIKEv2: true}
	case "permit":
		return pluto.Versions{IKEv1: true, IKEv2: true}
	}
	return pluto.Versions{IKEv1: true}
}

func shunt(word string) pluto.FailureShunt {
	switch word {
	case "passthrough":
		return pluto.ShuntPass
	case "drop":
		return pluto.ShuntDrop
	case "reject":
		return pluto.ShuntReject
	}
	return pluto.ShuntNone
}

// fillProposals gives what is offered and accepted.
func fillProposals(p *pluto.Connection, conn *conf.Conn) *conf.Diagnostic {
	if isShunt(conn) {
		return nil
	}
	read := func(keyword, text string, parse func(string) (proposal.List, error), byDefault proposal.List) (proposal.List, *conf.Diagnostic) {
		if text == "" {
			return byDefault, nil
		}
		list, err := parse(text)
		if err != nil {
			return list, remark(posOr(conn.At(keyword), conn.Pos), "%s=%s: %s", keyword, text, err)
		}
		return list, nil
	}
	var bad *conf.Diagnostic
	if p.IKE, bad = read("ike", conn.IKE, proposal.ParseIKE, proposal.DefaultIKE()); bad != nil {
		return bad
	}
	if p.Protocol == pluto.ESP {
		p.ESP, bad = read("esp", conn.ESP, proposal.ParseESP, proposal.DefaultESP())
	} else {
		p.ESP, bad = read("ah", conn.AH, proposal.ParseAH, proposal.DefaultAH())
	}
	if bad != nil {
		return bad
	}
	return word(&p.ESN, conn, "esn", conn.ESN, cmdline.ESN)
}

// fillLifetimes says how long things last.
func fillLifetimes(p *pluto.Connection, conn *conf.Conn) *conf.Diagnostic {
	seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
	p.IKELifetime, p.ChildLifetime = seconds(conn.IKELifetime), seconds(conn.KeyLife)
	p.RekeyMargin, p.RekeyFuzz = seconds(conn.RekeyMargin), conn.RekeyFuzz
	p.KeyingTries = conn.KeyingTries
	p.ReplayWindow = max(conn.ReplayWindow, conn.ESPReplayWindow, -1)
	p.MTU, p.Metric = conn.MTU, conn.Metric
	if bad := word(&p.Fragmentation, conn, "fragmentation", conn.Fragmentation, cmdline.Fragmentation); bad != nil {
		return bad
	}
	if conn.DPDDelay <= 0 {
		return nil
	}
	p.DPD.Delay, p.DPD.Timeout = seconds(conn.DPDDelay), seconds(conn.DPDTimeout)
	return word(&p.DPD.Action, conn, "dpdaction", conn.DPDAction, cmdline.DPDAction)
}

// word reads the value of a keyword, which may be absent.
func word[T any](field *T, conn *conf.Conn, keyword, text string, read func(string) (T, error)) *conf.Diagnostic {
	if text == "" {
		return nil
	}
	v, err := read(text)
	if err != nil {
		return remark(posOr(conn.At(keyword), conn.Pos), "%s=: %s", keyword, err)
	}
	*field = v
	return nil
}
