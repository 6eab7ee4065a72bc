package keyword

// setupForeign are keywords of config setup that have no field here.
func setupForeign() []Keyword {
	const s = SectionSetup
	return foreign(s,
		group{dialect: Openswan, form: TypeBool, usual: "no", ruling: differs("opportunistic encryption is not done: a peer needs a conn"), names: `oe`},
		group{dialect: Openswan, form: TypeBool, ruling: harmless("it is about how Pluto works inside"), names: `force_busy plutofork`},
		group{dialect: Openswan, form: TypeString, ruling: harmless("it is about how Pluto works inside"), names: `plutobackgroundload plutoheartbeat`},
		group{dialect: Openswan, form: TypeString, ruling: differs("conns are loaded, routed and started by their auto="), names: `plutoload plutostart`,
			cases: []Case{on("%search", acts)}},
		group{dialect: Openswan, form: TypeString, ruling: differs("what becomes of packets that no conn is for, routes and the firewall say"),
			names: `packetdefault no_eroute_pass eroute_pass opportunistic`},
		group{dialect: Openswan, form: TypeString, ruling: harmless("a conn with labels is not loaded"), names: `secctx_attr_value|secctx-attr-type`},
		group{dialect: Openswan | Libreswan, form: TypeString, ruling: differs("IKE is listened for on all addresses of the links of interfaces="), names: `listen`},

		group{dialect: Libreswan, form: TypeBool, ruling: harmless(formOfLog), names: `logtime|plutostderrlogtime logappend logip audit-log perpeerlog`},
		group{dialect: Libreswan, form: TypeString, ruling: harmless(formOfLog), names: `perpeerlogdir statsbin nflog-all debug`},
		group{dialect: Libreswan, form: TypeBool, ruling: harmless("names are asked of the system's resolver"), names: `dnssec-enable`},
		group{dialect: Libreswan, form: TypeString, ruling: harmless("names are asked of the system's resolver"), names: `dnssec-rootkey-file dnssec-trusted-anchors|dnssec-anchors`},
		group{dialect: Libreswan, form: TypeBool, usual: "no", ruling: differs(noOCSP), names: `ocsp-enable`},
		group{dialect: Libreswan, form: TypeBool, usual: "no", ruling: essential("no certificate is looked up by OCSP, so that none would be refused for what it says: strictcrlpolicy=yes demands a CRL"), names: `ocsp-strict`},
		group{dialect: Libreswan, form: TypeString, ruling: harmless("it goes with ocsp-enable, of which a line tells"),
			names: `ocsp-timeout ocsp-trustname|ocsp-trust-name ocsp-cache-size ocsp-cache-min-age ocsp-cache-max-age ocsp-method`},
		group{dialect: Libreswan, form: TypeString, ruling: harmless(notFetched), names: `curl-iface curl-timeout crl-timeout`},
		group{dialect: Libreswan, form: TypeBool, usual: "no", ruling: differs(noTCP), names: `listen-tcp`},
		group{dialect: Libreswan, form: TypeBool, usual: "yes", ruling: differs("IKE over UDP is listened for in any case"), names: `listen-udp`},
		group{dialect: Libreswan, form: TypeString, usual: "500", ruling: differs("IKE is listened for on ports 500 and 4500"), names: `ikeport`},
		group{dialect: Libreswan, form: TypeString, usual: "4500", ruling: differs("IKE is listened for on ports 500 and 4500"), names: `nat-ikeport`},
		group{dialect: Libreswan, form: TypeString, usual: "drop", ruling: differs("IKEv1 is not spoken"), names: `ikev1-policy`, cases: []Case{on("reject", acts)}},
		group{dialect: Libreswan, form: TypeString, ruling: differs(ownFiles), names: `nssdir ipsecdir secretsfile`},
		group{dialect: Libreswan, form: TypeString, ruling: differs("the run folder is that of IPSEC_RUNDIR"), names: `rundir`},
		group{dialect: Libreswan, form: TypeBool, ruling: harmless("it is about parts that are not here"), names: `drop-oppo-null ike-socket-errqueue ikev1-secctx-attr-type expire-lifetime`},
		group{dialect: Libreswan, form: TypeString, ruling: harmless("it is about how Pluto works inside"),
			names: `myvendorid shuntlifetime xfrmlifetime expire-shunt-interval ddos-mode ddos-ike-threshold|ddos-ike-treshold max-halfopen-ike
				seedbits seccomp ike-socket-bufsize interfaces-ip ipsec-interface-managed`},
		group{dialect: Libreswan, form: TypeString, usual: "no", ruling: differs(noRedirect), names: `global-redirect`},
		group{dialect: Libreswan, form: TypeString, ruling: harmless("it goes with global-redirect, of which a line tells"), names: `global-redirect-to`},

		group{dialect: StrongSwan, form: TypeBool, usual: "yes", ruling: differs("there is one Pluto for all conns, which pluto=no keeps away"), names: `charonstart`},
		group{dialect: StrongSwan, form: TypeBool, ruling: harmless("it is about how charon works inside"), names: `cachecrls mediation`},
		group{dialect: StrongSwan, form: TypeString, ruling: harmless(formOfLog), names: `charondebug plutodebugfile`},
		group{dialect: StrongSwan, form: TypeString, ruling: harmless("it is about how charon works inside"), names: `charonopts mobike`},
		group{dialect: StrongSwan, form: TypeBool, ruling: differs("keys are read from files alone"), names: `pkcs11keepstate pkcs11proxy`},
		group{dialect: StrongSwan, form: TypeString, ruling: differs("keys are read from files alone"), names: `pkcs11module pkcs11initargs`},
	)
}
