package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"ipsec/klips"
)

// counters count dropped packets by reason.
type counters struct {
	drops [klips.DropReasons]atomic.Uint64

	// Guarded by the engine's mu.
	logged [klips.DropReasons]uint64
	last   time.Time
}

func (c *counters) count(r klips.DropReason)      { c.drops[r].Add(1) }
func (c *counters) add(r klips.DropReason, n int) { c.drops[r].Add(uint64(n)) }
func (c *counters) get(r klips.DropReason) uint64 { return c.drops[r].Load() }

// tally counts the packets that a physical interface has lost since it last did.
func (a *attachment) tally(c *counters) {
	w, ok := a.wire.(Overflower)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := w.Overflows(); n > a.overflows {
		c.add(klips.DropLate, int(n-a.overflows))
		a.overflows = n
	}
}

// tally does so for all physical interfaces.
func (e *Engine) tally() {
	e.mu.RLock()
	list := slices.Collect(maps.Values(e.attached))
	e.mu.RUnlock()
	for _, a := range list {
		a.tally(&e.stats)
	}
}

// logInterval is the least time between two lines about dropped packets.
const logInterval = time.Minute

// report says how many packets were dropped since it last did, or "".
func (c *counters) report(now time.Time) string {
	if now.Sub(c.last) < logInterval {
		return ""
	}
	var parts []string
	for r := range klips.DropReasons {
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
