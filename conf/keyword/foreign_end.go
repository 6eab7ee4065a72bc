package keyword

// endForeign are keywords of an end that have no field here.
func endForeign() []Keyword {
	const s = SectionEnd
	return foreign(s,
		group{dialect: Libreswan, form: TypeString, ruling: essential(noPool), names: `leftaddresspool`},
		group{dialect: Libreswan, form: TypeString, ruling: essential(noRoutes), names: `leftvti leftinterface-ip`, bound: true},
		group{dialect: Libreswan, form: TypeString, usual: "no", ruling: essential("addresses of clients are not translated"), names: `leftcat`, bound: true},
		group{dialect: StrongSwan, form: TypeString, ruling: essential("addresses of clients are not translated"), names: `leftnatip`, bound: true},
		group{dialect: Libreswan, form: TypeString, ruling: essential("EAP is not spoken"), names: `leftautheap`, cases: []Case{on("none", acts)}},
		group{dialect: StrongSwan, form: TypeString, ruling: essential(noSecond), names: `leftauth2 leftid2 leftcert2 leftca2 leftgroups2`},
		group{dialect: StrongSwan, form: TypeString, ruling: essential("policies in certificates are not looked at").of(Peers).signed(), names: `leftcertpolicy`},
		group{dialect: Libreswan, form: TypeString, ruling: essential("the key of a peer is given with leftpubkey=, or a certificate").of(Peers).signed(), names: `lefteddsakey`},
		group{dialect: Libreswan, form: TypeString, ruling: differs("a key is found by the identity that it is for"), names: `leftckaid`},
		group{dialect: StrongSwan, form: TypeBool, usual: "no", ruling: differs("the firewall is left alone: let packets of the links ipsecN pass"), names: `lefthostaccess`},
		group{dialect: Openswan, form: TypeString, ruling: harmless(noLeases), names: `leftmodecfgdns1 leftmodecfgdns2 leftmodecfgwins1 leftmodecfgwins2`},
		group{dialect: StrongSwan, form: TypeString, ruling: harmless(noLeases), names: `leftdns`},
		group{dialect: StrongSwan, form: TypeString, ruling: harmless(noEAP), names: `lefteapidentity`},
		group{dialect: Libreswan, form: TypeString, ruling: harmless("it is for tests of Libreswan"), names: `leftgroundhog`},
		group{dialect: Libreswan, form: TypeString, ruling: harmless("routes and the variables of leftupdown= do not depend on it"), names: `leftupdown-config`},
	)
}
