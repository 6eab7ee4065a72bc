package nftables

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"

	"ipsec/klips/netfilter"
)

// A reading is a rule whose expressions are read one by one. Each loads something of the
// packet into a register, or compares a register and leaves the rule, or does something.
type reading struct {
	netfilter.Rule
	register uint32 // that field was loaded into last
	field    loaded
}

// loaded is what a register holds of the packet.
type loaded uint8

const (
	unknown loaded = iota
	etherType
	nfproto
	l4proto
	ipProtocol
	ip6NextHeader
	iif
	oif
	iifname
	oifname
)

// expression takes the next expression. One that is not known, or that does not tell ESP
// from other packets, is met by every packet; one that may do something does.
func (r *reading) expression(b []byte) {
	var name string
	var data []byte
	if attributes(b, func(kind uint16, value []byte) {
		switch kind {
		case unix.NFTA_EXPR_NAME:
			name = text(value)
		case unix.NFTA_EXPR_DATA:
			data = value
		}
	}) != nil {
		r.Acts, r.field = true, unknown
		return
	}
	ok := false
	switch name {
	case "meta":
		ok = r.meta(data)
	case "payload":
		ok = r.payload(data)
	case "cmp":
		r.compare(data)
		return // what is in the register stays there
	case "immediate":
		ok = r.jump(data)
	}
	if !ok {
		r.Acts = true
	}
	if !ok || name == "immediate" {
		r.field = unknown
	}
}

// fields returns the first attributes, by their number: those that an expression lacks
// are nil.
func fields(b []byte) (list [8][]byte) {
	_ = attributes(b, func(kind uint16, value []byte) {
		if int(kind) < len(list) {
			list[kind] = value
		}
	})
	return list
}

// meta reports whether the expression does nothing but load something.
func (r *reading) meta(data []byte) bool {
	a := fields(data)
	if a[unix.NFTA_META_DREG] == nil {
		return false // it sets something
	}
	r.register, r.field = number(a[unix.NFTA_META_DREG]), map[uint32]loaded{
		unix.NFT_META_PROTOCOL: etherType,
		unix.NFT_META_NFPROTO:  nfproto,
		unix.NFT_META_L4PROTO:  l4proto,
		unix.NFT_META_IIF:      iif,
		unix.NFT_META_OIF:      oif,
		unix.NFT_META_IIFNAME:  iifname,
		unix.NFT_META_OIFNAME:  oifname,
	}[number(a[unix.NFTA_META_KEY])]
	return true
}

// payload is like meta.
func (r *reading) payload(data []byte) bool {
	a := fields(data)
	if a[unix.NFTA_PAYLOAD_DREG] == nil {
		return false
	}
	r.register = number(a[unix.NFTA_PAYLOAD_DREG])
	r.field = map[[3]uint32]loaded{
		{unix.NFT_PAYLOAD_LL_HEADER, 12, 2}:     etherType, // ESP that goes past netfilter has no VLAN tag
		{unix.NFT_PAYLOAD_NETWORK_HEADER, 9, 1}: ipProtocol,
		{unix.NFT_PAYLOAD_NETWORK_HEADER, 6, 1}: ip6NextHeader,
	}[[3]uint32{number(a[unix.NFTA_PAYLOAD_BASE]), number(a[unix.NFTA_PAYLOAD_OFFSET]), number(a[unix.NFTA_PAYLOAD_LEN])}]
	return true
}

// jump reports whether the expression does nothing but load a value, or jump.
func (r *reading) jump(data []byte) bool {
	a := fields(data)
	verdict := fields(a[unix.NFTA_IMMEDIATE_DATA])[unix.NFTA_DATA_VERDICT]
	if verdict == nil {
		return true
	}
	v := fields(verdict)
	switch int32(number(v[unix.NFTA_VERDICT_CODE])) {
	case unix.NFT_JUMP, unix.NFT_GOTO:
		r.Jumps = text(v[unix.NFTA_VERDICT_CHAIN])
		return r.Jumps != ""
	}
	return false
}

// compare notes what the packet needs to go on.
func (r *reading) compare(data []byte) {
	a := fields(data)
	op := number(a[unix.NFTA_CMP_OP])
	if r.field == unknown || number(a[unix.NFTA_CMP_SREG]) != r.register || op != unix.NFT_CMP_EQ && op != unix.NFT_CMP_NEQ {
		return
	}
	value := fields(a[unix.NFTA_CMP_DATA])[unix.NFTA_DATA_VALUE]
	if need, ok := needOf(r.field, value); ok {
		need.Not = op == unix.NFT_CMP_NEQ
		r.Needs = append(r.Needs, need)
	}
}

// needOf returns what a packet needs where a field is to have that value.
func needOf(field loaded, value []byte) (netfilter.Need, bool) {
	switch field {
	case iifname, oifname:
		n := netfilter.Need{Field: netfilter.InName}
		if field == oifname {
			n.Field = netfilter.OutName
		}
		name, _, whole := bytes.Cut(value, []byte{0})
		n.Name, n.Prefix = string(name), !whole && len(value) < unix.IFNAMSIZ
		return n, len(value) <= unix.IFNAMSIZ
	case iif, oif:
		n := netfilter.Need{Field: netfilter.InIndex}
		if field == oif {
			n.Field = netfilter.OutIndex
		}
		if len(value) == 4 {
			n.Value = binary.NativeEndian.Uint32(value)
		}
		return n, len(value) == 4
	case etherType:
		n := netfilter.Need{Field: netfilter.Version}
		if len(value) == 2 {
			switch binary.BigEndian.Uint16(value) {
			case unix.ETH_P_IP:
				n.Value = uint32(netfilter.IPv4)
			case unix.ETH_P_IPV6:
				n.Value = uint32(netfilter.IPv6)
			}
		}
		return n, len(value) == 2
	}
	if len(value) != 1 {
		return netfilter.Need{}, false
	}
	n := netfilter.Need{Value: uint32(value[0])}
	switch field {
	case nfproto:
		n.Field, n.Value = netfilter.Version, 0
		switch value[0] {
		case protoIPv4:
			n.Value = uint32(netfilter.IPv4)
		case protoIPv6:
			n.Value = uint32(netfilter.IPv6)
		}
	case l4proto:
		n.Field = netfilter.Protocol
	case ipProtocol:
		n.Field = netfilter.Protocol4
	case ip6NextHeader:
		n.Field = netfilter.Protocol6
	default:
		return netfilter.Need{}, false
	}
	return n, true
}
