package compile

import (
	"ipsec/klips/route"
	"ipsec/klips/said"
	"ipsec/plan"
)

// resolved is what the configuration comes to on this host. It is made before the first node,
// and making nodes does not change it.
type resolved struct {
	*compiler
	attached []attachment
	manual   []*manualConn
	routed   map[plan.DelRoute]int // to the conns that want it
	flows    map[plan.Flow]string  // to the manually keyed conn that has it
	ways     *route.Entrances      // of the manually keyed conns

	negotiated rehearsed // of a start or a restart with Pluto
}

// resolve finds out what the configuration comes to; find returns the manually keyed conns that
// the plan is about.
func (c *compiler) resolve(find func(*resolver) []*manualConn) *resolved {
	c.checkStack()
	r := &resolved{compiler: c, attached: c.interfaces()}
	in := resolver{
		compiler: c,
		virtual:  make(map[string]string),
		saids:    make(map[said.SAID]string),
		flows:    make(map[plan.Flow]string),
		ciphers:  make(map[string]string),
		routed:   make(map[plan.DelRoute]int),
		ways:     new(route.Entrances),
	}
	for _, a := range r.attached {
		in.virtual[a.physical] = a.virtual
	}
	r.manual, r.routed, r.flows, r.ways = find(&in), in.routed, in.flows, in.ways
	return r
}

// whole resolves the configuration for a start or a restart.
func (c *compiler) whole() *resolved {
	r := c.resolve((*resolver).manualConns)
	r.checkMTU()
	if c.setup.Pluto {
		r.negotiated = r.rehearse()
	}
	return r
}

// resolver resolves manually keyed conns, one after the other: what one has taken, no other can.
type resolver struct {
	*compiler
	virtual map[string]string     // physical link to virtual
	saids   map[said.SAID]string  // to the conn that has it
	flows   map[plan.Flow]string  // to the conn that has it
	ciphers map[string]string     // of algorithm strings of ESP
	routed  map[plan.DelRoute]int // to the conns that want it
	ways    *route.Entrances
}
