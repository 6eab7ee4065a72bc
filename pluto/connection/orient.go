package connection

import (
	"net/netip"
	"slices"
	"time"

	"ipsec/pluto"
)

// pair is the hosts of an oriented connection; remote is invalid where it is for
// any peer.
type pair struct{ local, remote netip.Addr }

func pairOf(c *pluto.Connection) pair {
	return pair{c.Local.Host.Addr, c.Remote.Host.Addr}
}

// Listen says which addresses are ours from now on. A connection whose address
// has gone loses its SAs, and its packets stay trapped until it is back.
func (t *Table) Listen(ours []Address) {
	clear(t.ours)
	for _, a := range ours {
		t.ours[a.Addr] = a.Virtual
	}
	for _, e := range slices.Clone(t.entries) {
		t.reorient(e)
	}
}

// reorient looks again which end of e is ours, if any.
func (t *Table) reorient(e *entry) {
	c, virtual, why := t.side(e.loaded)
	if e.conn != nil && why == "" && virtual == e.virtual && pairOf(c) == pairOf(e.conn) {
		return
	}
	if e.conn != nil {
		asked, wanted := e.asked, e.wanted
		t.end(e)
		t.disorient(e)
		e.asked, e.wanted = asked, wanted
	}
	t.orient(e)
}

// orient finds out which end of e is ours. One that is asked for, or wanted, is
// routed and brought up.
func (t *Table) orient(e *entry) {
	c, virtual, why := t.side(e.loaded)
	if why != "" {
		if why != e.complaint {
			t.report(e, pluto.RCOrient, pluto.Pending, "%s", why)
		}
		e.complaint = why
		return
	}
	e.conn, e.virtual, e.complaint = c, virtual, ""
	e.flows = flowsOf(c)
	if !isTemplate(c) || named(c) { // others have no peer that could claim anything
		t.claims.add(c, e.flows...)
	}
	if c.Shunt == pluto.ShuntPass {
		t.passes = append(t.passes, e)
	}
	t.owners[c] = e
	t.enlist(e)
	if e.asked || e.wanted || len(e.spans) > 0 {
		if err := t.route(e); err != nil {
			t.report(e, pluto.RCRoute, pluto.Pending, "%v", err)
		}
	}
	if e.wanted {
		t.again(e, 0)
	}
}

// disorient forgets which end of e is ours; its flows stay as they are.
func (t *Table) disorient(e *entry) {
	if e.conn == nil {
		return
	}
	t.delist(e)
	t.passes = slices.DeleteFunc(t.passes, func(other *entry) bool { return other == e })
	delete(t.owners, e.conn)
	delete(t.timed, e)
	t.claims.remove(e.conn, e.flows...)
	e.conn, e.flows, e.busy = nil, nil, time.Time{}
}

// roams reports whether the address of the peer is a hint.
func roams(c *pluto.Connection) bool {
	return c.Remote.AllowAny && c.Remote.Host.Kind != pluto.HostAny
}

// side returns c with our end first, and the interface of KLIPS for it; or why
// there is no telling.
func (t *Table) side(c *pluto.Connection) (oriented *pluto.Connection, virtual, why string) {
	left, right := c.Local.Host.Addr, c.Remote.Host.Addr
	v, first := t.ours[left]
	w, second := t.ours[right]
	switch {
	case first && second:
		return nil, "", "both " + c.Local.Host.String() + " and " + c.Remote.Host.String() + " are addresses of this host; it is left alone; see " + c.See("left", "right")
	case first:
		o := *c
		oriented, virtual = &o, v
	case second:
		oriented, virtual = c.Reversed(), w
	}
	switch {
	case oriented != nil && oriented.Remote.Groups != "":
		return nil, "", "its peer cannot be held to groups of attribute certificates, which are not looked at; see " + oriented.See("rightgroups")
	case oriented != nil:
		return oriented, virtual, ""
	}
	return nil, "", "neither " + c.Local.Host.String() + " nor " + c.Remote.Host.String() + " is an address that IKE is spoken on; it waits for one; see " + c.See("left", "right")
}
