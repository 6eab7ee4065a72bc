package connection

import (
	"slices"

	"ipsec/klips"
	"ipsec/pluto"
)

// A span is a flow that updown has routed into KLIPS for a connection.
type span struct {
	flow    klips.Selector
	conn    *pluto.Connection // as updown has been told
	virtual string
	base    bool // for as long as the connection is routed; otherwise while an SA carries it
	users   int  // Child SAs that carry packets of it
}

func (t *Table) routed(e *entry) bool {
	return slices.ContainsFunc(e.spans, func(s *span) bool { return s.base })
}

// Route traps the packets of a connection. One that is not oriented yet is
// routed as soon as it is. The error is an *Error.
func (t *Table) Route(name string) error {
	list, err := t.named(name)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range list {
		e.asked = true
		errs = append(errs, t.route(e))
	}
	return first(errs)
}

// first returns the first error of a list.
func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// route gives e its flows: first the eroutes, then the routes that lead packets
// to them. Flows that it had and no longer has go last. What fails is undone.
func (t *Table) route(e *entry) error {
	switch {
	case e.conn == nil:
		return t.lost(e)
	case isTemplate(e.conn) && len(e.flows) == 0:
		return refuse(pluto.RCRoute, "cannot route %s: it is for any peer, and has no flow before one comes", e.conn)
	case len(e.flows) == 0 && e.conn.Remote.Host.Kind == pluto.HostAny && len(e.conn.Remote.Clients) == 0:
		return refuse(pluto.RCRoute, "cannot route %s: it is for any peer, and no network of the peer is given", e.conn)
	case len(e.flows) == 0 && e.conn.Remote.Host.Kind != pluto.HostAny && !e.conn.Remote.Host.Addr.IsValid() && len(e.conn.Remote.Clients) == 0:
		return later(pluto.RCNoPeer, "cannot route %s yet: the address of %s is not known", e.conn, e.conn.Remote.Host)
	case len(e.flows) == 0:
		return refuse(pluto.RCRoute, "cannot route %s: no client of ours is of one address family with one of the peer's", e.conn)
	}
	for _, f := range e.flows {
		if other := t.clash(e.conn, f); other != nil {
			return refuse(pluto.RCClash, "cannot route %s: %s has %v -> %v already, with another peer", e.conn, other, f.Src, f.Dst)
		}
	}
	var undo []*span
	for _, f := range e.flows {
		had := slices.IndexFunc(e.spans, func(s *span) bool { return s.base && s.flow == f && s.virtual == e.virtual })
		if had >= 0 {
			e.spans[had].conn = e.conn
			continue
		}
		s, err := t.enter(e, f, true)
		if err != nil {
			for _, s := range undo {
				t.leave(e, s)
			}
			return refuse(pluto.RCRoute, "cannot route %s: %v", e.conn, err)
		}
		undo = append(undo, s)
	}
	for _, s := range slices.Clone(e.spans) {
		if s.base && (s.virtual != e.virtual || !slices.Contains(e.flows, s.flow)) {
			t.leave(e, s)
		}
	}
	t.resettle(e)
	return nil
}

// enter leads the packets of a flow into KLIPS. With base, e has a say in
// them from then on.
func (t *Table) enter(e *entry, f klips.Selector, base bool) (*span, error) {
	s := &span{flow: f, conn: e.conn, virtual: e.virtual, base: base}
	if base {
		if err := t.addBase(e, f); err != nil {
			t.withdraw(e, f)
			return nil, err
		}
	}
	e.spans = append(e.spans, s)
	err := t.tell(Prepare, s)
	if err == nil {
		err = t.tell(ToRoute, s)
	}
	if err != nil {
		t.leave(e, s)
		return nil, err
	}
	return s, nil
}

// leave is the counterpart of enter: the route goes first, so that no packet
// finds its way into KLIPS without an eroute there.
func (t *Table) leave(e *entry, s *span) {
	t.do(e, Undo, s)
	e.spans = slices.DeleteFunc(e.spans, func(other *span) bool { return other == s })
	if s.base && !slices.ContainsFunc(e.spans, func(other *span) bool { return other.base && other.flow == s.flow }) {
		t.withdraw(e, s.flow)
	}
}

func (t *Table) withdraw(e *entry, f klips.Selector) {
	if err := t.delBase(e, f); err != nil {
		t.report(e, pluto.RCLogSerious, pluto.Pending, "failed to take back its eroute, which is tried again: %v", err)
	}
}

// tell has updown do something for a span.
func (t *Table) tell(verb Verb, s *span) error {
	return t.config.Updown.Do(verb, s.conn, s.flow, s.virtual, t)
}

// do tells updown; what fails is reported.
func (t *Table) do(e *entry, verb Verb, s *span) {
	if err := t.tell(verb, s); err != nil {
		t.report(e, pluto.RCLogSerious, pluto.Pending, "updown %s: %v", verb, err)
	}
}

// unroute takes the flows of e back.
func (t *Table) unroute(e *entry) {
	for _, s := range slices.Clone(e.spans) {
		if s.base {
			t.leave(e, s)
		}
	}
}

// Unroute lets the packets of a connection leave as if it were not there. The
// error is an *Error.
func (t *Table) Unroute(name string) error {
	list, err := t.named(name)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range list {
		if len(e.bundles) > 0 || e.inherits > 0 {
			errs = append(errs, refuse(pluto.RCRouteBusy, "cannot unroute %s: route busy, take it down first", e.subject()))
			continue
		}
		e.asked, e.wanted = false, false
		if !e.retry.IsZero() || t.busy(e) { // nothing is to come up behind the back of whoever unroutes
			t.end(e)
		}
		t.unroute(e)
	}
	return first(errs)
}

// over returns the span that f is part of, which is made where there is none.
func (t *Table) over(e *entry, f klips.Selector) (*span, error) {
	for _, s := range e.spans {
		if s.virtual == e.virtual && within(f, s.flow) {
			return s, nil
		}
	}
	return t.enter(e, f, false)
}

// up notes that one more Child SA carries packets of f.
func (t *Table) up(e *entry, f klips.Selector) (*span, error) {
	s, err := t.over(e, f)
	if err != nil {
		return nil, err
	}
	if s.users == 0 {
		err = t.tell(ToUp, s)
	}
	if err != nil && !s.base && s.users == 0 {
		t.leave(e, s)
	}
	if err != nil {
		return nil, err
	}
	s.users++
	return s, nil
}

// down is the counterpart of up.
func (t *Table) down(e *entry, s *span) {
	if s.users--; s.users > 0 {
		return
	}
	t.do(e, ToDown, s)
	if !s.base {
		t.leave(e, s)
	}
}
