package compile

import (
	"fmt"
	"net/netip"
	"strings"

	"ipsec/conf"
	"ipsec/plan"
)

// isAutomatic reports whether Pluto gets the conn at start.
func isAutomatic(conn *conf.Conn) bool {
	return conn.Auto == conf.AutoAdd || conn.Auto == conf.AutoRoute || conn.Auto == conf.AutoStart
}

// isRouted reports whether a start has Pluto route the conn.
func isRouted(conn *conf.Conn) bool {
	return conn.Auto == conf.AutoRoute || conn.Auto == conf.AutoStart
}

// isShunt reports whether the conn has no SAs: what it does with packets is
// its type.
func isShunt(conn *conf.Conn) bool {
	return conn.Type == conf.Passthrough || conn.Type == conf.Drop || conn.Type == conf.Reject
}

// side is one end of a conn, on this host.
type side struct {
	name string // "left" or "right"
	end  *conf.End
	addr netip.Addr
}

// at returns where KEYWORD of this side stands, or the conn's first line.
func (s side) at(conn *conf.Conn, keyword string) conf.Pos {
	return posOr(conn.At(s.name+keyword), conn.Pos)
}

// oriented is a conn of which this host knows which end it is.
type oriented struct {
	conn     *conf.Conn
	us, them side
	virtual  string // the interface that its packets are routed into
	physical string
	nexthop  netip.Addr
	other    bool // us is not this host, which pretends to be the other end
}

// orient finds out which end of conn this host is; with other, it pretends to
// be the other one. The diagnostic says why it cannot.
func (c *resolver) orient(conn *conf.Conn, other bool) (oriented, *conf.Diagnostic) {
	left, bad := c.side(conn, "left", &conn.Left)
	if bad != nil {
		return oriented{}, bad
	}
	right, bad := c.side(conn, "right", &conn.Right)
	if bad != nil {
		return oriented{}, bad
	}
	leftLink, rightLink := c.host.holder[left.addr], c.host.holder[right.addr]
	o := oriented{conn: conn, other: other}
	switch {
	case left.addr.Is4() != right.addr.Is4():
		return o, remark(right.at(conn, ""), "right=%s and left=%s are not of one address family", right.addr, left.addr)
	case leftLink != nil && rightLink != nil:
		return o, remark(conn.Pos, "both left=%s and right=%s are addresses of this host", left.addr, right.addr)
	case leftLink == nil && rightLink == nil:
		return o, remark(conn.Pos, "neither left=%s nor right=%s is an address of this host", left.addr, right.addr)
	}
	link := leftLink
	o.us, o.them = left, right
	if leftLink == nil {
		link = rightLink
		o.us, o.them = right, left
	}
	o.physical, o.virtual = link.Name, c.virtual[link.Name]
	if o.virtual == "" {
		return o, remark(o.us.at(conn, ""), "%s=%s is an address of %s, on which no interface of interfaces= stands", o.us.name, o.us.addr, link.Name)
	}
	if other {
		o.us, o.them = o.them, o.us
	}
	o.nexthop = c.nexthop(o.us)
	return o, nil
}

// side resolves left= or right= to an address.
func (c *compiler) side(conn *conf.Conn, name string, end *conf.End) (side, *conf.Diagnostic) {
	s := side{name: name, end: end}
	switch end.Host.Form {
	case conf.HostAddr:
		s.addr = end.Host.Addr
	case conf.HostDefaultRoute:
		exit, err := c.host.exit()
		if err != nil {
			return s, remark(s.at(conn, ""), "%s=%%defaultroute: %s", name, err)
		}
		s.addr = exit.addr
	case conf.HostUnset:
		return s, remark(conn.Pos, "%s= is missing; expected an address", name)
	default:
		return s, remark(s.at(conn, ""), "%s=%s: expected an address: manual keying knows no peer but one at a known address", name, hostText(end.Host))
	}
	return s, nil
}

// nexthop returns where packets of that side leave to: leftnexthop=, or the
// gateway where leftnexthop or left is %defaultroute; invalid when unknown.
func (c *compiler) nexthop(s side) netip.Addr {
	switch form := s.end.NextHop.Form; {
	case form == conf.HostAddr:
		return s.end.NextHop.Addr
	case form == conf.HostDefaultRoute, form == conf.HostUnset && s.end.Host.Form == conf.HostDefaultRoute:
		if exit, err := c.host.exit(); err == nil {
			return exit.nexthop
		}
	}
	return netip.Addr{}
}

// hostText returns a host as ipsec.conf writes it.
func hostText(h conf.Host) string {
	switch h.Form {
	case conf.HostAddr:
		return h.Addr.String()
	case conf.HostName:
		return h.Name
	case conf.HostAny:
		switch {
		case h.Name != "":
			return "%" + h.Name
		case h.Six:
			return "%any6"
		}
		return "%any"
	case conf.HostDefaultRoute:
		return "%defaultroute"
	case conf.HostDirect:
		return "%direct"
	case conf.HostOpportunistic:
		return "%opportunistic"
	case conf.HostGroup:
		return "%group"
	case conf.HostOppoGroup:
		return "%opportunisticgroup"
	}
	return ""
}

func remark(pos conf.Pos, format string, args ...any) *conf.Diagnostic {
	return &conf.Diagnostic{Pos: pos, Text: fmt.Sprintf(format, args...)}
}

// clients returns the subnets behind a side; the host itself where it has none.
func (s side) clients() []netip.Prefix {
	if len(s.end.Subnets) == 0 {
		return []netip.Prefix{single(s.addr)}
	}
	return s.end.Subnets
}

// flows returns the flows from us to them, for each pair of subnets of one family.
func (o oriented) flows() []plan.Flow {
	proto := o.us.end.ProtoPort.Proto
	if proto == 0 {
		proto = o.them.end.ProtoPort.Proto
	}
	var flows []plan.Flow
	for _, local := range o.us.clients() {
		for _, remote := range o.them.clients() {
			if local.Addr().Is4() != remote.Addr().Is4() {
				continue
			}
			flows = append(flows, plan.Flow{
				Src: local.Masked(), Dst: remote.Masked(), Proto: proto,
				SrcPort: o.us.end.ProtoPort.Port, DstPort: o.them.end.ProtoPort.Port,
			})
		}
	}
	return flows
}

// customUpdown returns the conn's own updown command; "" where the routes are
// ours to make, as ipsec _updown would.
func (s side) customUpdown() string {
	command := strings.TrimSpace(s.end.Updown)
	if command == "ipsec _updown" || strings.HasPrefix(command, "ipsec _updown ") {
		return ""
	}
	return command
}
