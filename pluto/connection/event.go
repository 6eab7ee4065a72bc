package connection

import (
	"slices"

	"ipsec/klips"
	"ipsec/klips/said"
)

// Event takes an event of KLIPS.
func (t *Table) Event(ev klips.Event) {
	switch ev := ev.(type) {
	case klips.Acquire:
		t.acquire(ev)
	case klips.Expire:
		t.expire(ev)
	case klips.NewMapping:
		if b := t.owned[ev.ID]; b != nil && t.ikev2 != nil {
			t.ikev2.Moved(b.child, ev.New)
		}
	}
}

// acquire negotiates the connection whose trap a packet has met, unless that is
// under way. After a failure packets wait as long as anybody else.
func (t *Table) acquire(ev klips.Acquire) {
	s := t.slots[masked(ev.Trap)]
	if s == nil || len(s.bases) == 0 {
		return
	}
	e := s.base()
	switch next := e.errAt.Add(e.pause()); {
	case e.conn == nil || isShunt(e.conn) || t.busy(e) || !e.retry.IsZero():
	case e.tries > 0 && t.now().Before(next):
		e.retry = next
		t.at(e, next)
	default:
		packet := masked(ev.Packet)
		t.look(e)
		t.start(e, &packet)
	}
}

// expire has an SA that is near its end replaced. One that is past it has
// nobody's packets any more.
func (t *Table) expire(ev klips.Expire) {
	b := t.owned[ev.ID]
	switch {
	case b == nil && ev.Hard:
		t.lose(ev.ID)
	case b == nil:
	case ev.Hard:
		t.gone(b)
	case b.child.Conn.Rekey && t.ikev2 != nil:
		t.ikev2.Rekey(b.child)
	}
}

// gone notes that the kernel has lost an SA of b: its flows are trapped, and it
// is negotiated anew.
func (t *Table) gone(b *bundle) {
	if b.gone {
		return
	}
	b.gone = true
	t.rest(b)
	if t.ikev2 != nil {
		b.entry.busy = t.now() // packets that meet the trap meanwhile ask for nothing more
		t.ikev2.Rekey(b.child)
	}
}

// lose notes that an SA which an earlier worker has left is no more.
func (t *Table) lose(id said.SAID) {
	for _, f := range slices.Clone(t.orphans[id]) {
		s := t.slots[f]
		t.dropOrphan(f, s)
		t.settle(f)
		if len(s.bases) > 0 && s.base().wanted {
			t.again(s.base(), 0)
		}
	}
}
