package connection

import (
	"slices"
	"time"

	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/pluto"
)

// hearing is how long the peer may take to hear of a Child SA that it has asked
// for and that we have answered. Until then packets go on by the one before, if
// there is one: the peer would drop those of an SA that it has not set yet.
const hearing = time.Second

// carried reports whether an SA carries packets of b's flows.
func (t *Table) carried(b *bundle) bool {
	return slices.ContainsFunc(b.flows, func(f klips.Selector) bool {
		s := t.slots[f]
		return s != nil && t.target(s).id.Proto != said.INT && t.target(s) != way{}
	})
}

// useLater has Tick use b, unless something makes that happen before.
func (t *Table) useLater(b *bundle) {
	b.from = t.now().Add(hearing)
	t.later = append(t.later, b)
	t.schedule(b.from)
}

// useDue uses what the peer has heard of by now.
func (t *Table) useDue() {
	now := t.now()
	t.later = slices.DeleteFunc(t.later, func(b *bundle) bool {
		switch {
		case t.bundles[b.child] != b || b.used || b.gone:
			return true
		case now.Before(b.from):
			t.schedule(b.from)
			return false
		}
		if err := t.use(b); err != nil {
			t.report(b.entry, pluto.RCLogSerious, pluto.Pending, "%v", err)
		}
		return true
	})
}
