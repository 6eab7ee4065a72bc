package sadb

import (
	"time"

	"ipsec/klips"
)

// A State is what an SA comes to by carrying a packet, or by time passing.
type State uint8

// The states of an SA. Soft and Hard are told once, when a lifetime is reached;
// a packet that reaches the hard one is the last.
const (
	Alive State = iota
	Soft
	Hard
	Dead
)

// seqMargin is how many sequence numbers are left when an SA without ESN asks
// to be replaced, since they never come round.
const seqMargin = 1 << 28

// A Batch is a number of packets that go through an SA together: each of Size
// bytes, but for the last, of Last bytes.
type Batch struct{ Count, Size, Last int }

// One returns the batch of one packet of size bytes.
func One(size int) Batch { return Batch{1, size, size} }

// first returns the first n packets of the batch.
func (b Batch) first(n int) Batch {
	if n < b.Count {
		return Batch{n, b.Size, b.Size}
	}
	return b
}

func (b Batch) bytes() uint64 { return uint64(b.Count-1)*uint64(b.Size) + uint64(b.Last) }

// Check returns the state of the SA at a time. It is quick for one without lifetimes,
// which is always Alive.
func (sa *SA) Check(now time.Time) State {
	if _, ok := sa.Config.lives(); !ok {
		return Alive
	}
	sa.mu.Lock()
	defer sa.mu.Unlock()
	if sa.dead {
		return Dead
	}
	return sa.state(now.Sub(sa.usage.added))
}

// Due returns when time alone can bring the SA to another lifetime, at the earliest,
// as it looks at now; the zero time where it never does.
func (sa *SA) Due(now time.Time) time.Time {
	lives, ok := sa.Config.lives()
	if !ok {
		return time.Time{}
	}
	sa.mu.Lock()
	defer sa.mu.Unlock()
	if sa.dead {
		return time.Time{}
	}
	first := sa.usage.first
	if sa.usage.packets == 0 {
		first = now.Sub(sa.usage.added) // it may be used at once
	}
	ages := []time.Duration{lives.hard.AddTime, lives.hard.UseTime, lives.soft.AddTime, lives.soft.UseTime}
	if sa.soft {
		ages = ages[:2]
	}
	var due time.Time
	for i, age := range ages {
		switch {
		case age == 0:
			continue
		case i%2 == 1:
			age += first
		}
		due = Earlier(due, sa.usage.added.Add(age))
	}
	return due
}

// Earlier returns the earlier of two times; the zero time is never.
func Earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// A usage is what an SA has done so far, as klips.Usage has it.
type usage struct {
	bytes, packets            uint64
	policyErrors, otherErrors uint64
	added                     time.Time
	first, last               time.Duration // since added; where there are packets
}

func (u *usage) read() klips.Usage {
	r := klips.Usage{Bytes: u.bytes, Packets: u.packets, Added: u.added, PolicyErrors: u.policyErrors, OtherErrors: u.otherErrors}
	if u.packets > 0 {
		r.FirstUse, r.Last = u.added.Add(u.first), u.added.Add(u.last)
	}
	return r
}

// reached reports whether the usage comes up to a lifetime at an age of the SA.
func (u *usage) reached(l *klips.Lifetime, age time.Duration) bool {
	return l.Packets != 0 && u.packets >= l.Packets ||
		l.Bytes != 0 && u.bytes >= l.Bytes ||
		l.Allocations != 0 && u.packets >= uint64(l.Allocations) ||
		l.AddTime != 0 && age >= l.AddTime ||
		l.UseTime != 0 && u.packets > 0 && age-u.first >= l.UseTime
}

// count counts the packets of a batch, which are all allowed, and returns what they
// have brought the SA to. The caller holds mu, and the SA is not dead.
func (sa *SA) count(b Batch, now time.Time) State {
	u := &sa.usage
	u.last = now.Sub(u.added)
	if u.packets == 0 {
		u.first = u.last
	}
	u.packets += uint64(b.Count)
	u.bytes += b.bytes()
	return sa.state(u.last)
}

// allowed returns what of a batch there is until the hard lifetime is reached, the
// packet included that reaches it. The caller holds mu, and the SA is not dead.
func (sa *SA) allowed(b Batch, now time.Time) Batch {
	lives, ok := sa.Config.lives()
	if b.Count == 1 || !ok {
		return b
	}
	l, u := &lives.hard, &sa.usage
	if u.reached(l, now.Sub(u.added)) {
		return b.first(1)
	}
	n := uint64(b.Count)
	if l.Packets != 0 {
		n = min(n, l.Packets-u.packets)
	}
	if l.Allocations != 0 {
		n = min(n, uint64(l.Allocations)-u.packets)
	}
	if size := uint64(b.Size); l.Bytes != 0 && size != 0 {
		n = min(n, (l.Bytes-u.bytes+size-1)/size)
	}
	return b.first(int(n))
}

// state says what the SA has come to at an age, and remembers that it did.
func (sa *SA) state(age time.Duration) State {
	l, limited := sa.Config.lives()
	if limited && sa.usage.reached(&l.hard, age) {
		sa.dead = true
		return Hard
	}
	if !sa.soft && (limited && sa.usage.reached(&l.soft, age) || sa.protection != nil && !sa.Config.ESN && sa.seq > 1<<32-seqMargin) {
		sa.soft = true
		return Soft
	}
	return Alive
}
