package connection

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"ipsec/klips"
	"ipsec/klips/said"
)

// bears reports whether Pluto made an eroute: those set by hand name nobody. A
// %hold is KLIPS's own, which ends it.
func bears(e klips.Eroute) bool {
	return e.Ident[0] != "" && e.Ident[1] != "" && e.Shunt() != klips.ShuntHold
}

// Adopt takes stock of what an earlier worker has left in the kernel: the SAs
// that carry packets go on doing so, for as long as they live, until others take
// their place. It comes before connections are loaded, and Resync after they are.
func (t *Table) Adopt() error {
	eroutes, err := t.config.Kernel.ListEroutes()
	if err != nil {
		return fmt.Errorf("failed to read the eroutes: %w", err)
	}
	for _, e := range eroutes {
		if !bears(e) {
			continue
		}
		f := masked(e.Selector)
		if t.slots[f] != nil {
			continue
		}
		s := t.slot(f)
		s.set = way{e.SAID, e.Ident}
		if e.Shunt() == klips.ShuntNone {
			s.orphan = e.SAID
			t.orphans[s.orphan] = append(t.orphans[s.orphan], f)
		}
	}
	return nil
}

// Adopted implements pluto.Connections.
func (t *Table) Adopted(remote netip.Addr) bool {
	for id := range t.orphans {
		if id.Dst == remote {
			return true
		}
	}
	return false
}

// dropOrphan withdraws the say that an earlier worker's SA has in a flow, and lets
// it go with the last one. Those of the other direction go with the next Resync,
// as packets may still come by them.
func (t *Table) dropOrphan(f klips.Selector, s *slot) {
	id := s.orphan
	if id == (said.SAID{}) {
		return
	}
	s.orphan = said.SAID{}
	if s.heir != nil {
		s.heir.inherits--
		s.heir = nil
	}
	t.resync = t.now().Add(remainTime)
	t.schedule(t.resync)
	if i := slices.Index(t.orphans[id], f); i >= 0 {
		t.orphans[id] = slices.Delete(t.orphans[id], i, i+1)
	}
	if len(t.orphans[id]) > 0 {
		return
	}
	delete(t.orphans, id)
	group := []said.SAID{id}
	if sa, err := t.config.Kernel.GetSA(id); err == nil && len(sa.Group) > 0 {
		group = sa.Group
	}
	t.discard(group...)
}

// disinherit takes the flows of e from the SAs of an earlier worker.
func (t *Table) disinherit(e *entry) {
	if e.inherits == 0 {
		return
	}
	for _, id := range slices.SortedFunc(maps.Keys(t.orphans), said.SAID.Compare) {
		for _, f := range slices.Clone(t.orphans[id]) {
			if s := t.slots[f]; s.heir == e {
				t.dropOrphan(f, s)
				t.settle(f) // which schedules itself where it fails
			}
		}
	}
}

// claim returns whether a connection may go on by an SA to peer for f, and which,
// but where that was an instance.
func (t *Table) claim(f klips.Selector, peer netip.Addr) (heir *entry, ok bool) {
	for local := range t.ours {
		for _, e := range t.between(pair{local, peer}) {
			if slices.ContainsFunc(e.flows, func(own klips.Selector) bool { return within(f, own) }) {
				return e, true
			}
		}
		for _, e := range t.between(pair{local: local}) { // whose instance it was
			src := slices.ContainsFunc(clients(e.conn.Local, e.conn.Remote, false), func(own netip.Prefix) bool { return own.Contains(f.Src.Addr()) })
			dst := slices.ContainsFunc(e.conn.Remote.Clients, func(net netip.Prefix) bool { return net.Contains(f.Dst.Addr()) })
			if isTemplate(e.conn) && src && (dst || len(e.conn.Remote.Clients) == 0) {
				return nil, true
			}
		}
	}
	return nil, false
}

// inherit has what is left of an earlier worker go on, or go. The connections
// that go on are negotiated anew, since nobody can rekey what they have, and their
// peers will notice that the IKE SA is dead.
func (t *Table) inherit(f klips.Selector, s *slot, there bool) {
	heir, claimed := t.claim(f, s.orphan.Dst)
	switch {
	case !there || s.set.id != s.orphan || !claimed:
		t.dropOrphan(f, s)
	case heir != nil && s.heir == nil:
		s.heir = heir
		if heir.inherits++; heir.inherits == 1 && len(heir.bundles) == 0 && !t.busy(heir) && heir.retry.IsZero() {
			t.again(heir, time.Duration(len(t.timed))*inheritGap)
		}
	}
}

// Resync compares the table with what the kernel has, after the events of KLIPS
// were cut off or a worker has started again. SAs that the kernel has lost are
// negotiated anew, eroutes are mended, and what Pluto has made and nobody owns
// is taken away; what was set by hand stays.
func (t *Table) Resync() error {
	eroutes, err := t.config.Kernel.ListEroutes()
	if err != nil {
		return fmt.Errorf("failed to read the eroutes: %w", err)
	}
	sas, err := t.config.Kernel.ListSAs()
	if err != nil {
		return fmt.Errorf("failed to read the SAs: %w", err)
	}
	there := map[said.SAID]bool{}
	for _, sa := range sas {
		there[sa.ID] = true
	}
	found := map[klips.Selector]way{}
	for _, e := range eroutes {
		found[masked(e.Selector)] = way{e.SAID, e.Ident}
		if f := masked(e.Selector); bears(e) && t.slots[f] == nil {
			t.slot(f) // which settles by going
		}
	}
	peers := map[netip.Addr]bool{} // with whom an earlier worker's SAs go on
	for _, f := range slices.SortedFunc(maps.Keys(t.slots), compare) {
		s := t.slots[f]
		s.set = found[f]
		if s.orphan != (said.SAID{}) {
			t.inherit(f, s, there[s.orphan])
		}
		if s.orphan != (said.SAID{}) {
			peers[s.orphan.Dst] = true
		}
	}
	for _, b := range t.inOrder() {
		if slices.ContainsFunc(slices.Concat(b.in, b.out), func(id said.SAID) bool { return !there[id] }) {
			t.gone(b)
		}
	}
	for _, f := range slices.SortedFunc(maps.Keys(t.slots), compare) {
		t.settle(f) // which schedules itself where it fails
	}
	for _, sa := range sas {
		if mine(sa) && t.owned[sa.ID] == nil && !peers[sa.Src] && !peers[sa.ID.Dst] {
			t.discard(sa.ID)
		}
	}
	return nil
}

// inOrder returns the bundles, the older ones first.
func (t *Table) inOrder() []*bundle {
	return slices.SortedFunc(maps.Values(t.bundles), func(a, b *bundle) int { return a.child.Serial - b.child.Serial })
}
