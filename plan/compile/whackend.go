package compile

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ipsec/conf"
	"ipsec/conf/rawkey"
)

// whackEnd gives one side.
func (c *compiler) whackEnd(conn *conf.Conn, name string, end *conf.End, subnets []netip.Prefix) (words, *conf.Diagnostic) {
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
	case conf.HostAny:
		if end.Host.Name == "" {
			break
		}
		link := c.host.links[end.Host.Name]
		if link == nil || len(link.Addrs) == 0 {
			return nil, remark(s.at(conn, ""), "%s=%%%s: this host has no interface of that name with an address", name, end.Host.Name)
		}
		host = link.Addrs[0].Prefix.Addr().String()
	case conf.HostUnset:
		return nil, remark(conn.Pos, "%s= is missing", name)
	}
	w.value("--id", end.ID)
	w.value("--host", host)
	w.number("--ikeport", end.IKEPort)
	if differ(conn) {
		w.value("--auth", end.Auth)
	}
	w.value("--cert", end.Cert)
	w.value("--ca", end.CA)
	if end.Cert != "" {
		w.value("--sendcert", strings.Replace(end.SendCert, "forcedtype", "always", 1))
	}
	w.value("--groups", end.Groups)
	keys, bad := s.publicKeys(conn)
	if bad != nil {
		return nil, bad
	}
	for _, key := range keys {
		w.value("--pubkey", key)
	}
	if hop := c.nexthop(s); hop.IsValid() {
		w.value("--nexthop", hop.String())
	} else if end.NextHop.Form == conf.HostName {
		return nil, remark(s.at(conn, "nexthop"), "%snexthop=%s: expected an address, %%direct or %%defaultroute", name, end.NextHop.Name)
	}
	switch {
	case end.Virtual != "":
		w.value("--client", end.Virtual)
	case len(subnets) > 0:
		var list []string
		for _, p := range subnets {
			list = append(list, p.String())
		}
		w.value("--client", strings.Join(list, ","))
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

// publicKeys returns the raw public keys of a side, in one normal form.
func (s side) publicKeys(conn *conf.Conn) ([]string, *conf.Diagnostic) {
	var list []string
	add := func(keyword, text string) *conf.Diagnostic {
		if !strings.HasPrefix(text, "0") { // %cert, %none, %dns
			return nil
		}
		key, err := rawkey.Parse(text)
		if err == nil {
			text, err = rawkey.Format(key)
		}
		if err != nil {
			return remark(s.at(conn, keyword), "%s%s: %s", s.name, keyword, err)
		}
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
		return nil
	}
	for _, k := range []struct{ keyword, text string }{
		{"rsasigkey", s.end.RSASigKey}, {"rsasigkey2", s.end.RSASigKey2}, {"ecdsakey", s.end.ECDSAKey}, {"pubkey", s.end.PublicKey},
	} {
		if bad := add(k.keyword, k.text); bad != nil {
			return nil, bad
		}
	}
	return list, nil
}
