package engine

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"syscall"
	"time"

	"ipsec/klips"
	"ipsec/klips/sadb"
)

const (
	sweepInterval   = time.Second
	refreshInterval = 2 // sweeps between looks at the physical interfaces
)

func (e *Engine) sweeper() {
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	expected := expectation{of: map[*attachment]*expecting{}}
	for n := 0; ; n++ {
		select {
		case <-e.stop:
			return
		case <-tick.C:
			e.Sweep()
			e.expect(&expected)
			if n%refreshInterval == 0 {
				e.Refresh()
				e.tally()
			}
		}
	}
}

// Sweep does what time brings: it ends and announces SAs whose lifetime is
// over, releases flows that have waited for an SA too long, and logs how many
// packets were dropped and what klipsdebug(8) asked for. The engine calls it every
// second unless Options.Now is set.
func (e *Engine) Sweep() {
	now := e.now()
	e.mu.Lock()
	due := e.sas.Due(now)
	e.mu.Unlock()
	if due {
		e.sweepSAs(now)
	}

	e.mu.Lock()
	for s, h := range e.held {
		if !now.Before(h.until) {
			e.unhold(s)
		}
	}
	for dst, p := range e.paths {
		if !now.Before(p.until) {
			delete(e.paths, dst)
		}
	}
	pending := e.pending
	e.pending = nil
	for _, ev := range pending {
		e.emit(ev)
	}
	line := e.stats.report(now)
	e.mu.Unlock()
	if line != "" {
		e.log(line)
	}
	e.debug.flush(e.log)
}

// sweepSAs looks at each SA for lifetimes that time has brought to an end.
func (e *Engine) sweepSAs(now time.Time) {
	var worn []worn
	var next time.Time
	e.each(e.sas.All(), func(sa *sadb.SA) {
		worn = append(worn, wornBy(sa, sa.Check(now))...)
		next = sadb.Earlier(next, sa.Due(now))
	})
	e.mu.Lock()
	e.sas.DueAt(next)
	e.mu.Unlock()
	e.expire(worn)
}

// Refresh looks at the physical interfaces again. The engine calls it every other
// second; who knows that something of them has changed may do so earlier.
func (e *Engine) Refresh() {
	e.mu.RLock()
	var wires []Wire
	for _, a := range e.attached {
		wires = append(wires, a.wire)
	}
	e.mu.RUnlock()
	for _, w := range wires {
		if err := w.Refresh(); err != nil && !errors.Is(err, syscall.ENODEV) {
			e.log(err.Error())
		}
	}
}

// A worn is an SA that has reached a lifetime.
type worn struct {
	sa   *sadb.SA
	hard bool
}

func wornBy(sa *sadb.SA, state sadb.State) []worn {
	switch state {
	case sadb.Soft, sadb.Hard:
		return []worn{{sa, state == sadb.Hard}}
	}
	return nil
}

// expire announces SAs, and takes those past their hard lifetime away.
func (e *Engine) expire(list []worn) {
	for some := range slices.Chunk(list, eachLimit) {
		e.mu.Lock()
		for _, w := range some {
			sa := w.sa.Read()
			e.debug.done(klips.TopicSPI, nil, "spi: %v reached its lifetime (hard %v)", sa.ID, w.hard)
			if w.hard && e.sas.Lookup(sa.ID) == w.sa {
				e.sas.Delete(sa.ID)
			}
			if !w.sa.Larval {
				e.emit(klips.Expire{ID: sa.ID, Hard: w.hard, Usage: sa.Usage})
			}
		}
		e.mu.Unlock()
	}
}

// randomID is where the identification of packets starts.
func randomID() uint32 {
	var b [4]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint32(b[:])
}

// id names a packet among those that are sent; its low half is not zero, since
// the kernel would fill that in, behind the back of AH.
func (e *Engine) id() uint32 {
	for {
		if id := e.ids.Add(1); uint16(id) != 0 {
			return id
		}
	}
}
