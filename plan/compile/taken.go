package compile

import (
	"fmt"

	"ipsec/conf"
	"ipsec/plan"
	"ipsec/pluto"
)

// This file refuses conns whose packets another has: a flow has one eroute, and whoever came last would have it.

// take notes the flows of a manually keyed conn. The diagnostic says which conn has one of them already.
func (c *resolver) take(m *manualConn) *conf.Diagnostic {
	for _, f := range m.flows {
		if other, taken := c.flows[f]; taken {
			return remark(m.toward(), "conn %q has %s already", other, between(f))
		}
	}
	for _, f := range m.flows {
		c.flows[f] = m.conn.Name
	}
	return nil
}

func between(f plan.Flow) string { return f.Src.String() + " -> " + f.Dst.String() }

// keyed says which manually keyed conn has a flow of conn, one that Pluto is to have.
func (c *resolved) keyed(conn *pluto.Connection) error {
	if len(c.flows) == 0 {
		return nil
	}
	us, them := conn.Local, conn.Remote
	if c.host.holder[us.Host.Addr] == nil {
		us, them = them, us
	}
	f := plan.Flow{Proto: us.Proto, SrcPort: us.Port, DstPort: them.Port}
	if f.Proto == 0 {
		f.Proto = them.Proto
	}
	for _, f.Src = range clientsOf(us) {
		for _, f.Dst = range clientsOf(them) {
			if other, taken := c.flows[f]; taken {
				return fmt.Errorf("manually keyed conn %q has %s already", other, between(f))
			}
		}
	}
	return nil
}
