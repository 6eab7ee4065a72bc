package ikev2

import (
	"container/heap"
	"math"
	"time"
)

// deadline is what an alarm can wake its owner for.
type deadline uint8

const (
	atRetransmit deadline = iota // of an IKE SA: the request under way has no answer
	atLiveness                   // see whether the peer lives
	atKeepalive                  // keep a NAT's mapping
	atRekey                      // of both: make anew
	atExpire                     // of both: the end; of a half-open SA, too
	atRetry                      // of an IKE SA: ask again what the peer could not do
	atUnique                     // of an IKE SA: see whether there is another like it
	atLinger                     // of an IKE SA: forget the last answer; of a child: see child.lingered
	deadlines
)

// An alarm wakes its owner at the earliest of its deadlines. It stands in the
// Machine's heap while it has any, so that ten thousand SAs cost no goroutine
// and no timer of the runtime.
type alarm struct {
	owner interface {
		due(m *Machine, what deadline)
	}
	at     [deadlines]int64 // in nanoseconds since 1970; 0: not set
	next   int64            // the earliest
	serial int              // breaks ties, so that a seed replays
	index  int              // in the heap, from 1 on; 0: not there
}

// set makes the alarm ring at t for what; the zero time takes that back.
func (m *Machine) set(a *alarm, what deadline, t time.Time) {
	at := int64(0)
	if !t.IsZero() {
		at = max(t.UnixNano(), 1)
	}
	if a.at[what] == at {
		return
	}
	a.at[what] = at
	m.arrange(a)
}

// after is set, for d from now.
func (m *Machine) after(a *alarm, what deadline, d time.Duration) { m.set(a, what, m.now.Add(d)) }

// silence takes back all of an alarm's deadlines.
func (m *Machine) silence(a *alarm) {
	a.at = [deadlines]int64{}
	m.arrange(a)
}

func (m *Machine) arrange(a *alarm) {
	a.next = math.MaxInt64
	for _, at := range a.at {
		if at != 0 {
			a.next = min(a.next, at)
		}
	}
	switch {
	case a.next == math.MaxInt64 && a.index > 0:
		heap.Remove(&m.alarms, a.index-1)
	case a.next == math.MaxInt64:
	case a.index > 0:
		heap.Fix(&m.alarms, a.index-1)
	default:
		heap.Push(&m.alarms, a)
	}
}

// when returns the deadline, the zero time if it is not set.
func (a *alarm) when(what deadline) time.Time {
	if a.at[what] == 0 {
		return time.Time{}
	}
	return time.Unix(0, a.at[what])
}

// Next is that of pluto.Negotiator.
func (m *Machine) Next() (time.Time, bool) {
	if len(m.alarms) == 0 {
		return time.Time{}, false
	}
	return time.Unix(0, m.alarms[0].next), true
}

// Tick is that of pluto.Negotiator.
func (m *Machine) Tick() {
	m.enter()
	now := m.now.UnixNano()
	for len(m.alarms) > 0 && m.alarms[0].next <= now {
		a := m.alarms[0]
		for what, at := range a.at {
			if at != 0 && at <= now && a.at[what] == at {
				m.set(a, deadline(what), time.Time{})
				a.owner.due(m, deadline(what))
			}
		}
	}
	m.tellOmitted(&m.limiter)
	m.tellOmitted(&m.known)
}

// alarms is a heap by the next deadline.
type alarms []*alarm

func (h alarms) Len() int { return len(h) }
func (h alarms) Less(i, j int) bool {
	if h[i].next != h[j].next {
		return h[i].next < h[j].next
	}
	return h[i].serial < h[j].serial
}
func (h alarms) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i+1, j+1
}
func (h *alarms) Push(x any) {
	a := x.(*alarm)
	*h = append(*h, a)
	a.index = len(*h)
}
func (h *alarms) Pop() any {
	last := len(*h) - 1
	a := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	a.index = 0
	return a
}
