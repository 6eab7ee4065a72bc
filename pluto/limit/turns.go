package limit

import (
	"net/netip"
	"slices"
)

// Turns lets so many at a time go on with each address. The others wait, in the order in which they came.
type Turns[T comparable] struct {
	most int
	with map[netip.Addr]*turns[T]
}

type turns[T comparable] struct{ on, waiting []T }

// NewTurns returns Turns for so many at a time.
func NewTurns[T comparable](most int) *Turns[T] {
	return &Turns[T]{most: most, with: map[netip.Addr]*turns[T]{}}
}

// Enter reports whether it is v's turn with an address. If not, it waits for it.
func (t *Turns[T]) Enter(with netip.Addr, v T) bool {
	q := t.with[with]
	if q == nil {
		q = &turns[T]{}
		t.with[with] = q
	}
	if len(q.on) >= t.most {
		q.waiting = append(q.waiting, v)
		return false
	}
	q.on = append(q.on, v)
	return true
}

// Leave takes v out, and returns whose turn it is now, if there is anybody.
func (t *Turns[T]) Leave(with netip.Addr, v T) (next T, ok bool) {
	q := t.with[with]
	if q == nil {
		return next, false
	}
	if i := slices.Index(q.on, v); i >= 0 {
		q.on = slices.Delete(q.on, i, i+1)
		if ok = len(q.waiting) > 0; ok {
			next = q.waiting[0]
			q.waiting = slices.Delete(q.waiting, 0, 1)
			q.on = append(q.on, next)
		}
	} else if i := slices.Index(q.waiting, v); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
	if len(q.on) == 0 {
		delete(t.with, with)
	}
	return next, ok
}
