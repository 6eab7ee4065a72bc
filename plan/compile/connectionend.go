package compile

import (
	"net/netip"
	"slices"
	"strings"

	"ipsec/conf"
	"ipsec/conf/rawkey"
	"ipsec/pluto"
	"ipsec/pluto/whack/cmdline"
)

// fillEnd gives one end.
func (c *compiler) fillEnd(p *pluto.End, conn *conf.Conn, name string, end *conf.End, subnets []netip.Prefix) *conf.Diagnostic {
	s := side{name: name, end: end}
	var bad *conf.Diagnostic
	if p.Host, bad = c.endHost(conn, s); bad != nil {
		return bad
	}
	// With %any our own end says the identity that it has without leftid=.
	if ours := c.ours(conn); end.ID != "%any" || ours.String() != name {
		if bad := word(&p.ID, conn, name+"id", end.ID, cmdline.ID); bad != nil {
			return bad
		}
	}
	p.IKEPort = uint16(end.IKEPort)
	if differ(conn) {
		p.Auth = pluto.AuthMethod(end.Auth)
	}
	p.Cert, p.CA, p.Groups = end.Cert, end.CA, end.Groups
	if end.Cert != "" {
		if bad := word(&p.SendCert, conn, name+"sendcert", end.SendCert, cmdline.SendCert); bad != nil {
			return bad
		}
	}
	if p.PublicKeys, bad = s.publicKeys(conn); bad != nil {
		return bad
	}
	if p.NextHop = c.nexthop(s); !p.NextHop.IsValid() && end.NextHop.Form == conf.HostName {
		return remark(s.at(conn, "nexthop"), "%snexthop=%s: expected an address, %%direct or %%defaultroute", name, end.NextHop.Name)
	}
	switch {
	case end.Virtual != "":
		p.Virtual = end.Virtual
	case len(subnets) > 0:
		p.Clients = subnets
	case end.SubnetWithin.IsValid():
		p.Within = end.SubnetWithin
	}
	p.Proto, p.Port, p.AnyPort = end.ProtoPort.Proto, end.ProtoPort.Port, end.ProtoPort.AnyPort
	p.SourceIP, p.Updown = end.SourceIP, s.customUpdown()
	p.AllowAny = end.AllowAnyPeer
	p.XAuthServer, p.XAuthClient, p.XAuthName = end.XAuthServer, end.XAuthClient, end.XAuthUser
	p.ModeCfgServer, p.ModeCfgClient = end.ModeCfgServ, end.ModeCfgCli
	return nil
}

// endHost returns where an end is.
func (c *compiler) endHost(conn *conf.Conn, s side) (pluto.Host, *conf.Diagnostic) {
	host := hostText(s.end.Host)
	switch s.end.Host.Form {
	case conf.HostDefaultRoute:
		exit, err := c.host.exit()
		if err != nil {
			return pluto.Host{}, remark(s.at(conn, ""), "%s=%%defaultroute: %s", s.name, err)
		}
		host = exit.addr.String()
	case conf.HostAny:
		if s.end.Host.Name == "" {
			break
		}
		link := c.host.links[s.end.Host.Name]
		if link == nil || len(link.Addrs) == 0 {
			return pluto.Host{}, remark(s.at(conn, ""), "%s=%%%s: this host has no interface of that name with an address", s.name, s.end.Host.Name)
		}
		host = link.Addrs[0].Prefix.Addr().String()
	case conf.HostUnset:
		return pluto.Host{}, remark(conn.Pos, "%s= is missing", s.name)
	}
	h, err := cmdline.Host(host)
	if err != nil {
		return h, remark(s.at(conn, ""), "%s=: %s", s.name, err)
	}
	return h, nil
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
