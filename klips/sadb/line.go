package sadb

import (
	"errors"
	"math"
	"sync"
	"time"

	"ipsec/klips/esp"
	"ipsec/klips/said"
)

// ErrTurn says that what a Line holds has to leave before there is more.
var ErrTurn = errors.New("another has numbers of the SA in between")

// An Order has packets leave in the order of their sequence numbers, SA by SA,
// that several goroutines send. Otherwise hundreds of one might overtake those of
// another, and a peer drops what its replay window does not reach back to, which
// often remembers no more than 32 or 64.
type Order struct {
	mu   sync.Mutex // guards what follows
	left *sync.Cond // told when packets have left
}

// NewOrder returns the order of all goroutines that send by the same SAs.
func NewOrder() *Order {
	o := &Order{}
	o.left = sync.NewCond(&o.mu)
	return o
}

// Line returns the place in the order of one goroutine.
func (o *Order) Line() *Line { return &Line{order: o} }

// A Line is what one goroutine has reserved and not sent yet: it calls Wait, sends it,
// and calls Done. It never holds numbers of an SA both before and after those of
// another line, and only of its first SA any that come after another line's: so lines
// cannot wait for each other in a circle.
type Line struct {
	order *Order
	turns []turn
}

// A turn is a ticket of an SA: those that are served have left.
type turn struct {
	sa     *SA
	ticket uint8
}

// Holds reports whether anything waits for Done.
func (l *Line) Holds() bool { return len(l.turns) > 0 }

// Reserve is like SA.Reserve, in the order of the SA. ErrTurn says that nothing was reserved, and that it will be
// after Done.
func (l *Line) Reserve(sa *SA, b Batch, now time.Time) (Run, State, error) {
	if !sa.is(said.ESP) {
		return Run{}, Dead, ErrDead
	}
	sa.mu.Lock()
	defer sa.mu.Unlock()
	if !l.join(sa) {
		return Run{}, Alive, ErrTurn
	}
	return sa.reserve(b, now)
}

// Seal is like SA.Seal, in the order of the SA. A packet that would have to wait for Done goes out of its turn, and
// so does each of a nil Line.
func (l *Line) Seal(sa *SA, w *esp.Scratch, dst, payload []byte, next uint8, now time.Time) ([]byte, State, error) {
	return sa.seal(l, w, dst, payload, next, now)
}

// Protect is like SA.Protect, in the order of the SA, with the exception of Seal.
func (l *Line) Protect(sa *SA, buf []byte, at int, now time.Time) ([]byte, State, error) {
	return sa.protect(l, buf, at, now)
}

// join gives the line a ticket of an SA, unless it has the last one. It is false where
// the line has to give back what it has first, and where there are no more tickets. The
// caller holds sa.mu.
func (l *Line) join(sa *SA) bool {
	if sa.issued != sa.served {
		for i := len(l.turns) - 1; i >= 0; i-- {
			if t := &l.turns[i]; t.sa == sa {
				return t.ticket == sa.issued
			}
		}
		if len(l.turns) > 0 || sa.issued-sa.served == math.MaxUint8 {
			return false
		}
	}
	sa.issued++
	l.turns = append(l.turns, turn{sa, sa.issued})
	return true
}

// Wait returns when all has left that others reserved before.
func (l *Line) Wait() {
	for i := range l.turns {
		t := &l.turns[i]
		if t.next() {
			continue
		}
		l.order.mu.Lock()
		for !t.next() {
			l.order.left.Wait()
		}
		l.order.mu.Unlock()
	}
}

// Done says that all has left, or never will.
func (l *Line) Done() {
	if len(l.turns) == 0 {
		return
	}
	for _, t := range l.turns {
		t.sa.mu.Lock()
		t.sa.served = t.ticket
		t.sa.mu.Unlock()
	}
	clear(l.turns)
	l.turns = l.turns[:0]
	l.order.mu.Lock()
	l.order.left.Broadcast()
	l.order.mu.Unlock()
}

// next reports whether the ticket is the next to be served.
func (t *turn) next() bool {
	t.sa.mu.Lock()
	defer t.sa.mu.Unlock()
	return t.sa.served+1 == t.ticket
}
