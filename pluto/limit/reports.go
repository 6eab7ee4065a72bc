// Package limit bounds what strangers can make Pluto say and keep, whatever version of IKE
// they speak.
package limit

import "time"

// Reports lets so many reports through at once, and one a second after, so that
// a flood of packets from nobody in particular does not become one of lines. Its zero
// value lets none through: Burst is set first.
type Reports struct {
	Burst int // how many in a row

	tokens  int
	filled  time.Time
	omitted int
}

// Allow reports whether one more report may be made; one that may not is counted.
func (r *Reports) Allow(now time.Time) bool {
	if r.filled.IsZero() {
		r.tokens, r.filled = r.Burst, now
	}
	if n := int(now.Sub(r.filled) / time.Second); n > 0 {
		r.tokens = min(r.Burst, r.tokens+n)
		r.filled = r.filled.Add(time.Duration(n) * time.Second)
	}
	if r.tokens == 0 {
		r.omitted++
		return false
	}
	r.tokens--
	return true
}

// Flooded reports whether reports are being left out.
func (r *Reports) Flooded() bool { return r.omitted > 0 }

// Omitted returns how many reports were left out, once that has come to an end, and
// begins to count anew; 0 before.
func (r *Reports) Omitted(now time.Time) int {
	if r.omitted == 0 || now.Sub(r.filled) < time.Second {
		return 0
	}
	n := r.omitted
	r.omitted = 0
	return n
}
