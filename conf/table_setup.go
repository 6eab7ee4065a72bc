package conf

import (
	"slices"
	"strings"
)

// setupKeywords stand in config setup and have an effect, in the order
// of the manual page.
func setupKeywords() []Keyword {
	const s = SectionSetup
	return []Keyword{
		{Name: "interfaces", Section: s, Type: TypeWords, Values: []string{"%defaultroute", "%none"}, Default: "%defaultroute", Stacks: anyStack, Dialects: anyDialect,
			Help: "virtual interfaces and the links they encrypt on: %defaultroute, ipsecN=LINK, or %none", set: setInterfaces},
		{Name: "forwardcontrol", Section: s, Type: TypeBool, Default: "no", Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "turn IP forwarding on at start, and back at stop", set: setBool(func(t target) *bool { return &t.setup.ForwardControl })},
		{Name: "rp_filter", Section: s, Type: TypeEnum, choices: words("%unchanged 0 1 2"), Default: "0", Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "reverse path filter of the links in use; %unchanged leaves it alone", set: setEnum(func(t target) *string { return &t.setup.RPFilter })},
		{Name: "syslog", Section: s, Type: TypeString, Default: "daemon.error", Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "facility.priority of the messages of start and stop", set: setSyslog},
		{Name: "klipsdebug", Section: s, Type: TypeEnumList, Default: "none", Stacks: KLIPS, Dialects: anyDialect,
			choices: words("none all tunnel tunnel-xmit|xmit netlink pfkey xform eroute spi radij esp ah rcv ipcomp|comp natt|nat-traversal|nattraversal verbose"),
			Help:    "what KLIPS logs, words of klipsdebug(8)", set: setKlipsDebug},
		{Name: "plutodebug", Section: s, Type: TypeEnumList, Default: "none", Stacks: anyStack, Dialects: anyDialect,
			choices: words("none all raw crypt parsing emitting control lifecycle klips|kernel|netkey dns oppo oppoinfo controlmore private x509 dpd pfkey natt|nat-traversal|nattraversal" +
				" base tmi cpu-usage refcnt route impair-delay-adns-key-answer impair-delay-adns-txt-answer impair-bust-mi2 impair-bust-mr2"),
			Help: "what Pluto logs", set: setFlags(func(t target) *[]string { return &t.setup.PlutoDebug })},
		{Name: "plutoopts", Section: s, Type: TypeWords, Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "further options for Pluto", set: setWords(func(t target) *[]string { return &t.setup.PlutoOpts })},
		{Name: "plutostderrlog", Synonyms: []string{"logfile"}, Section: s, Type: TypeString, Stacks: anyStack, Dialects: anyDialect,
			Help: "file that Pluto logs to, in place of syslog", set: setString(func(t target) *string { return &t.setup.PlutoStderrLog })},
		{Name: "dumpdir", Section: s, Type: TypeString, Stacks: anyStack, Dialects: anyDialect,
			Help: "folder for core dumps; empty: none", set: setString(func(t target) *string { return &t.setup.DumpDir })},
		{Name: "manualstart", Section: s, Type: TypeWords, Stacks: KLIPS, Dialects: Openswan,
			Help: "manually keyed connections to bring up at start", set: setManualStart},
		{Name: "pluto", Section: s, Type: TypeBool, Default: "yes", Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "start Pluto", set: setBool(func(t target) *bool { return &t.setup.Pluto })},
		{Name: "plutowait", Section: s, Type: TypeBool, Default: "no", Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "wait for each negotiation at start before the next", set: setBool(func(t target) *bool { return &t.setup.PlutoWait })},
		{Name: "plutorestartoncrash", Section: s, Type: TypeBool, Default: "yes", Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "start Pluto again when it dies", set: setBool(func(t target) *bool { return &t.setup.PlutoRestartOnCrash })},
		{Name: "prepluto", Section: s, Type: TypeString, Stacks: anyStack, Dialects: anyDialect,
			Help: "command to run before Pluto starts", set: setString(func(t target) *string { return &t.setup.PrePluto })},
		{Name: "postpluto", Section: s, Type: TypeString, Stacks: anyStack, Dialects: anyDialect,
			Help: "command to run after Pluto started", set: setString(func(t target) *string { return &t.setup.PostPluto })},
		{Name: "fragicmp", Section: s, Type: TypeBool, Default: "yes", Stacks: KLIPS, Dialects: anyDialect,
			Help: "answer a packet that is too big for its tunnel with ICMP", set: setBool(func(t target) *bool { return &t.setup.FragICMP })},
		{Name: "hidetos", Section: s, Type: TypeBool, Default: "yes", Stacks: KLIPS, Dialects: anyDialect,
			Help: "set the TOS of tunnel packets to 0 in place of the inner one", set: setBool(func(t target) *bool { return &t.setup.HideTOS })},
		{Name: "nooffload", Section: s, Type: TypeEnumList, Default: "none", Stacks: KLIPS, Dialects: Openswan,
			choices: words("none all tso uso coalesce segment gro packet xdp"),
			Help:    "ways of carrying packets that KLIPS does without, see ipsec(8)", set: setFlags(func(t target) *[]string { return &t.setup.NoOffload })},
		{Name: "uniqueids", Section: s, Type: TypeBool, Default: "no", Stacks: anyStack, Dialects: anyDialect,
			Help: "a new connection of an identity replaces its old one", set: setTruth("replace|keep", "never", func(t target) *bool { return &t.setup.UniqueIDs })},
		{Name: "overridemtu", Section: s, Type: TypeInt, Stacks: KLIPS, Dialects: anyDialect,
			Help: "MTU of the ipsecN interfaces", set: setInt(68, 65535, func(t target) *int { return &t.setup.OverrideMTU })},
		{Name: "nocrsend", Section: s, Type: TypeBool, Default: "no", Stacks: anyStack, Dialects: anyDialect,
			Help: "send no certificate requests", set: setBool(func(t target) *bool { return &t.setup.NoCRSend })},
		{Name: "strictcrlpolicy", Synonyms: []string{"crl-strict"}, Section: s, Type: TypeEnum, choices: words("no|false|never|off yes|true|always|on ifuri"), Default: "no", Stacks: anyStack, Dialects: anyDialect,
			Help: "refuse a certificate when its CA has no fresh CRL", set: setEnum(func(t target) *string { return &t.setup.StrictCRLPolicy })},
		{Name: "crlcheckinterval", Section: s, Type: TypeDuration, Default: "0", Stacks: anyStack, Dialects: anyDialect,
			Help: "how often to fetch CRLs; 0: never", set: setDuration(func(t target) *int { return &t.setup.CRLCheckInterval })},
		{Name: "ocspuri", Synonyms: []string{"ocsp-uri"}, Section: s, Type: TypeString, Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "the OCSP server to ask", set: setString(func(t target) *string { return &t.setup.OCSPURI })},
		{Name: "nat_traversal", Section: s, Type: TypeBool, Default: "no", Stacks: anyStack, Dialects: anyDialect,
			Help: "detect NAT, and put ESP in UDP 4500 behind one", set: setBool(func(t target) *bool { return &t.setup.NATTraversal })},
		{Name: "virtual_private", Section: s, Type: TypeSubnets, Stacks: anyStack, Dialects: anyDialect,
			Help: "private networks that peers behind NAT may have: %v4:NET,%v4:!NET,%v6:NET", set: setVirtualPrivate},
		{Name: "keep_alive", Section: s, Type: TypeDuration, Default: "20", Stacks: anyStack, Dialects: anyDialect,
			Help: "seconds between the packets that keep a NAT's mapping", set: setDuration(func(t target) *int { return &t.setup.KeepAlive })},
		{Name: "force_keepalive", Section: s, Type: TypeBool, Default: "no", Stacks: anyStack, Dialects: anyDialect,
			Help: "send those packets even without NAT", set: setBool(func(t target) *bool { return &t.setup.ForceKeepAlive })},
		{Name: "disable_port_floating", Section: s, Type: TypeBool, Default: "no", Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "stay on UDP 500 behind NAT", set: setBool(func(t target) *bool { return &t.setup.DisablePortFloating })},
		{Name: "nhelpers", Section: s, Type: TypeInt, Default: "-1", Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "helpers for public-key work; -1: Pluto chooses", set: setInt(-1, 1024, func(t target) *int { return &t.setup.NHelpers })},
		{Name: "myid", Section: s, Type: TypeString, Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "the identity that %myid stands for", set: setString(func(t target) *string { return &t.setup.MyID })},
		{Name: "protostack", Section: s, Type: TypeEnum, choices: words("auto klips netkey|xfrm|native none"), Default: "auto", Stacks: anyStack, Dialects: Openswan | Libreswan,
			Help: "who encrypts packets: klips, netkey (Linux XFRM), or what there is", set: setEnum(func(t target) *string { return &t.setup.Protostack })},
		{Name: "also", Section: s, Type: TypeName, Stacks: anyStack, Dialects: Openswan, Help: "take the parameters of another section of this kind too", reference: true},
	}
}

