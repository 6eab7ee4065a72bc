// Package plutotest is a world for Plutos to be tested in: a clock that jumps, a
// network that loses, doubles, delays and reorders, rewrites addresses as a NAT
// does, and connections over a kernel of maps. All of it follows from one seed.
package plutotest

import (
	"io"
	"math/rand/v2"
	"time"
)

// Clock is a pluto.Clock that stands still until it is moved.
type Clock struct{ now time.Time }

// NewClock returns a clock that shows the first second of 2030.
func NewClock() *Clock { return &Clock{time.Unix(1893456000, 0)} }

// Now implements pluto.Clock.
func (c *Clock) Now() time.Time { return c.now }

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) { c.now = c.now.Add(d) }

// to moves the clock to t, never back.
func (c *Clock) to(t time.Time) {
	if t.After(c.now) {
		c.now = t
	}
}

// Random returns bytes that follow from a seed and a name.
func Random(seed uint64, name string) io.Reader {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	copy(key[8:], name)
	return rand.NewChaCha8(key)
}
