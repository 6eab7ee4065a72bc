package engine

import (
	"time"

	"golang.org/x/sys/unix"

	"ipsec/klips/packet"
)

const (
	// paceRest is how long a reader waits for more packets when they come
	// fast and few at a time.
	paceRest = 40 * time.Microsecond
	// paceFast is the longest time between two reads that come fast.
	paceFast = 60 * time.Microsecond
	// paceSure is how many of those in a row make it sure, paceMany how many
	// packets are many at least, and paceLess as many as make a rest useless.
	paceSure, paceMany, paceLess = 16, 16, 3
)

// A pacer lets the packets of a fast flow gather, as interfaces do by coalescing
// interrupts. A reader that is faster than the sender would otherwise sleep and be
// woken for each packet, which costs more than carrying it. Slow flows, in which each
// packet waits for the answer to the last, never wait here.
//
// A reader of large batches rests while reads bring less than half a batch.
type pacer struct {
	many   int // packets that have gathered, at least
	last   time.Time
	streak int
	rested bool
}

// newPacer returns a pacer for a reader of up to most packets at once.
func newPacer(most int) pacer { return pacer{many: max(paceMany, most/2)} }

// pace is called before a read, with what the last one gave.
func (p *pacer) pace(bufs []*packet.Buffer) {
	n := len(bufs)
	for _, b := range bufs {
		if b.Segment > 0 {
			n = p.many // in pieces: they have gathered
		}
	}
	if p.rest(time.Now(), n) {
		rest := unix.NsecToTimespec(int64(paceRest))
		_ = unix.Nanosleep(&rest, nil) // time.Sleep takes a millisecond, where no other goroutine runs
		p.last = time.Now()
	}
}

// rest decides whether to wait before a read.
func (p *pacer) rest(now time.Time, n int) bool {
	useless := p.rested && n < paceLess // nothing has gathered
	fast := now.Sub(p.last) <= paceFast
	p.last, p.rested = now, false
	switch {
	case useless:
		p.streak = -paceSure * 16
	case n >= p.many:
	case !fast:
		p.streak = min(p.streak, 0)
	default:
		p.streak++
		p.rested = p.streak > paceSure
	}
	return p.rested
}
