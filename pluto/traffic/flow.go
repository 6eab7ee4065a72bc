package traffic

import (
	"net/netip"

	"ipsec/klips"
)

// MaxFlows bounds the flows of one Child SA.
const MaxFlows = 512

// Flows returns the flows from local to remote: none where they are more than MaxFlows.
func Flows(local, remote []Selector) []klips.Selector {
	var list []klips.Selector
	for _, l := range local {
		for _, r := range remote {
			if l.Start.BitLen() != r.Start.BitLen() || l.Proto != 0 && r.Proto != 0 && l.Proto != r.Proto {
				continue
			}
			f := klips.Selector{Proto: max(l.Proto, r.Proto), SrcPort: onePort(l), DstPort: onePort(r)}
			for _, f.Src = range prefixes(l.Start, l.End) {
				for _, f.Dst = range prefixes(r.Start, r.End) {
					if list = append(list, f); len(list) > MaxFlows {
						return nil
					}
				}
			}
		}
	}
	return list
}

func onePort(s Selector) uint16 {
	if s.StartPort == s.EndPort {
		return s.StartPort
	}
	return 0
}

// prefixes returns the fewest prefixes that make up a range, at most MaxFlows.
func prefixes(start, end netip.Addr) []netip.Prefix {
	var list []netip.Prefix
	for len(list) < MaxFlows {
		bits := start.BitLen()
		for bits > 0 {
			p := netip.PrefixFrom(start, bits-1)
			if p.Masked().Addr() != start || end.Less(lastOf(p)) {
				break
			}
			bits--
		}
		p := netip.PrefixFrom(start, bits)
		list = append(list, p)
		last := lastOf(p)
		if !last.Less(end) {
			return list
		}
		start = last.Next()
	}
	return list
}

// lastOf returns the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
