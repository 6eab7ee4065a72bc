package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A reason is why a packet was dropped.
type reason int

const (
	dropMalformed reason = iota
	dropNoEroute
	dropShunt
	dropHeld
	dropFragment
	dropNoSA
	dropSA
	dropReplay
	dropAuth
	dropPolicy
	dropCongestion
	dropTooBig
	dropWire
	dropDevice
	dropRead
	dropLate
	reasons
)

func (r reason) String() string {
	return [...]string{
		"malformed", "without an eroute", "stopped by a %drop, %reject or %hold", "of flows that wait for an SA",
		"fragments whose flow cannot be told", "without an SA", "that their SA could not carry", "replayed", "not authentic",
		"against the inbound policy", "marked as congested that cannot be", "too big", "refused by the physical interface",
		"refused by the virtual interface", "lost to errors of a socket", "that came faster than they were read",
	}[r]
}

// counters count dropped packets by reason.
type counters struct {
	drops [reasons]atomic.Uint64

	// Guarded by the engine's mu.
	logged [reasons]uint64
	last   time.Time
}

func (c *counters) count(r reason)      { c.drops[r].Add(1) }
func (c *counters) add(r reason, n int) { c.drops[r].Add(uint64(n)) }
func (c *counters) get(r reason) uint64 { return c.drops[r].Load() }

// tally counts the packets that a physical interface has lost since it last did.
func (a *attachment) tally(c *counters) {
	w, ok := a.wire.(Overflower)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := w.Overflows(); n > a.overflows {
		c.add(dropLate, int(n-a.overflows))
		a.overflows = n
	}
}

// tally counts it of all of them.
func (e *Engine) tally() {
	e.mu.RLock()
	list := slices.Collect(maps.Values(e.attached))
	e.mu.RUnlock()
	for _, a := range list {
		a.tally(&e.stats)
	}
}

// logInterval is how often dropped packets are told of, at most.
const logInterval = time.Minute

// report says how many packets were dropped since it last did, or "".
func (c *counters) report(now time.Time) string {
	if now.Sub(c.last) < logInterval {
		return ""
	}
	var parts []string
	for r := range reasons {
		n := c.get(r)
		if n > c.logged[r] {
			parts = append(parts, fmt.Sprintf("%d %s", n-c.logged[r], r))
			c.logged[r] = n
		}
	}
	if parts == nil {
		return ""
	}
	c.last = now
	return "dropped packets: " + strings.Join(parts, ", ")
}

// A limiter lets a number of events a second through, and bursts of as many.
type limiter struct {
	left int
	from time.Time
}

const answersPerSecond = 100

func (l *limiter) allow(now time.Time) bool {
	if now.Sub(l.from) >= time.Second {
		l.from, l.left = now, answersPerSecond
	}
	if l.left == 0 {
		return false
	}
	l.left--
	return true
}
