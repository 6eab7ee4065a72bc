package conf

import (
	"net/netip"

	"ipsec/conf/secret"
)

// endFields are what the keywords of an end set, by name.
func endFields() map[string]setter {
	return map[string]setter{
		"left":              setHost(func(t target) *Host { return &t.end.Host }, "%any", "%any4", "%any6", "%defaultroute", "%opportunistic", "%group", "%opportunisticgroup"),
		"leftsubnet":        setSubnets,
		"leftsubnets":       setSubnets,
		"leftsubnetwithin":  setPrefix(func(t target) *netip.Prefix { return &t.end.SubnetWithin }),
		"leftnexthop":       setHost(func(t target) *Host { return &t.end.NextHop }, "%direct", "%defaultroute", "%any"),
		"leftsourceip":      setSourceIP,
		"leftprotoport":     setProtoPort,
		"leftupdown":        setString(func(t target) *string { return &t.end.Updown }),
		"leftfirewall":      setBool(func(t target) *bool { return &t.end.Firewall }),
		"leftid":            setIdentity(func(t target) *string { return &t.end.ID }),
		"leftauth":          setAuth,
		"leftikeport":       setInt(1, 65535, func(t target) *int { return &t.end.IKEPort }),
		"leftrsasigkey":     setString(func(t target) *string { return &t.end.RSASigKey }),
		"leftrsasigkey2":    setString(func(t target) *string { return &t.end.RSASigKey2 }),
		"leftecdsakey":      setECDSAKey(func(t target) *string { return &t.end.ECDSAKey }),
		"leftpubkey":        setPublicKey(func(t target) *string { return &t.end.PublicKey }),
		"leftcert":          setString(func(t target) *string { return &t.end.Cert }),
		"leftca":            setString(func(t target) *string { return &t.end.CA }),
		"leftsendcert":      setEnum(func(t target) *string { return &t.end.SendCert }),
		"leftgroups":        setString(func(t target) *string { return &t.end.Groups }),
		"leftallowany":      setBool(func(t target) *bool { return &t.end.AllowAnyPeer }),
		"leftxauthserver":   setBool(func(t target) *bool { return &t.end.XAuthServer }),
		"leftxauthclient":   setBool(func(t target) *bool { return &t.end.XAuthClient }),
		"leftxauthusername": setString(func(t target) *string { return &t.end.XAuthUser }),
		"leftmodecfgserver": setBool(func(t target) *bool { return &t.end.ModeCfgServ }),
		"leftmodecfgclient": setBool(func(t target) *bool { return &t.end.ModeCfgCli }),
		"leftespspi":        setSPI(false, func(t target) *uint32 { return &t.end.ESPSPI }),
		"leftahspi":         setSPI(false, func(t target) *uint32 { return &t.end.AHSPI }),
	}
}

// secretFields are where the keys of manual keying are kept, by keyword.
func secretFields() map[string]func(target) *secret.Text {
	return map[string]func(target) *secret.Text{
		"espenckey":      func(t target) *secret.Text { return &t.conn.ESPEncKey },
		"espauthkey":     func(t target) *secret.Text { return &t.conn.ESPAuthKey },
		"ahkey":          func(t target) *secret.Text { return &t.conn.AHKey },
		"leftespenckey":  func(t target) *secret.Text { return &t.end.ESPEncKey },
		"leftespauthkey": func(t target) *secret.Text { return &t.end.ESPAuthKey },
		"leftahkey":      func(t target) *secret.Text { return &t.end.AHKey },
	}
}
