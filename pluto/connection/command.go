package connection

import (
	"slices"
	"time"

	"ipsec/klips"
	"ipsec/pluto"
)

// Initiate brings a connection up: reports tell how that ends. Its packets are
// trapped first. One that is not oriented yet is brought up as soon as it is. The
// error is an *Error.
func (t *Table) Initiate(name string) error {
	list, err := t.named(name)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range list {
		errs = append(errs, t.initiate(e))
	}
	return first(errs)
}

func (t *Table) initiate(e *entry) error {
	c := e.subject()
	switch {
	case isShunt(c):
		return refuse(pluto.RCInitShunt, "cannot initiate %s: there is nothing to negotiate, its packets pass, drop or are rejected", c)
	case e.conn == nil:
		e.wanted = true
		return t.lost(e)
	case isTemplate(c):
		return refuse(pluto.RCNoPeer, "cannot initiate %s: it is for any peer, and which is not known before one comes", c)
	}
	e.wanted, e.tries = true, 0
	if err := t.route(e); err != nil {
		return err
	}
	if b := t.carrier(e); b != nil {
		e.retry = time.Time{}
		t.report(e, pluto.RCSuccess, pluto.Up, "is up already: IPsec SA #%d carries its packets", b.child.Serial)
		return nil
	}
	t.look(e)
	if !c.Remote.Host.Addr.IsValid() {
		return later(pluto.RCNoPeer, "cannot initiate %s yet: %s is not resolved", c, c.Remote.Host.Name)
	}
	t.start(e, nil)
	return nil
}

// carrier returns a Child SA that is up and carries all packets of e; nil for none. One that is
// being negotiated is none: to ask for it again is to wait for how that ends.
func (t *Table) carrier(e *entry) *bundle {
	for _, b := range e.bundles {
		if b.used && !b.gone && !slices.ContainsFunc(e.flows, func(f klips.Selector) bool { return !slices.Contains(b.flows, f) }) {
			return b
		}
	}
	return nil
}

// Terminate takes a connection down; its packets are trapped from then on, and
// only unroute lets them leave. The error is an *Error.
func (t *Table) Terminate(name string) error {
	list, err := t.named(name)
	if err != nil {
		return err
	}
	for _, e := range list {
		t.end(e)
		e.failing = false
		t.resettle(e)
		t.report(e, pluto.RCLog, pluto.Down, "terminating SAs of this connection")
	}
	return nil
}

// end takes down e and its instances, which go.
func (t *Table) end(e *entry) {
	for _, i := range slices.Clone(e.instances) {
		t.end(i)
		t.drop(i)
	}
	e.wanted, e.retry, e.tries = false, time.Time{}, 0
	if e.conn != nil && !isShunt(e.conn) && t.ikev2 != nil {
		t.ikev2.Terminate(e.conn)
	}
	for _, b := range slices.Clone(e.bundles) {
		t.Remove(b.child, pluto.DeletedHere)
	}
	t.disinherit(e)
	e.busy = time.Time{}
}

// Shutdown takes all SAs away, when the negotiator has been shut down. Packets stay
// trapped, and routed into KLIPS, until whoever ends the subsystem takes the routes back.
func (t *Table) Shutdown() {
	for _, e := range t.entries {
		for _, i := range append(slices.Clone(e.instances), e) {
			i.wanted = false
			for _, b := range slices.Clone(i.bundles) {
				t.Remove(b.child, pluto.DeletedHere)
			}
		}
	}
	t.mend()
}

// lost says why e is not oriented.
func (t *Table) lost(e *entry) error {
	_, _, why := t.side(e.loaded)
	if why == "" {
		why = "IKE is not spoken on any address yet"
	}
	return later(pluto.RCOrient, "%s: %s", e.loaded, why)
}
