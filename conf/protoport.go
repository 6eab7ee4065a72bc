package conf

import (
	"strconv"
	"strings"

	"ipsec/conf/keyword"
)

// Names of protocols and services that files use in leftprotoport=. The
// machine's own /etc/protocols and /etc/services are not asked, so that a
// file means the same on every machine.
var (
	protocolNames = map[string]uint8{
		"any": 0, "%any": 0, "icmp": 1, "igmp": 2, "ipencap": 4, "ipip": 4, "tcp": 6, "egp": 8, "udp": 17,
		"ipv6": 41, "rsvp": 46, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58, "ipv6-icmp": 58, "icmp6": 58,
		"ospf": 89, "pim": 103, "ipcomp": 108, "vrrp": 112, "l2tp": 115, "sctp": 132, "udplite": 136,
	}
	serviceNames = map[string]uint16{
		"ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "bootps": 67, "bootpc": 68, "tftp": 69,
		"http": 80, "www": 80, "kerberos": 88, "pop3": 110, "sunrpc": 111, "ntp": 123, "imap": 143, "imap2": 143,
		"snmp": 161, "snmptrap": 162, "bgp": 179, "ldap": 389, "https": 443, "microsoft-ds": 445, "isakmp": 500,
		"syslog": 514, "ldaps": 636, "imaps": 993, "pop3s": 995, "l2f": 1701, "l2tp": 1701, "radius": 1812,
		"nfs": 2049, "mysql": 3306, "ipsec-nat-t": 4500, "postgresql": 5432,
	}
)

// setProtoPort takes PROTOCOL or PROTOCOL/PORT, each a name or a number; the
// port may be %any.
func setProtoPort(_ *keyword.Keyword, t target, value string) *valueError {
	const want = "PROTOCOL/PORT such as udp/1701, 17/%any or gre"
	protocol, port, _ := strings.Cut(strings.ToLower(value), "/")
	wrong := &valueError{text: value, want: want}
	var pp ProtoPort
	if n, ok := protocolNames[protocol]; ok {
		pp.Proto = n
	} else if n, err := strconv.ParseUint(protocol, 10, 8); err == nil {
		pp.Proto = uint8(n)
	} else {
		return wrong
	}
	switch n, err := strconv.ParseUint(port, 10, 16); {
	case port == "" || err == nil && n == 0:
	case port == "%any" || port == "*":
		pp.AnyPort = true
	case err == nil:
		pp.Port = uint16(n)
	case serviceNames[port] != 0:
		pp.Port = serviceNames[port]
	default:
		return wrong
	}
	if pp.Proto == 0 && (pp.Port != 0 || pp.AnyPort) {
		return &valueError{text: value, want: "a protocol with that port"}
	}
	t.end.ProtoPort = pp
	return nil
}
