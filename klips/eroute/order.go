package eroute

import (
	"cmp"
	"slices"

	"ipsec/klips"
	"ipsec/klips/said"
)

// order puts the more specific shape first.
func order(a, b *shape) int {
	return cmp.Or(
		cmp.Compare(b.srcBits, a.srcBits),
		cmp.Compare(b.dstBits, a.dstBits),
		compareBool(b.proto, a.proto),
		compareBool(b.sport, a.sport),
		compareBool(b.dport, a.dport),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// Sort orders entries by address family, source, destination, protocol and ports.
func Sort(list []*Entry) {
	slices.SortFunc(list, func(a, b *Entry) int { return compare(a.Selector, b.Selector) })
}

// compare orders selectors as the table prints them. Addresses of IPv4 come
// before those of IPv6.
func compare(a, b klips.Selector) int {
	return cmp.Or(
		a.Src.Addr().Compare(b.Src.Addr()),
		cmp.Compare(a.Src.Bits(), b.Src.Bits()),
		a.Dst.Addr().Compare(b.Dst.Addr()),
		cmp.Compare(a.Dst.Bits(), b.Dst.Bits()),
		cmp.Compare(a.Proto, b.Proto),
		cmp.Compare(a.SrcPort, b.SrcPort),
		cmp.Compare(a.DstPort, b.DstPort),
	)
}

// ShuntOf returns the shunt that a SAID names, or ShuntNone. A SAID of
// protocol INT that names none of them drops, and %passthrough passes.
func ShuntOf(id said.SAID) klips.Shunt {
	if id.Proto == said.IPIP && id.SPI == 0 && id.Dst.IsUnspecified() {
		return klips.ShuntPass
	}
	if id.Proto != said.INT {
		return klips.ShuntNone
	}
	switch id.SPI {
	case said.SPIPass:
		return klips.ShuntPass
	case said.SPIReject:
		return klips.ShuntReject
	case said.SPITrap:
		return klips.ShuntTrap
	case said.SPIHold:
		return klips.ShuntHold
	}
	return klips.ShuntDrop
}

// Within reports whether every packet of selector a is one of b.
func Within(a, b klips.Selector) bool {
	return b.Src.Bits() <= a.Src.Bits() && b.Src.Contains(a.Src.Addr()) &&
		b.Dst.Bits() <= a.Dst.Bits() && b.Dst.Contains(a.Dst.Addr()) &&
		(b.Proto == 0 || b.Proto == a.Proto) &&
		(b.SrcPort == 0 || b.SrcPort == a.SrcPort) &&
		(b.DstPort == 0 || b.DstPort == a.DstPort)
}

// Matches reports whether the flow is one of the selector. Ports that it does
// not show are taken to be right: such a fragment is nothing without its first.
func Matches(s *klips.Selector, f *Flow) bool {
	return s.Src.Contains(f.Src) && s.Dst.Contains(f.Dst) &&
		(s.Proto == 0 || s.Proto == f.Proto) &&
		(s.SrcPort == 0 || f.Partial || s.SrcPort == f.SrcPort) &&
		(s.DstPort == 0 || f.Partial || s.DstPort == f.DstPort)
}
