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

// Check returns what time has made of the SA.
func (sa *SA) Check(now time.Time) State {
	sa.mu.Lock()
	defer sa.mu.Unlock()
	if sa.dead {
		return Dead
	}
	return sa.state(now)
}

// count counts the packets of a batch, which are all allowed, and returns what they
// have brought the SA to. The caller holds mu, and the SA is not dead.
func (sa *SA) count(b Batch, now time.Time) State {
	u := &sa.usage
	u.Packets += uint64(b.Count)
	u.Bytes += b.bytes()
	if u.FirstUse.IsZero() {
		u.FirstUse = now
	}
	u.Last = now
	return sa.state(now)
}

// allowed returns what of a batch there is until the hard lifetime is reached, the
// packet included that reaches it. The caller holds mu, and the SA is not dead.
func (sa *SA) allowed(b Batch, now time.Time) Batch {
	l, u := &sa.Config.Hard, &sa.usage
	if b.Count == 1 || *l == (klips.Lifetime{}) {
		return b
	}
	if sa.reached(l, now) {
		return b.first(1)
	}
	n := uint64(b.Count)
	if l.Packets != 0 {
		n = min(n, l.Packets-u.Packets)
	}
	if l.Allocations != 0 {
		n = min(n, uint64(l.Allocations)-u.Packets)
	}
	if size := uint64(b.Size); l.Bytes != 0 && size != 0 {
		n = min(n, (l.Bytes-u.Bytes+size-1)/size)
	}
	return b.first(int(n))
}

func (sa *SA) state(now time.Time) State {
	switch {
	case sa.reached(&sa.Config.Hard, now):
		sa.dead = true
		return Hard
	case sa.soft:
	case sa.reached(&sa.Config.Soft, now), !sa.Config.ESN && sa.seq > 1<<32-seqMargin:
		sa.soft = true
		return Soft
	}
	return Alive
}

func (sa *SA) reached(l *klips.Lifetime, now time.Time) bool {
	u := &sa.usage
	return l.Packets != 0 && u.Packets >= l.Packets ||
		l.Bytes != 0 && u.Bytes >= l.Bytes ||
		l.Allocations != 0 && u.Packets >= uint64(l.Allocations) ||
		l.AddTime != 0 && now.Sub(u.Added) >= l.AddTime ||
		l.UseTime != 0 && !u.FirstUse.IsZero() && now.Sub(u.FirstUse) >= l.UseTime
}
