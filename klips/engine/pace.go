package engine

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	// paceRest is how long a reader waits for more packets when they come
	// fast and few at a time.
	paceRest = 40 * time.Microsecond
	// paceFast is the longest time between two reads that come fast.
	paceFast = 60 * time.Microsecond
	// paceSure is how many of those in a row make it sure, paceFew how many
	// packets are few, and paceLess as many as make a rest useless.
	paceSure, paceFew, paceLess = 16, 16, 3
)

// A pacer lets the packets of a fast flow gather, as interfaces do with their
// interrupts. A reader that is faster than who sends would otherwise sleep and be
// woken for each of them, which costs more than to carry it does. Slow flows, in
// which each packet waits for the answer to the last, never wait here.
type pacer struct {
	last   time.Time
	streak int
	rested bool
}

// pace is called before a read, with how many packets the last one gave.
func (p *pacer) pace(n int) {
	now := time.Now()
	if p.rested && n < paceLess { // nothing gathers
		p.streak = -paceSure * 16
	}
	p.rested = false
	if n >= paceFew {
		p.last = now
		return
	}
	if now.Sub(p.last) > paceFast {
		p.streak = min(p.streak, 0)
	}
	p.last = now
	if p.streak++; p.streak > paceSure {
		p.rested = true
		rest := unix.NsecToTimespec(int64(paceRest))
		_ = unix.Nanosleep(&rest, nil)
		p.last = time.Now()
	}
}
