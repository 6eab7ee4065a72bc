package engine

import (
	"fmt"
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
	reasons
)

func (r reason) String() string {
	return [...]string{
		"malformed", "without an eroute", "stopped by a %drop, %reject or %hold", "of flows that wait for an SA",
		"fragments whose flow cannot be told", "without an SA", "that their SA could not carry", "replayed", "not authentic",
		"against the inbound policy", "marked as congested that cannot be", "too big", "refused by the physical interface",
		"refused by the virtual interface", "lost to errors of a socket",
	}[r]
}

// counters count dropped packets by reason.
type counters struct {
	drops  [reasons]atomic.Uint64
	logged [reasons]uint64
	last   time.Time
}

func (c *counters) count(r reason)      { c.drops[r].Add(1) }
func (c *counters) add(r reason, n int) { c.drops[r].Add(uint64(n)) }
func (c *counters) get(r reason) uint64 { return c.drops[r].Load() }

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
