// Package traffic is the traffic selectors that the two ends of a Child SA agree on
// (RFC 7296, sections 2.9 and 3.13; the identities of IKEv1's quick mode are such, too): what
// an end of a connection asks for, what two lists have in common, and the flows that
// come of it.
//
// A selector is a range of addresses and one of ports; KLIPS has prefixes, and one
// port or any. What lies between is narrowed away, since a responder may
// always choose less than was asked for.
package traffic

import (
	"fmt"
	"net/netip"

	"ipsec/pluto"
)

// A Selector is a range of addresses, both ends included, with a protocol
// and its range of ports. For ICMP a port is the type times 256 plus the code.
type Selector struct {
	Proto     uint8 // 0 for any
	StartPort uint16
	EndPort   uint16 // below StartPort (65535 and 0) for OPAQUE ports
	Start     netip.Addr
	End       netip.Addr
}

// String returns a selector as logs have it: 10.0.0.0-10.0.0.255:0/any.
func (s Selector) String() string {
	ports := fmt.Sprintf("%d-%d", s.StartPort, s.EndPort)
	switch {
	case s.StartPort == s.EndPort:
		ports = fmt.Sprint(s.StartPort)
	case s.StartPort == 0 && s.EndPort == anyPortEnd:
		ports = "any"
	case s.StartPort > s.EndPort:
		ports = "opaque"
	}
	return fmt.Sprintf("%s-%s:%d/%s", s.Start, s.End, s.Proto, ports)
}

const anyPortEnd = 65535

// Brief returns as many selectors as one line of a log can show.
func Brief(list []Selector) []Selector { return list[:min(len(list), 8)] }

// Of returns the traffic of one end of a connection, whose address is host.
func Of(e *pluto.End, host netip.Addr) []Selector {
	ts := Selector{Proto: e.Proto, StartPort: e.Port, EndPort: e.Port}
	if e.Port == 0 || e.AnyPort {
		ts.StartPort, ts.EndPort = 0, anyPortEnd
	}
	if len(e.Clients) == 0 {
		ts.Start, ts.End = host, host
		return []Selector{ts}
	}
	var list []Selector
	for _, p := range e.Clients {
		ts.Start, ts.End = p.Masked().Addr(), lastOf(p)
		list = append(list, ts)
	}
	return list
}

// OfPeer returns the traffic of a peer, which may have chosen its network.
func OfPeer(e *pluto.End, host netip.Addr) []Selector {
	if e.Within.IsValid() && len(e.Clients) == 0 {
		chosen := *e
		chosen.Clients = []netip.Prefix{e.Within}
		return Of(&chosen, host)
	}
	return Of(e, host)
}

// OfPacket returns one end of the packet that asked for an SA; proto and port may be 0 for any.
func OfPacket(p netip.Prefix, proto uint8, port uint16) Selector {
	ts := Selector{Proto: proto, StartPort: port, EndPort: port, Start: p.Masked().Addr(), End: lastOf(p)}
	if port == 0 {
		ts.EndPort = anyPortEnd
	}
	return ts
}

// Substitute puts the address that we see in place of the one that a host behind NAT
// has, in transport mode (RFC 7296, section 2.23.1).
// Restore takes that back.
func Substitute(list []Selector, nat bool, seen netip.Addr) []Selector {
	if !nat {
		return list
	}
	changed := make([]Selector, 0, len(list))
	for _, ts := range list {
		if ts.Start == ts.End && ts.Start.BitLen() == seen.BitLen() {
			ts.Start, ts.End = seen, seen
		}
		changed = append(changed, ts)
	}
	return changed
}

// Restore puts the address that a peer behind NAT has asked for, asked[0], in place of the
// one that we see.
func Restore(list, asked []Selector) []Selector {
	if len(asked) == 0 || asked[0].Start != asked[0].End {
		return list
	}
	return Substitute(list, true, asked[0].Start)
}
