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

// useDue uses what the peer has heard of by now, and what could not be used before.
func (t *Table) useDue() {
	now := t.now()
	due := t.later
	t.later = nil
	for _, b := range due {
		switch {
		case t.bundles[b.child] != b || b.used || b.gone:
		case now.Before(b.from):
			t.later = append(t.later, b)
			t.schedule(b.from)
		default:
			t.useOrLater(b)
		}
	}
}

// useOrLater uses b. What the kernel or updown refuses is reported, once, and tried again until
// it works: after a second, then twice that, and so on up to a minute, since updown may be slow to fail.
func (t *Table) useOrLater(b *bundle) {
	err := t.use(b)
	if err == nil {
		b.refused = 0
		return
	}
	if b.refused == 0 {
		t.report(b.entry, pluto.RCLogSerious, pluto.Pending, "%v; it is tried again", err)
	}
	b.from = t.now().Add(min(mendTime<<min(b.refused, 10), lastRetry))
	b.refused++
	if !slices.Contains(t.later, b) {
		t.later = append(t.later, b)
	}
	t.schedule(b.from)
}
