package nftables

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"ipsec/klips/netfilter"
)

// What x/sys/unix does not have of linux/netfilter.h and linux/netfilter/nf_tables.h.
const (
	protoInet   = 1
	protoIPv4   = 2
	protoNetdev = 5
	protoIPv6   = 10

	inetIngress   = 5
	netdevIngress = 0
	netdevEgress  = 1

	hookDevs = 4 // NFTA_HOOK_DEVS, of attributes that are NFTA_DEVICE_NAME
	devName  = 1
)

// headLen is the length of struct nfgenmsg, with which every message begins: the
// family, a version, and what is not used here.
const headLen = 4

// limit is how many chains and rules are looked at. A ruleset that has more could look
// at anything.
const limit = 1 << 14

var (
	errMalformed = errors.New("malformed message of nf_tables")
	errTooMany   = fmt.Errorf("they are more than %d", limit)
)

// A ruleset is put together of the kernel's messages: all tables, then all chains,
// then all rules.
type ruleset struct {
	skip   map[string]bool   // tables that see no packets, and our own
	index  map[[2]string]int // in chains, by table and name
	chains []netfilter.Chain
	rules  int
}

// tableOf returns how a person names a table; "" for one of a family that sees no
// packets of IP on their way to this host or from it.
func tableOf(family byte, name string) string {
	switch family {
	case protoInet:
		return "inet " + name
	case protoIPv4:
		return "ip " + name
	case protoIPv6:
		return "ip6 " + name
	case protoNetdev:
		return "netdev " + name
	}
	return ""
}

// table takes a message NFT_MSG_NEWTABLE.
func (r *ruleset) table(msg []byte) error {
	var name string
	var flags uint32
	family, err := each(msg, func(kind uint16, value []byte) {
		switch kind {
		case unix.NFTA_TABLE_NAME:
			name = text(value)
		case unix.NFTA_TABLE_FLAGS:
			flags = number(value)
		}
	})
	if err == nil && (flags&unix.NFT_TABLE_F_DORMANT != 0 || family == protoInet && name == netfilter.Own) {
		if r.skip == nil {
			r.skip = map[string]bool{}
		}
		r.skip[tableOf(family, name)] = true
	}
	return err
}

// chain takes a message NFT_MSG_NEWCHAIN.
func (r *ruleset) chain(msg []byte) error {
	var c netfilter.Chain
	var table string
	var hook []byte
	family, err := each(msg, func(kind uint16, value []byte) {
		switch kind {
		case unix.NFTA_CHAIN_TABLE:
			table = text(value)
		case unix.NFTA_CHAIN_NAME:
			c.Name = text(value)
		case unix.NFTA_CHAIN_HOOK:
			hook = value
		case unix.NFTA_CHAIN_POLICY:
			c.Drops = number(value) != 1 // NF_ACCEPT
		}
	})
	if err != nil {
		return err
	}
	c.Table = tableOf(family, table)
	if c.Table == "" || r.skip[c.Table] {
		return nil
	}
	switch family {
	case protoIPv4:
		c.Family = netfilter.IPv4
	case protoIPv6:
		c.Family = netfilter.IPv6
	}
	if hook != nil {
		if c.Hook, c.Devices, err = hooked(family, hook); err != nil {
			return err
		}
	}
	if len(r.chains)+r.rules >= limit {
		return errTooMany
	}
	if r.index == nil {
		r.index = map[[2]string]int{}
	}
	r.index[[2]string{c.Table, c.Name}] = len(r.chains)
	r.chains = append(r.chains, c)
	return nil
}

// hooked returns where a chain is hooked into the way of packets, and the links that
// it is for.
func hooked(family byte, value []byte) (hook netfilter.Hook, devices []string, err error) {
	var at uint32
	known := true
	err = attributes(value, func(kind uint16, value []byte) {
		switch kind {
		case unix.NFTA_HOOK_HOOKNUM:
			at = number(value)
		case unix.NFTA_HOOK_DEV:
			devices = append(devices, text(value))
		case hookDevs:
			malformed := attributes(value, func(kind uint16, value []byte) {
				known = known && kind == devName
				devices = append(devices, text(value))
			})
			known = known && malformed == nil
		}
	})
	if !known { // as for all links that begin with a name: it may be any
		devices = nil
	}
	if family == protoNetdev {
		switch at {
		case netdevIngress:
			return netfilter.Ingress, devices, err
		case netdevEgress:
			return netfilter.Egress, devices, err
		}
		return netfilter.None, nil, err
	}
	switch at {
	case inetIngress:
		return netfilter.Ingress, devices, err
	case unix.NF_INET_PRE_ROUTING:
		hook = netfilter.Prerouting
	case unix.NF_INET_LOCAL_IN:
		hook = netfilter.Input
	case unix.NF_INET_LOCAL_OUT:
		hook = netfilter.Output
	case unix.NF_INET_POST_ROUTING:
		hook = netfilter.Postrouting
	}
	return hook, nil, err
}

// rule takes a message NFT_MSG_NEWRULE.
func (r *ruleset) rule(msg []byte) error {
	var table, chain string
	var rule reading
	var malformed error
	family, err := each(msg, func(kind uint16, value []byte) {
		switch kind {
		case unix.NFTA_RULE_TABLE:
			table = text(value)
		case unix.NFTA_RULE_CHAIN:
			chain = text(value)
		case unix.NFTA_RULE_HANDLE:
			if len(value) == 8 {
				rule.Handle = binary.BigEndian.Uint64(value)
			}
		case unix.NFTA_RULE_EXPRESSIONS:
			malformed = attributes(value, func(_ uint16, value []byte) { rule.expression(value) })
		}
	})
	if err = errors.Join(err, malformed); err != nil {
		return err
	}
	at, ok := r.index[[2]string{tableOf(family, table), chain}]
	if !ok { // of a table that does not matter, or added since
		return nil
	}
	if r.rules++; len(r.chains)+r.rules > limit {
		return errTooMany
	}
	c := &r.chains[at]
	c.Rules = append(c.Rules, rule.Rule)
	return nil
}

// each calls f with the attributes of a message, and returns its family.
func each(msg []byte, f func(kind uint16, value []byte)) (family byte, err error) {
	if len(msg) < headLen {
		return 0, errMalformed
	}
	return msg[0], attributes(msg[headLen:], f)
}

// attributes calls f with each attribute in b, struct nlattr.
func attributes(b []byte, f func(kind uint16, value []byte)) error {
	for len(b) > 0 {
		if len(b) < unix.SizeofNlAttr {
			return errMalformed
		}
		n := int(binary.NativeEndian.Uint16(b))
		if n < unix.SizeofNlAttr || n > len(b) {
			return errMalformed
		}
		f(binary.NativeEndian.Uint16(b[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER), b[unix.SizeofNlAttr:n])
		b = b[min(len(b), (n+3)&^3):]
	}
	return nil
}

// number returns the number of an attribute, as nf_tables has them; one that is none
// is the largest there is.
func number(b []byte) uint32 {
	if len(b) != 4 {
		return ^uint32(0)
	}
	return binary.BigEndian.Uint32(b)
}

// text returns the text of an attribute, which a NUL ends.
func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}
