package message

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"ipsec/pluto/traffic"
)

// TS is the traffic of one side that a Child SA is for (RFC 7296, section 3.13):
// what matches any of the selectors.
type TS struct {
	Initiator bool // TSi, else TSr
	// Selectors leaves out those of a type other than addresses of IPv4 and IPv6,
	// and so may come out empty.
	Selectors []traffic.Selector
}

const (
	tsIPv4 = 7
	tsIPv6 = 8
	tsLen  = 8 // of a selector without its addresses
)

func (p *TS) Type() PayloadType {
	if p.Initiator {
		return TypeTSi
	}
	return TypeTSr
}

func parseTS(t PayloadType, b []byte) (*TS, error) {
	f, rest, err := fixed(t, b, 4)
	if err != nil {
		return nil, err
	}
	ts := &TS{Initiator: t == TypeTSi}
	for i := range int(f[0]) {
		if len(rest) < tsLen {
			return nil, malformed(t.String(), "selector %d cut off: %d bytes left, it has %d or more", i+1, len(rest), tsLen)
		}
		n := int(binary.BigEndian.Uint16(rest[2:]))
		if n < tsLen || n > len(rest) {
			return nil, malformed(t.String(), "selector %d says %d bytes, %d are left", i+1, n, len(rest))
		}
		kind, selector := rest[0], rest[:n]
		rest = rest[n:]
		if kind != tsIPv4 && kind != tsIPv6 {
			continue
		}
		s, err := parseSelector(t, selector, kind)
		if err != nil {
			return nil, err
		}
		ts.Selectors = append(ts.Selectors, s)
	}
	if len(rest) > 0 {
		return nil, malformed(t.String(), "%d bytes follow its %d selectors", len(rest), f[0])
	}
	return ts, nil
}

func parseSelector(t PayloadType, b []byte, kind byte) (traffic.Selector, error) {
	size := 4
	if kind == tsIPv6 {
		size = 16
	}
	if len(b) != tsLen+2*size {
		return traffic.Selector{}, malformed(t.String(), "selector of type %d and %d bytes, expected %d", kind, len(b), tsLen+2*size)
	}
	s := traffic.Selector{
		Proto:     b[1],
		StartPort: binary.BigEndian.Uint16(b[4:]),
		EndPort:   binary.BigEndian.Uint16(b[6:]),
	}
	s.Start, _ = netip.AddrFromSlice(b[tsLen:][:size])
	s.End, _ = netip.AddrFromSlice(b[tsLen+size:])
	if s.End.Less(s.Start) {
		return s, malformed(t.String(), "selector from %s down to %s", s.Start, s.End)
	}
	if s.StartPort > s.EndPort && (s.StartPort != 65535 || s.EndPort != 0) {
		return s, malformed(t.String(), "selector from port %d down to %d", s.StartPort, s.EndPort)
	}
	return s, nil
}

func (p *TS) appendBody(dst []byte) ([]byte, error) {
	if err := fits("selectors", len(p.Selectors)); err != nil {
		return nil, err
	}
	dst = append(dst, byte(len(p.Selectors)), 0, 0, 0)
	for _, s := range p.Selectors {
		if !s.Start.IsValid() || s.Start.BitLen() != s.End.BitLen() {
			return nil, fmt.Errorf("selector from %q to %q", s.Start, s.End)
		}
		kind, n := byte(tsIPv4), byte(tsLen+2*4)
		if s.Start.Is6() {
			kind, n = tsIPv6, tsLen+2*16
		}
		dst = append(dst, kind, s.Proto, 0, n)
		dst = binary.BigEndian.AppendUint16(dst, s.StartPort)
		dst = binary.BigEndian.AppendUint16(dst, s.EndPort)
		dst = append(dst, s.Start.AsSlice()...)
		dst = append(dst, s.End.AsSlice()...)
	}
	return dst, nil
}
