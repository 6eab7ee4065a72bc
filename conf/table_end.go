package conf

import (
	"net/netip"

	"ipsec/conf/secret"
)

// endKeywords are those that are written with left and with right before them.
func endKeywords() []Keyword {
	const s = SectionEnd
	return []Keyword{
		{Name: "left", Section: s, Type: TypeHost, Values: []string{"%any", "%defaultroute", "%opportunistic", "%group", "%opportunisticgroup"}, Stacks: anyStack, Dialects: anyDialect,
			Help: "the gateway's own address on this side",
			set:  setHost(func(t target) *Host { return &t.end.Host }, "%any", "%any4", "%any6", "%defaultroute", "%opportunistic", "%group", "%opportunisticgroup")},
		{Name: "leftsubnet", Section: s, Type: TypeSubnets, Stacks: anyStack, Dialects: anyDialect,
			Help: "networks behind it; none: the gateway itself", set: setSubnets},
		{Name: "leftsubnets", Section: s, Type: TypeSubnets, Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "more networks behind it, as {A B}", set: setSubnets},
		{Name: "leftsubnetwithin", Section: s, Type: TypeSubnets, Stacks: anyStack, Dialects: Openswan | StrongSwan,
			Help: "the peer may propose any network within this one", set: setPrefix(func(t target) *netip.Prefix { return &t.end.SubnetWithin })},
		{Name: "leftnexthop", Section: s, Type: TypeHost, Values: []string{"%direct", "%defaultroute"}, Stacks: anyStack, Dialects: anyDialect,
			Help: "the router towards the other side", set: setHost(func(t target) *Host { return &t.end.NextHop }, "%direct", "%defaultroute", "%any")},
		{Name: "leftsourceip", Section: s, Type: TypeString, Stacks: anyStack, Dialects: anyDialect,
			Help: "address of ours to speak from into the tunnel", set: setSourceIP},
		{Name: "leftprotoport", Section: s, Type: TypeString, Stacks: anyStack, Dialects: anyDialect,
			Help: "protocol and port that the connection is for, such as udp/1701", set: setProtoPort},
		{Name: "leftupdown", Section: s, Type: TypeString, Stacks: anyStack, Dialects: anyDialect,
			Help: "command to run when the connection comes up and goes down", set: setString(func(t target) *string { return &t.end.Updown })},
		{Name: "leftfirewall", Section: s, Type: TypeBool, Default: "no", Stacks: anyStack, Dialects: Openswan | StrongSwan,
			Help: "let the default updown open the firewall", set: setBool(func(t target) *bool { return &t.end.Firewall })},
		{Name: "leftid", Section: s, Type: TypeString, Stacks: anyStack, Dialects: anyDialect,
			Help: "its identity: an address, @NAME, USER@NAME, a DN, or %myid", set: setIdentity(func(t target) *string { return &t.end.ID })},
		{Name: "leftauth", Section: s, Type: TypeEnum, Stacks: anyStack, Dialects: Libreswan | StrongSwan,
			choices: words("secret|psk rsasig|pubkey|rsa ecdsa eddsa|ed25519 null|none never eap"),
			Help:    "how it proves who it is, in place of authby", set: setAuth},
		{Name: "leftikeport", Section: s, Type: TypeInt, Stacks: anyStack, Dialects: Libreswan | StrongSwan,
			Help: "UDP port that it listens on for IKE", set: setInt(1, 65535, func(t target) *int { return &t.end.IKEPort })},
		{Name: "leftrsasigkey", Section: s, Type: TypeString, Values: []string{"%dnsondemand", "%dns", "%dnsonload", "%cert", "%none"}, Default: "%dnsondemand", Stacks: anyStack, Dialects: anyDialect,
			Help: "its public RSA key", set: setString(func(t target) *string { return &t.end.RSASigKey })},
		{Name: "leftrsasigkey2", Section: s, Type: TypeString, Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "a second such key", set: setString(func(t target) *string { return &t.end.RSASigKey2 })},
		{Name: "leftecdsakey", Section: s, Type: TypeString, Stacks: anyStack, Dialects: Libreswan,
			Help: "its public ECDSA key", set: setECDSAKey(func(t target) *string { return &t.end.ECDSAKey })},
		{Name: "leftpubkey", Synonyms: []string{"leftsigkey"}, Section: s, Type: TypeString, Stacks: anyStack, Dialects: Libreswan | StrongSwan,
			Help: "its public key of any kind, as SubjectPublicKeyInfo", set: setPublicKey(func(t target) *string { return &t.end.PublicKey })},
		{Name: "leftcert", Section: s, Type: TypeString, Stacks: anyStack, Dialects: anyDialect,
			Help: "file of its certificate", set: setString(func(t target) *string { return &t.end.Cert })},
		{Name: "leftca", Section: s, Type: TypeString, Stacks: anyStack, Dialects: anyDialect,
			Help: "DN of the CA that must have signed it", set: setString(func(t target) *string { return &t.end.CA })},
		{Name: "leftsendcert", Section: s, Type: TypeEnum, choices: words("never|no always|alwayssend|yes sendifasked|ifasked forcedtype"), Default: "sendifasked", Stacks: anyStack, Dialects: anyDialect,
			Help: "when to send its certificate", set: setEnum(func(t target) *string { return &t.end.SendCert })},
		{Name: "leftgroups", Section: s, Type: TypeString, Stacks: anyStack, Dialects: anyDialect,
			Help: "groups of which the peer must be in one", set: setString(func(t target) *string { return &t.end.Groups })},
		{Name: "leftallowany", Section: s, Type: TypeBool, Default: "no", Stacks: anyStack, Dialects: StrongSwan,
			Help: "accept it from any address", set: setBool(func(t target) *bool { return &t.end.AllowAnyPeer })},
		{Name: "leftxauthserver", Section: s, Type: TypeBool, Default: "no", Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "it asks for a user and password by XAUTH", set: setBool(func(t target) *bool { return &t.end.XAuthServer })},
		{Name: "leftxauthclient", Section: s, Type: TypeBool, Default: "no", Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "it gives a user and password by XAUTH", set: setBool(func(t target) *bool { return &t.end.XAuthClient })},
		{Name: "leftxauthusername", Synonyms: []string{"leftxauthname", "leftusername"}, Section: s, Type: TypeString, Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "that user's name", set: setString(func(t target) *string { return &t.end.XAuthUser })},
		{Name: "leftmodecfgserver", Section: s, Type: TypeBool, Default: "no", Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "it gives addresses out", set: setBool(func(t target) *bool { return &t.end.ModeCfgServ })},
		{Name: "leftmodecfgclient", Section: s, Type: TypeBool, Default: "no", Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "it is given an address", set: setBool(func(t target) *bool { return &t.end.ModeCfgCli })},

		{Name: "leftespspi", Section: s, Type: TypeSPI, Stacks: KLIPS, Dialects: Openswan,
			Help: "SPI of the ESP SA sent towards this side", set: setSPI(false, func(t target) *uint32 { return &t.end.ESPSPI })},
		secretKeyword(s, "leftespenckey", "espenckey of the SA sent towards this side", func(t target) *secret.Text { return &t.end.ESPEncKey }),
		secretKeyword(s, "leftespauthkey", "espauthkey of the SA sent towards this side", func(t target) *secret.Text { return &t.end.ESPAuthKey }),
		{Name: "leftahspi", Section: s, Type: TypeSPI, Stacks: KLIPS, Dialects: Openswan,
			Help: "SPI of the AH SA sent towards this side", set: setSPI(false, func(t target) *uint32 { return &t.end.AHSPI })},
		secretKeyword(s, "leftahkey", "ahkey of the SA sent towards this side", func(t target) *secret.Text { return &t.end.AHKey }),
	}
}
