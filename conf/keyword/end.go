package keyword

import (
	"net/netip"
	"slices"
	"strings"
)

// endKeywords are those that are written with left and with right before them.
func endKeywords() []Keyword {
	const s = SectionEnd
	return []Keyword{
		{Name: "left", Section: s, Type: TypeHost, Values: []string{"%any", "%defaultroute", "%opportunistic", "%group", "%opportunisticgroup"}, Dialects: anyDialect, Ruling: acts,
			Cases: []Case{on("%opportunistic %group %opportunisticgroup", essential("policy groups and opportunistic encryption are not done"))},
			Help:  "the gateway's own address on this side"},
		{Name: "leftsubnet", Section: s, Type: TypeSubnets, Dialects: anyDialect, Ruling: acts,
			Help: "networks behind it; none: the gateway itself"},
		{Name: "leftsubnets", Section: s, Type: TypeSubnets, Dialects: Openswan | Libreswan, Ruling: acts,
			Help: "more networks behind it, as {A B}"},
		{Name: "leftsubnetwithin", Section: s, Type: TypeSubnets, Dialects: Openswan | StrongSwan, Ruling: acts, Pluto: true,
			Help: "the peer may propose any network within this one"},
		{Name: "leftnexthop", Section: s, Type: TypeHost, Values: []string{"%direct", "%defaultroute"}, Dialects: anyDialect, Ruling: acts, Cases: []Case{on("%direct", acts)},
			Help: "the router towards the other side"},
		{Name: "leftsourceip", Section: s, Type: TypeString, Dialects: anyDialect, Ruling: acts,
			Cases: []Case{{"several addresses", differs("of several addresses none is used: routes choose the source"), areAddresses},
				{"%config, or a pool", essential(noPool), isLease}},
			Help: "address of ours to speak from into the tunnel"},
		{Name: "leftprotoport", Section: s, Type: TypeString, Dialects: anyDialect, Ruling: acts,
			Help: "protocol and port that the connection is for, such as udp/1701"},
		{Name: "leftupdown", Section: s, Type: TypeString, Dialects: anyDialect, Ruling: acts,
			Help: "command to run when the connection comes up and goes down"},
		{Name: "leftfirewall", Section: s, Type: TypeBool, Default: "no", Dialects: Openswan | StrongSwan, Ruling: differs("the firewall is left alone: let packets of the links ipsecN pass"), Pluto: true,
			Help: "let the default updown open the firewall"},
		{Name: "leftid", Section: s, Type: TypeString, Dialects: anyDialect, Ruling: acts,
			Help: "its identity: an address, @NAME, USER@NAME, a DN, or %myid"},
		{Name: "leftauth", Section: s, Type: TypeEnum, Dialects: Libreswan | StrongSwan, Ruling: acts, Pluto: true,
			Cases:   []Case{{"eap, with a method behind it or not", essential("EAP is not spoken"), isEAP}},
			choices: words("secret|psk rsasig|pubkey|rsa ecdsa eddsa|ed25519 null|none never eap"),
			Help:    "how it proves who it is, in place of authby"},
		{Name: "leftikeport", Section: s, Type: TypeInt, Dialects: Libreswan | StrongSwan, Ruling: acts, Pluto: true,
			Cases: []Case{on("500 4500", acts), {"another port", essential("IKE is listened for on ports 500 and 4500").of(Ours), anything}},
			Help:  "UDP port that it listens on for IKE"},
		{Name: "leftrsasigkey", Section: s, Type: TypeString, Values: []string{"%dnsondemand", "%dns", "%dnsonload", "%cert", "%none"}, Default: "%dnsondemand", Dialects: anyDialect, Ruling: acts, Pluto: true,
			Cases: []Case{on("%dnsondemand %dns %dnsonload", essential("no key is looked up in the DNS").of(Peers).signed()), on("%cert %none", acts)},
			Help:  "its public RSA key"},
		{Name: "leftrsasigkey2", Section: s, Type: TypeString, Dialects: Openswan | Libreswan, Ruling: acts, Pluto: true,
			Cases: []Case{on("%dnsondemand %dns %dnsonload", essential("no key is looked up in the DNS").of(Peers).signed()), on("%cert %none", acts)},
			Help:  "a second such key"},
		{Name: "leftecdsakey", Section: s, Type: TypeString, Dialects: Libreswan, Ruling: acts, Pluto: true,
			Help: "its public ECDSA key"},
		{Name: "leftpubkey", Synonyms: []string{"leftsigkey"}, Section: s, Type: TypeString, Dialects: Libreswan | StrongSwan, Ruling: acts, Pluto: true,
			Help: "its public key of any kind, as SubjectPublicKeyInfo"},
		{Name: "leftcert", Section: s, Type: TypeString, Dialects: anyDialect, Ruling: acts, Pluto: true,
			Help: "file of its certificate"},
		{Name: "leftca", Section: s, Type: TypeString, Dialects: anyDialect, Ruling: acts, Pluto: true,
			Help: "DN of the CA that must have signed it"},
		{Name: "leftsendcert", Section: s, Type: TypeEnum, choices: words("never|no always|alwayssend|yes sendifasked|ifasked forcedtype"), Default: "sendifasked", Dialects: anyDialect, Ruling: acts, Pluto: true,
			Help: "when to send its certificate"},
		{Name: "leftgroups", Section: s, Type: TypeString, Dialects: anyDialect, Ruling: essential("groups of attribute certificates are not looked at").of(Peers), Pluto: true,
			Help: "groups of which the peer must be in one"},
		{Name: "leftallowany", Section: s, Type: TypeBool, Default: "no", Dialects: StrongSwan, Ruling: acts, Pluto: true,
			Help: "accept it from any address"},
		{Name: "leftxauthserver", Section: s, Type: TypeBool, Default: "no", Dialects: Openswan | Libreswan, Ruling: essential(noXAUTH), Pluto: true,
			Help: "it asks for a user and password by XAUTH"},
		{Name: "leftxauthclient", Section: s, Type: TypeBool, Default: "no", Dialects: Openswan | Libreswan, Ruling: essential(noXAUTH), Pluto: true,
			Help: "it gives a user and password by XAUTH"},
		{Name: "leftxauthusername", Synonyms: []string{"leftxauthname", "leftusername"}, Section: s, Type: TypeString, Dialects: Openswan | Libreswan, Ruling: essential(noXAUTH), Pluto: true,
			Help: "that user's name"},
		{Name: "leftmodecfgserver", Section: s, Type: TypeBool, Default: "no", Dialects: Openswan | Libreswan, Ruling: essential(noPool), Pluto: true,
			Help: "it gives addresses out"},
		{Name: "leftmodecfgclient", Section: s, Type: TypeBool, Default: "no", Dialects: Openswan | Libreswan, Ruling: essential(noPool), Pluto: true,
			Help: "it is given an address"},

		{Name: "leftespspi", Section: s, Type: TypeSPI, Dialects: Openswan, Ruling: acts,
			Help: "SPI of the ESP SA sent towards this side"},
		secretKeyword(s, "leftespenckey", "espenckey of the SA sent towards this side"),
		secretKeyword(s, "leftespauthkey", "espauthkey of the SA sent towards this side"),
		{Name: "leftahspi", Section: s, Type: TypeSPI, Dialects: Openswan, Ruling: acts,
			Help: "SPI of the AH SA sent towards this side"},
		secretKeyword(s, "leftahkey", "ahkey of the SA sent towards this side"),
	}
}

// isLease reports whether a value of leftsourceip= is no address of ours but one that is asked
// for, or those that are given out.
func isLease(value string) bool {
	return strings.HasPrefix(value, "%") || strings.ContainsAny(value, "/-,")
}

// areAddresses reports whether it is several addresses of ours.
func areAddresses(value string) bool {
	list := strings.Split(value, ",")
	return len(list) > 1 && !slices.ContainsFunc(list, func(one string) bool {
		_, err := netip.ParseAddr(strings.TrimSpace(one))
		return err != nil
	})
}

func isEAP(value string) bool {
	method, _, _ := strings.Cut(value, "-")
	return method == "eap"
}

func anything(string) bool { return true }
