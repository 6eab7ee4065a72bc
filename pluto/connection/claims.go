package connection

import (
	"fmt"
	"net/netip"
	"slices"

	"ipsec/klips"
	"ipsec/pluto"
)

// A claim is a flow that a connection has by what ipsec.conf says, or that the
// peer of an instance has chosen.
type claim struct {
	flow klips.Selector
	conn *pluto.Connection
}

// claims finds those whose destination overlaps with a network. Its zero value
// has none.
type claims struct {
	at    map[netip.Prefix][]claim
	sizes map[size]int // how many networks of each length at has
}

type size struct {
	bits int
	six  bool
}

func sizeOf(p netip.Prefix) size { return size{p.Bits(), p.Addr().Is6()} }

func (c *claims) add(conn *pluto.Connection, flows ...klips.Selector) {
	if c.at == nil {
		c.at, c.sizes = map[netip.Prefix][]claim{}, map[size]int{}
	}
	for _, f := range flows {
		if len(c.at[f.Dst]) == 0 {
			c.sizes[sizeOf(f.Dst)]++
		}
		c.at[f.Dst] = append(c.at[f.Dst], claim{f, conn})
	}
}

func (c *claims) remove(conn *pluto.Connection, flows ...klips.Selector) {
	for _, f := range flows {
		list := c.at[f.Dst]
		i := slices.Index(list, claim{f, conn})
		if i < 0 {
			continue
		}
		if list = slices.Delete(list, i, i+1); len(list) > 0 {
			c.at[f.Dst] = list
			continue
		}
		delete(c.at, f.Dst)
		if c.sizes[sizeOf(f.Dst)]--; c.sizes[sizeOf(f.Dst)] == 0 {
			delete(c.sizes, sizeOf(f.Dst))
		}
	}
}

// find returns the first claim on packets to dst of which which is true.
func (c *claims) find(dst netip.Prefix, which func(claim) bool) *claim {
	smaller := false
	for s := range c.sizes {
		if s.six != dst.Addr().Is6() {
			continue
		}
		if s.bits > dst.Bits() {
			smaller = true
			continue
		}
		larger := netip.PrefixFrom(dst.Addr(), s.bits).Masked()
		if i := slices.IndexFunc(c.at[larger], which); i >= 0 {
			return &c.at[larger][i]
		}
	}
	if !smaller { // as with road warriors, each of which has one host
		return nil
	}
	for p, list := range c.at {
		if p.Bits() <= dst.Bits() || !dst.Contains(p.Addr()) {
			continue
		}
		if i := slices.IndexFunc(list, which); i >= 0 {
			return &list[i]
		}
	}
	return nil
}

// trespass says whose packets a peer wants by choosing f from what conn lets it
// choose from; nil where they are nobody's but its own.
//
// A network that conn is configured to cut out of a larger one is its own. And
// it may have one that others are configured to cut theirs out of, as the
// more specific flow has the packets. All else is somebody else's: that an
// authenticated peer may choose a network does not mean it may choose that of another.
func (t *Table) trespass(conn *pluto.Connection, f klips.Selector) error {
	own := f.Dst // what ipsec.conf lets it choose from
	for _, c := range conn.Remote.Clients {
		if c.Masked().Contains(f.Dst.Addr()) && c.Bits() <= f.Dst.Bits() {
			own = c.Masked()
			break
		}
	}
	takes := func(other netip.Prefix) bool {
		inside := other.Bits() < own.Bits() && other.Contains(own.Addr())
		return other.Overlaps(f.Dst) && !inside
	}
	if conn.Instance > 0 {
		if _, mine := t.ours[f.Dst.Addr()]; mine && f.Dst.IsSingleIP() {
			return fmt.Errorf("%s is an address of this host", f.Dst.Addr())
		}
		for _, c := range conn.Local.Clients {
			if takes(c.Masked()) && c.Bits() <= f.Dst.Bits() {
				return fmt.Errorf("%v is on our side of the connection, in %v", f.Dst, c)
			}
		}
	}
	other := t.claims.find(f.Dst, func(other claim) bool {
		switch {
		case other.conn == conn || !takes(other.flow.Dst):
			return false
		case other.conn.Instance > 0:
		case f.Dst.Bits() < other.flow.Dst.Bits(), f.Dst == own && other.flow.Dst == own:
			return false // the latter is for clash to say: of two gateways to one network, one may be down
		case other.flow.Dst.Bits() <= own.Bits() && (conn.Instance == 0 || named(conn.Template) && !isVirtual(conn.Template.Remote)):
			return false // ipsec.conf gives it to both
		}
		if conn.Remote.Host == other.conn.Remote.Host && isHost(conn, f) {
			return false
		}
		return f.Src.Overlaps(other.flow.Src) && (f.Proto == 0 || other.flow.Proto == 0 || f.Proto == other.flow.Proto) &&
			meet(f.SrcPort, other.flow.SrcPort) && meet(f.DstPort, other.flow.DstPort) && !samePeer(conn, other.conn)
	})
	if other != nil {
		return fmt.Errorf("%v -> %v is taken: %s has %v -> %v, with another peer", f.Src, f.Dst, other.conn, other.flow.Src, other.flow.Dst)
	}
	return nil
}

// meet reports whether two ports, of which 0 is any, have one in common.
func meet(a, b uint16) bool { return a == 0 || b == 0 || a == b }
