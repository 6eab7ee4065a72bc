package options

import "ipsec/klips"

// Flow is a flow as the options --eraf, --src, --dst, --transport-proto, --src-port
// and --dst-port write it; the last three may be empty.
type Flow struct {
	Family                  Family
	Src, Dst                string
	Proto, SrcPort, DstPort string
}

// Flow reads a flow.
func (r Resolver) Flow(f Flow) (s klips.Selector, err error) {
	if s.Src, err = r.Prefix("--src", f.Src, f.Family); err != nil {
		return s, err
	}
	if s.Dst, err = r.Prefix("--dst", f.Dst, FamilyOf(s.Src.Addr())); err != nil {
		return s, err
	}
	if f.Proto != "" {
		if s.Proto, err = r.Protocol(f.Proto); err != nil {
			return s, err
		}
	}
	if f.SrcPort != "" {
		if s.SrcPort, err = r.Port("--src-port", f.SrcPort, s.Proto); err != nil {
			return s, err
		}
	}
	if f.DstPort != "" {
		if s.DstPort, err = r.Port("--dst-port", f.DstPort, s.Proto); err != nil {
			return s, err
		}
	}
	if (s.SrcPort != 0 || s.DstPort != 0) && s.Proto != 6 && s.Proto != 17 {
		return s, malformed("a port needs --transport-proto tcp or udp")
	}
	return s, nil
}
