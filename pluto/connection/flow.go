package connection

import (
	"errors"
	"slices"
	"syscall"

	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/pluto"
)

// A slot is who has a say in the packets of one flow. What the kernel does
// with them is never changed directly: a say is added or withdrawn, and settle
// makes the kernel follow, by one operation that replaces the eroute. So the
// eroute goes only with the last say.
type slot struct {
	users  []*bundle // Child SAs in use, of which the last one has the packets
	orphan said.SAID // an SA of an earlier worker, which goes on until there is another
	heir   *entry    // the connection that the orphan is one of; may be nil
	bases  []*entry  // routed connections, of which the oldest has the packets otherwise
	set    way       // what the kernel has; zero for none
}

// A way is what an eroute leads to, and the identities that it bears.
type way struct {
	id    said.SAID
	ident [2]string
}

// target returns what the kernel ought to have.
func (t *Table) target(s *slot) way {
	switch {
	case len(s.users) > 0:
		b := s.users[len(s.users)-1]
		return way{b.out[0], ident(b.child.Conn)}
	case s.orphan != said.SAID{}:
		return way{s.orphan, s.set.ident}
	case len(s.bases) > 0:
		e := s.base()
		return way{said.Shunt(t.shunt(e)), ident(e.subject())}
	}
	return way{}
}

// base returns the routed connection that has the packets which no SA carries:
// the oldest, but for those that are for any peer, which can but drop them.
func (s *slot) base() *entry {
	for _, e := range s.bases {
		if !isTemplate(e.subject()) {
			return e
		}
	}
	return s.bases[0]
}

// shunt returns the SPI of what becomes of packets of e that no SA carries.
func (t *Table) shunt(e *entry) uint32 {
	c := e.subject()
	switch {
	case isShunt(c):
		return spiOf(c.Shunt)
	case isTemplate(c): // there is nobody to negotiate with before a peer comes
		return said.SPIDrop
	case e.failing:
		return spiOf(c.FailureShunt)
	case c.NegotiationShunt == pluto.ShuntPass && (t.busy(e) || e.wanted && !e.retry.IsZero()):
		return said.SPIPass
	}
	return said.SPITrap // which holds a packet for each flow while it is negotiated
}

func spiOf(s pluto.Shunt) uint32 {
	switch s {
	case pluto.ShuntPass:
		return said.SPIPass
	case pluto.ShuntDrop:
		return said.SPIDrop
	case pluto.ShuntReject:
		return said.SPIReject
	}
	return said.SPITrap
}

// slot returns that of a flow.
func (t *Table) slot(f klips.Selector) *slot {
	s := t.slots[f]
	if s == nil {
		s = &slot{}
		t.slots[f] = s
	}
	return s
}

// settle makes the kernel do with the packets of a flow what it ought to. What
// fails is tried again by Tick; until then the kernel goes on as before.
func (t *Table) settle(f klips.Selector) error {
	s := t.slots[f]
	if s == nil {
		return nil
	}
	want := t.target(s)
	var err error
	switch {
	case want == s.set:
	case want == way{}:
		if err = t.config.Kernel.DelEroute(f); errors.Is(err, syscall.ENOENT) {
			err = nil
		}
	default:
		err = t.config.Kernel.ReplaceEroute(klips.Eroute{Selector: f, SAID: want.id, Ident: want.ident})
	}
	if err != nil {
		t.dirty[f] = true
		t.schedule(t.now().Add(mendTime))
		return err
	}
	s.set = want
	delete(t.dirty, f)
	if want.id != s.orphan {
		t.dropOrphan(f, s)
	}
	if want == (way{}) {
		delete(t.slots, f)
	}
	return nil
}

// resettle settles the flows of e after what its packets are to meet has changed.
func (t *Table) resettle(e *entry) {
	for _, s := range e.spans {
		if s.base {
			if err := t.settle(s.flow); err != nil {
				t.report(e, pluto.RCLogSerious, pluto.Pending, "failed to set its eroute: %v", err)
			}
		}
	}
}

// clash returns a connection with another peer that has the flow already.
func (t *Table) clash(c *pluto.Connection, f klips.Selector) *pluto.Connection {
	s := t.slots[f]
	if s == nil || isTemplate(c) { // which yields to whoever has the flow
		return nil
	}
	for _, b := range s.users {
		if other := b.child.Conn; other != c && !samePeer(c, other) && !sameHost(c, other) && !(c.Remote.Host == other.Remote.Host && isHost(c, f)) {
			return other
		}
	}
	for _, e := range s.bases {
		if other := e.subject(); e.conn != c && t.names[e.loaded.Name] == e && !isTemplate(other) && !samePeer(c, other) && !sameHost(c, other) { // unless it is being replaced
			return other
		}
	}
	return nil
}

// isHost reports whether a flow goes to the peer itself: of several behind one
// NAT, the last one has it.
func isHost(c *pluto.Connection, f klips.Selector) bool {
	return f.Dst.IsSingleIP() && f.Dst.Addr() == c.Remote.Host.Addr
}

// addBase gives e a say in a flow.
func (t *Table) addBase(e *entry, f klips.Selector) error {
	s := t.slot(f)
	if !slices.Contains(s.bases, e) {
		s.bases = append(s.bases, e)
	}
	return t.settle(f)
}

// delBase withdraws it.
func (t *Table) delBase(e *entry, f klips.Selector) error {
	if s := t.slots[f]; s != nil {
		s.bases = slices.DeleteFunc(s.bases, func(other *entry) bool { return other == e })
	}
	return t.settle(f)
}
