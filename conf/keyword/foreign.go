package keyword

import "strings"

// The keywords below are read and have no effect here. Each line is a
// dialect, a form, and names, those with | being synonyms.

func foreign(s Section, d Dialect, form ValueType, lines string) []Keyword {
	var list []Keyword
	for _, group := range strings.Fields(lines) {
		names := strings.Split(group, "|")
		help := "read for the sake of files of " + d.String() + "; no effect here"
		list = append(list, Keyword{Name: names[0], Synonyms: names[1:], Section: s, Type: form, Dialects: d, Help: help, Foreign: true})
	}
	return list
}

func join(lists ...[]Keyword) []Keyword {
	var all []Keyword
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

func setupForeign() []Keyword {
	const s = SectionSetup
	return join(
		foreign(s, Openswan, TypeBool, `oe force_busy plutofork`),
		foreign(s, Openswan, TypeString, `plutobackgroundload plutoload plutostart plutoheartbeat packetdefault no_eroute_pass eroute_pass
			opportunistic secctx_attr_value|secctx-attr-type listen`),
		foreign(s, Libreswan, TypeBool, `logtime|plutostderrlogtime logappend logip audit-log perpeerlog dnssec-enable ocsp-enable ocsp-strict
			drop-oppo-null listen-tcp listen-udp ike-socket-errqueue ikev1-secctx-attr-type expire-lifetime`),
		foreign(s, Libreswan, TypeString, `ikev1-policy nssdir ipsecdir secretsfile statsbin perpeerlogdir curl-iface curl-timeout myvendorid
			shuntlifetime xfrmlifetime expire-shunt-interval ocsp-timeout ocsp-trustname|ocsp-trust-name ocsp-cache-size ocsp-cache-min-age
			ocsp-cache-max-age ocsp-method crl-timeout ddos-mode ddos-ike-threshold|ddos-ike-treshold max-halfopen-ike ikeport nat-ikeport
			nflog-all seedbits seccomp global-redirect global-redirect-to ike-socket-bufsize dnssec-rootkey-file dnssec-trusted-anchors|dnssec-anchors
			interfaces-ip rundir debug ipsec-interface-managed`),
		foreign(s, StrongSwan, TypeBool, `charonstart cachecrls pkcs11keepstate pkcs11proxy mediation`),
		foreign(s, StrongSwan, TypeString, `charondebug pkcs11module pkcs11initargs charonopts plutodebugfile mobike`),
	)
}

func connForeign() []Keyword {
	const s = SectionConn
	return join(
		foreign(s, Openswan, TypeBool, `xauth disablearrivalcheck overlapip nm_configured loopback labeled_ipsec _plutodevel narrowing`),
		foreign(s, Openswan, TypeString, `connaddrfamily|hostaddrfamily|clientaddrfamily sareftrack policy_label|sec-label modecfgwins1 modecfgwins2`),
		foreign(s, Openswan|Libreswan, TypeString, `modecfgdns|modecfgdns1 modecfgdns2 remote_peer_type cisco-unity connalias`),
		foreign(s, Libreswan|StrongSwan, TypeBool, `mobike`),
		foreign(s, Libreswan|StrongSwan, TypeString, `mark mark-in mark-out reqid tfc`),
		foreign(s, Libreswan, TypeBool, `pam-authorize nat-keepalive initial-contact send-vendorid sha2-truncbug ms-dh-downgrade
			pfs-rekey-workaround require-id-on-certificate dns-match-id ikepad vti-shared vti-routing nopmtudisc encap-dscp decap-dscp
			accept-redirect send-redirect ignore-peer-dns intermediate session-resumption share-lease fake-strongswan iptfs iptfs-fragmentation
			send-esp-tfc-padding-not-supported|send-no-esp-tfc reject-simultaneous-ike-auth cisco-split`),
		foreign(s, Libreswan, TypeString, `ppk ppk-ids retransmit-timeout retransmit-interval nat-ikev1-method xauthfail
			modecfgdomain|modecfgdomains modecfgbanner vti-interface ipsec-interface clones nic-offload
			enable-tcp tcp-remoteport sendca priority nflog|nflog-group redirect-to accept-redirect-to ipsec-max-bytes
			ipsec-max-packets debug iptfs-packet-size iptfs-max-queue-size iptfs-reorder-window iptfs-init-delay iptfs-drop-time`),
		foreign(s, StrongSwan, TypeBool, `installpolicy mediation sha256_96`),
		foreign(s, StrongSwan, TypeString, `closeaction inactivity modeconfig xauth_identity eap_identity aaa_identity eap mediated_by me_peerid lifebytes
			marginbytes lifepackets marginpackets ikedscp dscp keyingtriesmax if_id_in if_id_out set_mark_in set_mark_out copy_dscp interface`),
	)
}

func endForeign() []Keyword {
	const s = SectionEnd
	return join(
		foreign(s, Openswan, TypeString, `leftmodecfgdns1 leftmodecfgdns2 leftmodecfgwins1 leftmodecfgwins2`),
		foreign(s, Libreswan, TypeString, `leftaddresspool leftvti leftinterface-ip leftckaid lefteddsakey
			leftautheap leftcat leftgroundhog leftupdown-config`),
		foreign(s, StrongSwan, TypeString, `leftauth2 leftid2 leftcert2 leftca2 leftcertpolicy lefthostaccess leftnatip leftdns
			leftgroups2 lefteapidentity`),
	)
}

func caKeywords() []Keyword {
	return foreign(SectionCA, StrongSwan, TypeString,
		`also auto cacert crluri|crluri1 crluri2 ocspuri|ocspuri1 ocspuri2 certuribase ldaphost ldapbase`)
}
