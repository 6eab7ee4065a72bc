// Package alarm keeps the deadlines of many owners in one heap, so that ten
// thousand SAs cost no goroutine and no timer of the runtime. It has no clock of
// its own: who asks what is due brings the time.
package alarm

import (
	"container/heap"
	"math"
	"time"
)

// Kinds is how many kinds of deadline an owner may have: 0 to Kinds-1.
const Kinds = 8

// Alarm is the deadlines of one owner, one of each kind at most. Its zero value has
// none; Owner and Serial are set before the first.
type Alarm[O any] struct {
	Owner  O
	Serial int // of two alarms that are due at once, the lower one comes first

	at    [Kinds]int64 // in nanoseconds since 1970; 0: not set
	next  int64        // the earliest
	index int          // in the heap, from 1 on; 0: not there
}

// When returns a deadline, and the zero time if it is not set.
func (a *Alarm[O]) When(kind uint8) time.Time {
	if a.at[kind] == 0 {
		return time.Time{}
	}
	return time.Unix(0, a.at[kind])
}

// Queue is the alarms that have deadlines, the earliest first. Its zero value is
// empty and ready. It is not for concurrent use.
type Queue[O any] struct{ heap order[O] }

// Set sets a deadline; the zero time takes it back.
func (q *Queue[O]) Set(a *Alarm[O], kind uint8, t time.Time) {
	at := int64(0)
	if !t.IsZero() {
		at = max(t.UnixNano(), 1)
	}
	if a.at[kind] == at {
		return
	}
	a.at[kind] = at
	q.arrange(a)
}

// Clear takes back all deadlines of an alarm.
func (q *Queue[O]) Clear(a *Alarm[O]) {
	a.at = [Kinds]int64{}
	q.arrange(a)
}

func (q *Queue[O]) arrange(a *Alarm[O]) {
	a.next = math.MaxInt64
	for _, at := range a.at {
		if at != 0 {
			a.next = min(a.next, at)
		}
	}
	switch {
	case a.next == math.MaxInt64 && a.index > 0:
		heap.Remove(&q.heap, a.index-1)
	case a.next == math.MaxInt64:
	case a.index > 0:
		heap.Fix(&q.heap, a.index-1)
	default:
		heap.Push(&q.heap, a)
	}
}

// Next returns the earliest deadline; false when none is set.
func (q *Queue[O]) Next() (time.Time, bool) {
	if len(q.heap) == 0 {
		return time.Time{}, false
	}
	return time.Unix(0, q.heap[0].next), true
}

// Ring takes back each deadline that has come by now and calls due for it, also for
// those that due itself sets. The alarm with the earliest one comes first, with all that
// is due of it.
func (q *Queue[O]) Ring(now time.Time, due func(owner O, kind uint8)) {
	t := now.UnixNano()
	for len(q.heap) > 0 && q.heap[0].next <= t {
		a := q.heap[0]
		for kind, at := range a.at {
			if at != 0 && at <= t && a.at[kind] == at { // and due has not moved it meanwhile
				q.Set(a, uint8(kind), time.Time{})
				due(a.Owner, uint8(kind))
			}
		}
	}
}

// order implements heap.Interface, by the next deadline.
type order[O any] []*Alarm[O]

func (h order[O]) Len() int { return len(h) }

func (h order[O]) Less(i, j int) bool {
	if h[i].next != h[j].next {
		return h[i].next < h[j].next
	}
	return h[i].Serial < h[j].Serial
}

func (h order[O]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i+1, j+1
}

func (h *order[O]) Push(x any) {
	a := x.(*Alarm[O])
	*h = append(*h, a)
	a.index = len(*h)
}

func (h *order[O]) Pop() any {
	last := len(*h) - 1
	a := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	a.index = 0
	return a
}
