package sadb

import (
	"math"
	"time"

	"ipsec/klips/esp"
	"ipsec/klips/said"
)

// A Run is what a batch of packets has been granted of an ESP SA: sequence
// numbers and IVs that nobody else gets. It is for one goroutine at a time, and
// must not be copied and then used twice. Numbers that are left of it are never sent.
type Run struct {
	sa   *SA
	ivs  esp.IVs
	next uint64
	left int
}

// Left returns how many packets the run is still good for.
func (r *Run) Left() int { return r.left }

// Seal encrypts payload, of protocol next, behind dst as esp.Transform.Seal does,
// under the next sequence number of the run; it takes no lock. The error is
// esp.ErrSequence where none is left.
func (r *Run) Seal(w *esp.Scratch, dst, payload []byte, next uint8) ([]byte, error) {
	if r.left == 0 {
		return nil, esp.ErrSequence
	}
	seq := r.next
	r.left--
	r.next++
	packet, err := r.sa.esp.Seal(w, &r.ivs, dst, payload, next, seq)
	if err != nil {
		r.sa.uncount(len(payload))
	}
	return packet, err
}

// Reserve counts the packets of a batch and grants a run for them. It grants
// fewer, one at least, where the hard lifetime or the sequence numbers end within
// the batch. A run that brought the SA to its end is good for as many as it says.
func (sa *SA) Reserve(b Batch, now time.Time) (Run, State, error) {
	if !sa.is(said.ESP) {
		return Run{}, Dead, ErrDead
	}
	sa.mu.Lock()
	run, state, err := sa.reserve(b, now)
	sa.mu.Unlock()
	return run, state, err
}

// reserve implements Reserve. The caller holds mu.
func (sa *SA) reserve(b Batch, now time.Time) (Run, State, error) {
	seq, n, state, err := sa.take(b, now)
	var ivs esp.IVs
	if err == nil {
		if ivs, err = sa.esp.TakeIVs(n); err != nil {
			sa.dead, state = true, Hard
		}
	}
	if err != nil {
		return Run{}, state, err
	}
	return Run{sa, ivs, seq, n}, state, nil
}

// take counts what it can of a batch and returns how many packets that is, and
// the first of their sequence numbers. The caller holds mu.
func (sa *SA) take(b Batch, now time.Time) (seq uint64, n int, state State, err error) {
	if sa.dead {
		return 0, 0, Dead, ErrDead
	}
	left := math.MaxUint32 - sa.seq
	if sa.Config.ESN {
		left = math.MaxUint64 - sa.seq
	}
	if left == 0 {
		sa.dead = true
		return 0, 0, Hard, esp.ErrSequence
	}
	b = sa.allowed(b.first(int(min(uint64(b.Count), left))), now)
	seq = sa.seq + 1
	sa.seq += uint64(b.Count)
	return seq, b.Count, sa.count(b, now), nil
}

// Seal encrypts one payload as a run of one does.
func (sa *SA) Seal(w *esp.Scratch, dst, payload []byte, next uint8, now time.Time) ([]byte, State, error) {
	return sa.seal(nil, w, dst, payload, next, now)
}

// seal implements Seal, for a line if there is one.
func (sa *SA) seal(l *Line, w *esp.Scratch, dst, payload []byte, next uint8, now time.Time) ([]byte, State, error) {
	if !sa.is(said.ESP) {
		return nil, Dead, ErrDead
	}
	sa.mu.Lock()
	if l != nil {
		l.join(sa)
	}
	run, state, err := sa.reserve(One(len(payload)), now)
	sa.mu.Unlock()
	if err != nil {
		return nil, state, err
	}
	packet, err := run.Seal(w, dst, payload, next)
	return packet, state, err
}

// Protect puts an AH into the IP packet at buf[at:] as ah.Transform.Protect
// does, under the next sequence number.
func (sa *SA) Protect(buf []byte, at int, now time.Time) ([]byte, State, error) {
	return sa.protect(nil, buf, at, now)
}

// protect implements Protect, for a line if there is one.
func (sa *SA) protect(l *Line, buf []byte, at int, now time.Time) ([]byte, State, error) {
	if !sa.is(said.AH) {
		return nil, Dead, ErrDead
	}
	size := len(buf) - at
	sa.mu.Lock()
	if l != nil {
		l.join(sa)
	}
	seq, _, state, err := sa.take(One(size), now)
	sa.mu.Unlock()
	if err != nil {
		return nil, state, err
	}
	packet, err := sa.ah.Protect(buf, at, seq)
	if err != nil {
		sa.uncount(size)
	}
	return packet, state, err
}

// uncount counts a packet of size bytes as one that could not be protected. Its
// sequence number is lost.
func (sa *SA) uncount(size int) {
	sa.mu.Lock()
	sa.usage.packets--
	sa.usage.bytes -= uint64(size)
	sa.usage.otherErrors++
	sa.mu.Unlock()
}

// Compress appends the IPCOMP form of payload to dst; false means that the
// payload goes as it is.
func (sa *SA) Compress(dst, payload []byte, next uint8, now time.Time) ([]byte, State, bool) {
	if sa.comp == nil {
		return nil, Dead, false
	}
	_, state := sa.PassAll(One(len(payload)), now)
	if state == Dead {
		return nil, Dead, false
	}
	packet, ok := sa.comp.Compress(dst, payload, next)
	return packet, state, ok
}

// PassAll counts a batch of packets through an SA that does nothing to them,
// a tunnel, and returns how many may pass: fewer where the hard lifetime ends
// within the batch, and none of one that is dead.
func (sa *SA) PassAll(b Batch, now time.Time) (int, State) {
	n, state := 0, Dead
	sa.mu.Lock()
	if !sa.dead {
		b = sa.allowed(b, now)
		n, state = b.Count, sa.count(b, now)
	}
	sa.mu.Unlock()
	return n, state
}

// Pass is like PassAll, for one packet of size bytes.
func (sa *SA) Pass(size int, now time.Time) State {
	_, state := sa.PassAll(One(size), now)
	return state
}

// is reports whether the SA has the keys of ESP, or of AH.
func (sa *SA) is(proto said.Proto) bool {
	return sa.protection != nil && sa.Config.ID.Proto == proto
}

// Room returns how long a payload may be for what the SA makes of it to fit room
// bytes in a packet of IPv4 or IPv6; it is negative where none fits.
func (sa *SA) Room(room int, ipv6 bool) int {
	switch {
	case sa.is(said.ESP):
		return sa.esp.MaxPayload(room)
	case sa.is(said.AH):
		return room - sa.ah.HeaderLen(ipv6)
	}
	return room
}

// HeaderLen returns how far before a payload the ESP packet starts, in bytes.
func (sa *SA) HeaderLen() int {
	if !sa.is(said.ESP) {
		return 0
	}
	return sa.esp.HeaderLen()
}

// Len returns how long the ESP packet of a payload of n bytes is; the SA must be one of ESP.
func (sa *SA) Len(n int) int { return sa.esp.Len(n) }
