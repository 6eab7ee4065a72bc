package connection

import (
	"fmt"
	"slices"
	"time"

	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/pluto"
)

// Install implements pluto.Connections. A connection that was not routed is from
// then on, so that its packets are trapped when the SAs go. What fails is undone.
func (t *Table) Install(child *pluto.Child, use bool) error {
	e := t.owners[child.Conn]
	if e == nil {
		return fmt.Errorf("connection %s is no more", child.Conn)
	}
	if t.bundles[child] != nil {
		return fmt.Errorf("the SAs of #%d are set already", child.Serial)
	}
	b := &bundle{child: child, entry: e, replaces: child.Replaces, since: t.now()}
	for _, f := range child.Flows {
		b.flows = append(b.flows, masked(f))
	}
	if err := t.permit(b); err != nil {
		return &pluto.TrafficError{Text: err.Error()}
	}
	owner := e // of the flows, of which an instance is one for now
	if e.parent != nil {
		owner = e.parent
	}
	routed := t.routed(owner)
	if len(owner.flows) > 0 && !routed {
		if err := t.route(owner); err != nil {
			return err
		}
	}
	if err := t.install(b, use); err != nil {
		if !routed && !owner.asked && !owner.wanted {
			t.unroute(owner)
		}
		return err
	}
	e.busy, e.retry, e.idle, e.failing, e.tries, e.lastErr = time.Time{}, time.Time{}, time.Time{}, false, 0, ""
	t.resettle(e)
	return nil
}

// permit says what of the flows of b cannot be.
func (t *Table) permit(b *bundle) error {
	if len(b.flows) == 0 {
		return fmt.Errorf("the SAs of #%d carry no flow", b.child.Serial)
	}
	for _, f := range b.flows {
		if other := t.clash(b.child.Conn, f); other != nil {
			return fmt.Errorf("%s has %v -> %v already, with another peer", other, f.Src, f.Dst)
		}
		if err := t.trespass(b.child.Conn, f); err != nil {
			return err
		}
		if isVirtualHost(b.child.Conn.Remote) && !f.Dst.IsSingleIP() {
			return fmt.Errorf("the peer wants %v, and %s lets it have one host", f.Dst, b.child.Conn.Remote.Virtual)
		}
	}
	return nil
}

func (t *Table) install(b *bundle, use bool) error {
	err := t.set(b)
	switch {
	case err != nil || !use:
	case b.child.Answered && t.carried(b):
		t.useLater(b)
	default:
		err = t.use(b)
	}
	if err != nil {
		t.discard(b.out...)
		t.discard(b.in...)
		return err
	}
	t.bundles[b.child] = b
	if b.entry.parent != nil { // of others it is known what they may have
		t.claims.add(b.child.Conn, b.flows...)
	}
	b.entry.bundles = append(b.entry.bundles, b)
	for _, id := range slices.Concat(b.in, b.out) {
		t.owned[id] = b
	}
	return nil
}

// Use implements pluto.Connections. What fails is reported here, and tried again.
func (t *Table) Use(child *pluto.Child) error {
	b := t.bundles[child]
	if b == nil {
		return fmt.Errorf("there are no SAs of #%d", child.Serial)
	}
	if !b.gone {
		t.useOrLater(b)
	}
	return nil
}

// use sends the flows of b out by it. What fails is undone.
func (t *Table) use(b *bundle) error {
	if b.used {
		return nil
	}
	b.used = true
	for _, f := range b.flows {
		s := t.slot(f)
		s.users = append(s.users, b)
		err := t.settle(f)
		if err == nil {
			var s *span
			if s, err = t.up(b.entry, f); err == nil {
				b.spans = append(b.spans, s)
			}
		}
		if err != nil {
			t.rest(b)
			return fmt.Errorf("failed to send %v -> %v by it: %w", f.Src, f.Dst, err)
		}
	}
	return nil
}

// rest undoes use: the flows go back to whoever else has a say in them.
func (t *Table) rest(b *bundle) {
	b.used = false
	for _, s := range b.spans {
		t.down(b.entry, s)
	}
	b.spans = nil
	for _, f := range b.flows {
		if s := t.slots[f]; s != nil {
			s.users = slices.DeleteFunc(s.users, func(other *bundle) bool { return other == b })
		}
		if err := t.settle(f); err != nil {
			t.report(b.entry, pluto.RCLogSerious, pluto.Pending, "failed to trap %v -> %v, which drops: %v", f.Src, f.Dst, err)
		}
	}
}

// Remove implements pluto.Connections.
func (t *Table) Remove(child *pluto.Child, why pluto.Reason) {
	b := t.bundles[child]
	if b == nil {
		return
	}
	e := b.entry
	for _, other := range e.bundles { // the peer has not said that it knows of another SA, but has let go of this one
		if (other.replaces == child || !other.from.IsZero()) && other != b && !other.used && !other.gone {
			t.useOrLater(other)
		}
	}
	delete(t.bundles, child)
	if e.parent != nil {
		t.claims.remove(child.Conn, b.flows...)
	}
	e.bundles = slices.DeleteFunc(e.bundles, func(other *bundle) bool { return other == b })
	t.rest(b)
	t.discard(b.out...)
	t.discard(b.in...)
	if b.gone {
		e.busy = time.Time{}
	}
	if len(e.bundles) == 0 {
		t.after(e, why)
	}
}

// Move implements pluto.Connections. Packets go to another port at once. To
// another address they cannot go by the same SAs, since their sequence numbers
// would start again under the same keys: new ones are negotiated.
func (t *Table) Move(child *pluto.Child) error {
	b := t.bundles[child]
	if b == nil {
		return fmt.Errorf("there are no SAs of #%d", child.Serial)
	}
	in, out := b.in[len(b.in)-1], b.out[len(b.out)-1]
	if out.Dst != child.Remote || in.Dst != child.Local {
		if !slices.Contains(t.strayed, child) {
			t.strayed = append(t.strayed, child)
		}
		t.schedule(t.now())
		return nil
	}
	for id, encap := range map[said.SAID]klips.Encap{out: child.Encap, in: reversed(child.Encap)} {
		sa, err := t.config.Kernel.GetSA(id)
		if err == nil && sa.Encap != encap {
			sa.Encap = encap
			err = t.config.Kernel.UpdateSA(sa)
		}
		if err != nil {
			return fmt.Errorf("failed to move %s: %w", id, err)
		}
	}
	return nil
}

// Used implements pluto.Connections.
func (t *Table) Used(child *pluto.Child) time.Time {
	b := t.bundles[child]
	if b == nil {
		return time.Time{}
	}
	sa, err := t.config.Kernel.GetSA(b.in[len(b.in)-1])
	if err != nil {
		return time.Time{}
	}
	return sa.Usage.Last
}
