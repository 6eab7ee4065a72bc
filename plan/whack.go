package plan

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"ipsec/conf"
)

// instances returns the whack of each pair of subnets of conn: one, by its
// name, or NAME/1x1, NAME/1x2 and so on, with NAME for their alias.
func (c *compiler) instances(conn *conf.Conn) ([]AddConn, *conf.Diagnostic) {
	lefts, rights := conn.Left.Subnets, conn.Right.Subnets
	if len(lefts) <= 1 && len(rights) <= 1 {
		args, bad := c.whack(conn, at(lefts, 0), at(rights, 0))
		return []AddConn{{Name: conn.Name, Args: args}}, bad
	}
	var list []AddConn
	for i := range max(1, len(lefts)) {
		for j := range max(1, len(rights)) {
			l, r := at(lefts, i), at(rights, j)
			if l.IsValid() && r.IsValid() && l.Addr().Is4() != r.Addr().Is4() {
				continue
			}
			args, bad := c.whack(conn, l, r)
			if bad != nil {
				return nil, bad
			}
			list = append(list, AddConn{
				Name: fmt.Sprintf("%s/%dx%d", conn.Name, i+1, j+1),
				Args: append([]string{"--connalias", conn.Name}, args...),
			})
		}
	}
	return list, nil
}

func at(subnets []netip.Prefix, i int) netip.Prefix {
	if i < len(subnets) {
		return subnets[i]
	}
	return netip.Prefix{}
}

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

// whack returns the options of whack(8) for conn with one subnet a side; what
// this host knows, %defaultroute, is written out.
func (c *compiler) whack(conn *conf.Conn, left, right netip.Prefix) ([]string, *conf.Diagnostic) {
	var w words
	l, bad := c.whackEnd(conn, "left", &conn.Left, left)
	if bad != nil {
		return nil, bad
	}
	r, bad := c.whackEnd(conn, "right", &conn.Right, right)
	if bad != nil {
		return nil, bad
	}
	w.policy(conn)
	w.lifetimes(conn)
	w.flag(conn.Left.Host.Addr.Is6() || conn.Right.Host.Addr.Is6(), "--ipv6")
	w.flag(left.Addr().Is6() || right.Addr().Is6(), "--tunnelipv6")
	w = append(w, l...)
	w = append(w, "--to")
	return append(w, r...), nil
}

// policy gives what SAs conn wants.
func (w *words) policy(conn *conf.Conn) {
	for _, by := range strings.FieldsFunc(conn.AuthBy, func(r rune) bool { return r == '|' || r == ',' }) {
		switch by {
		case "secret":
			w.flag(true, "--psk")
		case "never":
			w.flag(true, "--authnever")
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
	w.value("--pfsgroup", conn.PFSGroup)
	w.flag(conn.Aggressive, "--aggrmode")
	w.flag(conn.ForceEncaps, "--forceencaps")
	w.flag(conn.ModeConfigPull, "--modecfgpull")
	w.flag(!conn.Rekey, "--dontrekey")
	switch {
	case conn.IKEv2 == "insist" || conn.KeyExchange == "ikev2":
		*w = append(*w, "--ikev1-disable", "--ikev2-allow", "--ikev2-propose")
	case conn.IKEv2 == "propose":
		*w = append(*w, "--ikev2-allow", "--ikev2-propose")
	case conn.IKEv2 == "permit":
		*w = append(*w, "--ikev2-allow")
	}
	w.value("--ike", conn.IKE)
	if conn.Auth != "ah" {
		w.value("--esp", conn.ESP)
	} else {
		w.value("--ah", conn.AH)
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
}

// lifetimes gives how long things last, in seconds.
func (w *words) lifetimes(conn *conf.Conn) {
	w.number("--ikelifetime", conn.IKELifetime)
	w.number("--ipseclifetime", conn.KeyLife)
	w.number("--rekeymargin", conn.RekeyMargin)
	w.number("--rekeyfuzz", conn.RekeyFuzz)
	*w = append(*w, "--keyingtries", strconv.Itoa(conn.KeyingTries))
	if conn.DPDDelay > 0 {
		w.number("--dpddelay", conn.DPDDelay)
		w.number("--dpdtimeout", conn.DPDTimeout)
		w.value("--dpdaction", conn.DPDAction)
	}
	if conn.ESPReplayWindow >= 0 {
		*w = append(*w, "--replay-window", strconv.Itoa(conn.ESPReplayWindow))
	}
	w.number("--mtu", conn.MTU)
	w.number("--metric", conn.Metric)
}

// whackEnd gives one side.
func (c *compiler) whackEnd(conn *conf.Conn, name string, end *conf.End, subnet netip.Prefix) (words, *conf.Diagnostic) {
	var w words
	s := side{name: name, end: end}
	host := hostText(end.Host)
	switch end.Host.Form {
	case conf.HostDefaultRoute:
		exit, err := c.host.exit()
		if err != nil {
			return nil, remark(s.at(conn, ""), "%s=%%defaultroute: %s", name, err)
		}
		host = exit.addr.String()
	case conf.HostUnset:
		return nil, remark(conn.Pos, "%s= is missing", name)
	}
	w.value("--id", end.ID)
	w.value("--host", host)
	w.value("--cert", end.Cert)
	w.value("--ca", end.CA)
	if end.Cert != "" {
		w.value("--sendcert", end.SendCert)
	}
	w.value("--groups", end.Groups)
	for _, key := range []string{end.RSASigKey, end.RSASigKey2} {
		if strings.HasPrefix(key, "0") {
			w.value("--pubkeyrsa", key)
		}
	}
	w.value("--pubkey", end.ECDSAKey)
	w.value("--pubkey", end.PublicKey)
	if hop := c.nexthop(s); hop.IsValid() {
		w.value("--nexthop", hop.String())
	} else if end.NextHop.Form != conf.HostUnset && end.NextHop.Form != conf.HostDefaultRoute {
		w.value("--nexthop", hostText(end.NextHop))
	}
	switch {
	case end.Virtual != "":
		w.value("--client", end.Virtual)
	case subnet.IsValid():
		w.value("--client", subnet.String())
	case end.SubnetWithin.IsValid():
		w.value("--clientwithin", end.SubnetWithin.String())
	}
	if p := end.ProtoPort; p.Proto != 0 || p.Port != 0 || p.AnyPort {
		port := strconv.Itoa(int(p.Port))
		if p.AnyPort {
			port = "%any"
		}
		w.value("--clientprotoport", strconv.Itoa(int(p.Proto))+"/"+port)
	}
	if end.SourceIP.IsValid() {
		w.value("--srcip", end.SourceIP.String())
	}
	w.flag(end.AllowAnyPeer, "--allowany")
	w.flag(end.XAuthServer, "--xauthserver")
	w.flag(end.XAuthClient, "--xauthclient")
	w.value("--xauthname", end.XAuthUser)
	w.flag(end.ModeCfgServ, "--modecfgserver")
	w.flag(end.ModeCfgCli, "--modecfgclient")
	w.value("--updown", s.customUpdown())
	return w, nil
}