// setKlipsDebug takes words of klipsdebug(8). KLIPS here has nothing to say of
// NAT traversal alone, which its flags rcv and tunnel cover.
func setKlipsDebug(k *Keyword, t target, value string) *valueError {
	const natt = "natt"
	bad := setFlags(func(t target) *[]string { return &t.setup.KlipsDebug })(k, t, value)
	if bad == nil && slices.Contains(t.setup.KlipsDebug, natt) {
		t.warn(natt + " has no effect here")
		t.setup.KlipsDebug = slices.DeleteFunc(t.setup.KlipsDebug, func(flag string) bool { return flag == natt })
	}
	return bad
}

// setManualStart takes names of conns. The %search of FreeS/WAN stood for
// those with auto=manual, which start takes anyway.
func setManualStart(_ *Keyword, t target, value string) *valueError {
	var list []string
	for _, f := range fields(value) {
		if f.text == "%search" || f.text == "%none" {
			continue
		}
		if !isName(f.text) {
			return &valueError{offset: f.offset, text: f.text, want: "names of conns"}
		}
		list = append(list, f.text)
	}
	t.setup.ManualStart = list
	return nil
}

// setSyslog takes facility.priority as logger(1) does.
func setSyslog(_ *Keyword, t target, value string) *valueError {
	facilities := strings.Fields("kern user mail daemon auth security syslog lpr news uucp cron authpriv ftp local0 local1 local2 local3 local4 local5 local6 local7")
	priorities := strings.Fields("emerg panic alert crit err error warning warn notice info debug")
	facility, priority, _ := strings.Cut(value, ".")
	for part, known := range map[string][]string{facility: facilities, priority: priorities} {
		k := Keyword{choices: words(strings.Join(known, " "))}
		if _, ok := k.choose(part); !ok {
			offset := 0
			if part == priority && part != facility {
				offset = len(facility) + 1
			}
			if part == "" {
				offset, part = 0, value
			}
			return &valueError{offset: offset, text: part, want: "FACILITY.PRIORITY of syslog such as daemon.error", known: known}
		}
	}
	t.setup.Syslog = strings.ToLower(value)
	return nil
}
