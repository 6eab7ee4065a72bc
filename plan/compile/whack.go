package compile

import (
	"net/netip"
	"strconv"
	"strings"

	"ipsec/conf"
	"ipsec/conf/proposal"
)

// words gathers the arguments of a command.
type words []string

func (w *words) flag(set bool, name string) {
	if set {
		*w = append(*w, name)
	}
}

func (w *words) value(name, v string) {
	if v != "" {
		*w = append(*w, name, v)
	}
}

func (w *words) number(name string, n int) {
	if n > 0 {
		*w = append(*w, name, strconv.Itoa(n))
	}
}

// whack returns the options of whack(8) for conn with these subnets; what this
// host knows, %defaultroute, is written out.
func (c *compiler) whack(conn *conf.Conn, left, right []netip.Prefix) ([]string, *conf.Diagnostic) {
	var w words
	l, bad := c.whackEnd(conn, "left", &conn.Left, left)
	if bad != nil {
		return nil, bad
	}
	r, bad := c.whackEnd(conn, "right", &conn.Right, right)
	if bad != nil {
		return nil, bad
	}
	if bad := w.policy(conn); bad != nil {
		return nil, bad
	}
	w.lifetimes(conn)
	w.flag(conn.Left.Host.Addr.Is6() || conn.Right.Host.Addr.Is6(), "--ipv6")
	w = append(w, l...)
	w = append(w, "--to")
	w = append(w, r...)
	w.places(conn)
	return w, nil
}

// placed are the keywords that a failed negotiation may speak of; those of an
// end have "left".
const placed = " authby keyexchange ikev2 ike esp ah auth type pfs pfsgroup left leftsubnet leftsubnets leftprotoport leftid leftcert leftca" +
	" leftsendcert leftrsasigkey leftecdsakey leftpubkey leftauth leftnexthop leftupdown "

// places says where conn and its keywords stand, for messages.
func (w *words) places(conn *conf.Conn) {
	w.value("--place", "="+conn.Pos.String())
	for _, p := range conn.List {
		keyword := p.Keyword
		if rest, ok := strings.CutPrefix(keyword, "right"); ok {
			keyword = "left" + rest
		}
		if !p.Pos.IsZero() && strings.Contains(placed, " "+keyword+" ") {
			w.value("--place", p.Keyword+"="+p.Pos.String())
		}
	}
}

// policy gives what SAs conn wants.
func (w *words) policy(conn *conf.Conn) *conf.Diagnostic {
	for _, by := range methods(conn) {
		switch by {
		case "secret":
			w.flag(true, "--psk")
		case "never", "null":
			w.flag(true, "--auth"+by)
		default:
			w.flag(true, "--"+by)
		}
	}
	if isShunt(conn) {
		w.flag(conn.Type == conf.Passthrough, "--pass")
		w.flag(conn.Type == conf.Drop, "--drop")
		w.flag(conn.Type == conf.Reject, "--reject")
	} else {
		w.flag(conn.Auth != "ah", "--encrypt")
		w.flag(conn.Auth == "ah", "--authenticate")
		w.flag(conn.Type != conf.Transport, "--tunnel")
	}
	w.flag(conn.Compress, "--compress")
	w.flag(conn.PFS, "--pfs")
	if conn.PFS && conn.PFSGroup != "" {
		groups, err := proposal.ParseGroup(conn.PFSGroup)
		if err != nil || len(groups) != 1 {
			return remark(conn.At("pfsgroup"), "pfsgroup=%s: expected one group such as modp2048", conn.PFSGroup)
		}
		w.value("--pfsgroup", groups[0])
	}
	w.flag(conn.Aggressive, "--aggrmode")
	w.flag(conn.ForceEncaps, "--forceencaps")
	w.flag(conn.ModeConfigPull, "--modecfgpull")
	w.flag(!conn.Rekey, "--dontrekey")
	w.flag(conn.Reauth, "--reauth")
	switch conn.IKEv2 {
	case "insist":
		*w = append(*w, "--ikev1-disable", "--ikev2-allow", "--ikev2-propose")
	case "propose":
		*w = append(*w, "--ikev2-allow", "--ikev2-propose")
	case "permit":
		*w = append(*w, "--ikev2-allow")
	}
	w.value("--ike", conn.IKE)
	switch {
	case isShunt(conn):
	case conn.Auth != "ah":
		w.value("--esp", conn.ESP)
	default:
		w.value("--ah", conn.AH)
	}
	w.value("--esn", conn.ESN)
	if conn.Fragmentation != "yes" {
		w.value("--fragmentation", conn.Fragmentation)
	}
	switch conn.FailureShunt {
	case "passthrough":
		w.flag(true, "--failpass")
	case "drop", "reject":
		w.flag(true, "--fail"+conn.FailureShunt)
	}
	w.flag(conn.NegotiateShunt == "passthrough", "--negopass")
	if conn.Left.XAuthServer || conn.Right.XAuthServer {
		w.value("--xauthby", conn.XAuthBy)
	}
	return nil
}

// lifetimes gives how long things last, in seconds.
func (w *words) lifetimes(conn *conf.Conn) {
	w.number("--ikelifetime", conn.IKELifetime)
	w.number("--ipseclifetime", conn.KeyLife)
	w.number("--rekeymargin", conn.RekeyMargin)
	// Of these 0 is a value of its own: no fuzz, and tries without end.
	*w = append(*w, "--rekeyfuzz", strconv.Itoa(conn.RekeyFuzz), "--keyingtries", strconv.Itoa(conn.KeyingTries))
	if conn.DPDDelay > 0 {
		w.number("--dpddelay", conn.DPDDelay)
		w.number("--dpdtimeout", conn.DPDTimeout)
		w.value("--dpdaction", conn.DPDAction)
	}
	if window := max(conn.ReplayWindow, conn.ESPReplayWindow); window >= 0 {
		*w = append(*w, "--replay-window", strconv.Itoa(window))
	}
	w.number("--mtu", conn.MTU)
	w.number("--metric", conn.Metric)
}
