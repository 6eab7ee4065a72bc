package engine

import (
	"net/netip"

	"ipsec/klips"
	"ipsec/klips/eroute"
	"ipsec/klips/sadb"
	"ipsec/klips/said"
)

// known is what has been found for a packet that others like it follow. It is
// good while the engine's lock is held.
type known struct {
	id   said.SAID
	sa   *sadb.SA // of that SAID; nil for none
	from netip.AddrPort

	allowed bool // that this may have come out of these
	flow    eroute.Flow
	sas     [4]*sadb.SA
	peer    netip.Addr
}

// allowed is like allow, and asks it once for packets of one flow in a row.
func (i *inbound) allowed(p *incoming, f eroute.Flow) klips.DropReason {
	k := &i.known
	if k.allowed && k.flow == f && k.sas == p.sas && k.peer == p.peer() {
		return delivered
	}
	r := i.allow(p, f)
	k.allowed, k.flow, k.sas, k.peer = r == delivered, f, p.sas, p.peer()
	return r
}

// allow is the inbound policy check: whether a packet of the flow may have come
// out of the SAs that it came out of.
func (i *inbound) allow(p *incoming, f eroute.Flow) klips.DropReason {
	if i.grouped(p) && inflow(p, &f) && i.expected(p, &f) {
		return delivered
	}
	p.sas[p.n-1].PolicyError()
	return klips.DropPolicy
}

// grouped reports whether the SAs are one whole group, from the outside in. Only
// COMP may be left out, by a packet that did not shrink.
func (i *inbound) grouped(p *incoming) bool {
	group := p.sas[0].Group
	if group == nil {
		return p.n == 1
	}
	used := p.sas[:p.n]
	for at := len(group) - 1; at >= 0; at-- {
		switch {
		case len(used) > 0 && used[0] == group[at]:
			used = used[1:]
		case group[at].Config.ID.Proto != said.COMP:
			return false
		}
	}
	return len(used) == 0
}

// inflow reports whether each SA of the packet that lists flows has this one.
func inflow(p *incoming, f *eroute.Flow) bool {
	for _, sa := range p.sas[:p.n] {
		if len(sa.Config.Inflow) > 0 && !listed(sa, f) {
			return false
		}
	}
	return true
}

func listed(sa *sadb.SA, f *eroute.Flow) bool {
	for n := range sa.Config.Inflow {
		if eroute.Matches(&sa.Config.Inflow[n], f) {
			return true
		}
	}
	return false
}

// expected reports whether what answers the packet would go back to the host
// that it came from: an eroute to another says that it should have come from there.
func (i *inbound) expected(p *incoming, f *eroute.Flow) bool {
	back := eroute.Flow{Src: f.Dst, Dst: f.Src, Proto: f.Proto, SrcPort: f.DstPort, DstPort: f.SrcPort, Partial: f.Partial}
	entry, ok := i.e.eroutes.Lookup(back)
	return !ok || entry == nil || entry.SAID.Proto == said.INT || entry.SAID.Dst.IsUnspecified() || entry.SAID.Dst == p.peer()
}
