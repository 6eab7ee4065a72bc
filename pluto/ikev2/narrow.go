package ikev2

import (
	"net/netip"
	"slices"

	"ipsec/klips"
	"ipsec/pluto"
	"ipsec/pluto/ikev2/message"
)

// A selector of a message is a range of addresses and one of ports; KLIPS has
// prefixes, and one port or any. What lies between is narrowed away (RFC
// 7296, section 2.9), since a responder may always choose less than was asked for.

const (
	anyPortEnd = 65535
	maxFlows   = 512 // of one Child SA
	maxNarrow  = 255 // selectors in a payload
)

// selectors returns the traffic of one end of a connection, whose address is host.
func selectors(e *pluto.End, host netip.Addr) []message.TrafficSelector {
	ts := message.TrafficSelector{Proto: e.Proto, StartPort: e.Port, EndPort: e.Port}
	if e.Port == 0 || e.AnyPort {
		ts.StartPort, ts.EndPort = 0, anyPortEnd
	}
	if len(e.Clients) == 0 {
		ts.Start, ts.End = host, host
		return []message.TrafficSelector{ts}
	}
	var list []message.TrafficSelector
	for _, p := range e.Clients {
		ts.Start, ts.End = p.Masked().Addr(), lastOf(p)
		list = append(list, ts)
	}
	return list
}

// some returns as many selectors as one line of a log can show.
func some(list []message.TrafficSelector) []message.TrafficSelector { return list[:min(len(list), 8)] }

// lastOf returns the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// packetSelector is the flow that asked for an SA, of one end, which goes before the others.
func packetSelector(p netip.Prefix, proto uint8, port uint16) message.TrafficSelector {
	ts := message.TrafficSelector{Proto: proto, StartPort: port, EndPort: port, Start: p.Masked().Addr(), End: lastOf(p)}
	if port == 0 {
		ts.EndPort = anyPortEnd
	}
	return ts
}

// intersect returns what two selectors have in common.
func intersect(a, b message.TrafficSelector) (message.TrafficSelector, bool) {
	if a.Start.BitLen() != b.Start.BitLen() || a.Proto != 0 && b.Proto != 0 && a.Proto != b.Proto {
		return a, false
	}
	r := message.TrafficSelector{
		Proto:     max(a.Proto, b.Proto),
		StartPort: max(a.StartPort, b.StartPort),
		EndPort:   min(a.EndPort, b.EndPort),
		Start:     later(a.Start, b.Start),
		End:       earlier(a.End, b.End),
	}
	return r, r.StartPort <= r.EndPort && !r.End.Less(r.Start) &&
		(r.StartPort == r.EndPort || r.StartPort == 0 && r.EndPort == anyPortEnd)
}

func later(a, b netip.Addr) netip.Addr {
	if a.Less(b) {
		return b
	}
	return a
}

func earlier(a, b netip.Addr) netip.Addr {
	if b.Less(a) {
		return b
	}
	return a
}

// covers reports whether all of b is in a.
func covers(a, b message.TrafficSelector) bool {
	r, ok := intersect(a, b)
	return ok && r == b
}

// narrow returns what ours and theirs have in common, each part of it once.
func narrow(ours, theirs []message.TrafficSelector) []message.TrafficSelector {
	var list []message.TrafficSelector
	for _, t := range theirs {
		for _, o := range ours {
			r, ok := intersect(o, t)
			if !ok || slices.ContainsFunc(list, func(l message.TrafficSelector) bool { return covers(l, r) }) {
				continue
			}
			list = slices.DeleteFunc(list, func(l message.TrafficSelector) bool { return covers(r, l) })
			list = append(list, r)
			if len(list) == maxNarrow {
				return list
			}
		}
	}
	return list
}

// within reports whether all of list is in some of ours.
func within(list, ours []message.TrafficSelector) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(l message.TrafficSelector) bool {
		return !slices.ContainsFunc(ours, func(o message.TrafficSelector) bool { return covers(o, l) })
	})
}

// flows returns the flows from local to remote: none where they are more than maxFlows.
func flows(local, remote []message.TrafficSelector) []klips.Selector {
	var list []klips.Selector
	for _, l := range local {
		for _, r := range remote {
			if l.Start.BitLen() != r.Start.BitLen() || l.Proto != 0 && r.Proto != 0 && l.Proto != r.Proto {
				continue
			}
			f := klips.Selector{Proto: max(l.Proto, r.Proto), SrcPort: onePort(l), DstPort: onePort(r)}
			for _, f.Src = range prefixes(l.Start, l.End) {
				for _, f.Dst = range prefixes(r.Start, r.End) {
					if list = append(list, f); len(list) > maxFlows {
						return nil
					}
				}
			}
		}
	}
	return list
}

func onePort(s message.TrafficSelector) uint16 {
	if s.StartPort == s.EndPort {
		return s.StartPort
	}
	return 0
}

// prefixes returns the fewest prefixes that make up a range, at most maxFlows.
func prefixes(start, end netip.Addr) []netip.Prefix {
	var list []netip.Prefix
	for len(list) < maxFlows {
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
