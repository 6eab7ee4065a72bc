package connection

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"ipsec/klips"
	"ipsec/pluto"
)

const (
	mendTime    = time.Second          // after which what the kernel refused is tried again
	firstRetry  = 5 * time.Second      // between the first two attempts; then twice that, and so on
	lastRetry   = time.Minute          // at most
	failureTime = time.Minute          // that failureshunt= has the packets, before they are trapped again
	idleTime    = 30 * time.Second     // that an instance may be without an SA of any kind
	deletedTime = 5 * time.Second      // after which what the peer has deleted is negotiated again
	remainTime  = 5 * time.Second      // that packets may come by SAs of an earlier worker that are not sent by any more
	inheritGap  = 5 * time.Millisecond // between the connections that are negotiated anew then
	askingTime  = 30 * time.Second     // between two questions to the DNS
)

func (t *Table) now() time.Time { return t.config.Clock.Now() }

// schedule makes Tick be called at that time, or before.
func (t *Table) schedule(at time.Time) {
	if t.due.IsZero() || at.Before(t.due) {
		t.due = at
	}
}

// Next returns when Tick wants to be called; false when nothing is awaited.
func (t *Table) Next() (time.Time, bool) { return t.due, !t.due.IsZero() }

// Tick does what is due by now.
func (t *Table) Tick() {
	now := t.now()
	if t.due.IsZero() || now.Before(t.due) {
		return
	}
	t.due = time.Time{}
	t.mend()
	t.useDue()
	for _, child := range t.strayed {
		if t.bundles[child] != nil {
			t.ikev2.Rekey(child)
		}
	}
	t.strayed = nil
	if !t.resync.IsZero() && !now.Before(t.resync) {
		t.resync = time.Time{}
		if t.Resync() != nil {
			t.resync = now.Add(remainTime)
		}
	}
	if !t.resync.IsZero() {
		t.schedule(t.resync)
	}
	for host, at := range t.asking {
		if now.Before(at) {
			t.schedule(at)
			continue
		}
		delete(t.asking, host)
		t.resolve(host)
	}
	// In the order in which they were added, so that a simulation replays.
	list := slices.SortedFunc(maps.Keys(t.timed), older)
	var left map[*pluto.Connection]bool
	for _, e := range list {
		wait := false
		switch {
		case !e.idle.IsZero() && !now.Before(e.idle):
			if left == nil {
				left = t.alive()
			}
			if !left[e.conn] && len(e.bundles) == 0 && !t.busy(e) {
				t.drop(e)
				continue
			}
			e.idle = now.Add(idleTime)
			wait = len(e.bundles) == 0
		case !e.idle.IsZero():
			wait = true
		}
		if !e.retry.IsZero() && !now.Before(e.retry) {
			t.start(e, nil)
		}
		if e.failing && !now.Before(e.errAt.Add(failureTime)) {
			e.failing = false
			t.resettle(e)
		}
		delete(t.timed, e)
		switch {
		case !e.retry.IsZero():
			t.at(e, e.retry)
		case e.failing:
			t.at(e, e.errAt.Add(failureTime))
		case wait:
			t.at(e, e.idle)
		}
	}
}

func older(a, b *entry) int { return a.order - b.order }

// at has Tick look at e at that time.
func (t *Table) at(e *entry, at time.Time) {
	t.timed[e] = true
	t.schedule(at)
}

// mend tries again what the kernel has refused.
func (t *Table) mend() {
	for _, f := range slices.SortedFunc(maps.Keys(t.dirty), compare) {
		t.settle(f) // which schedules itself where it fails again
	}
	trash := t.trash
	t.trash = nil
	t.discard(trash...)
}

func compare(a, b klips.Selector) int {
	return cmp.Or(a.Src.Addr().Compare(b.Src.Addr()), a.Dst.Addr().Compare(b.Dst.Addr()), a.Src.Bits()-b.Src.Bits(), a.Dst.Bits()-b.Dst.Bits(),
		int(a.Proto)-int(b.Proto), int(a.SrcPort)-int(b.SrcPort), int(a.DstPort)-int(b.DstPort))
}

// start negotiates e.
func (t *Table) start(e *entry, packet *klips.Selector) {
	e.retry, e.failing = time.Time{}, false
	if e.conn == nil || isShunt(e.conn) || isTemplate(e.conn) {
		return
	}
	t.refresh(e)
	e.retry = time.Time{}
	if e.conn == nil || !e.conn.Remote.Host.Addr.IsValid() { // asked for, and the answer begins anew
		return
	}
	e.busy = t.now()
	t.resettle(e)
	t.ikev2.Initiate(e.conn, packet)
}

// pause returns how long after its last failure e is negotiated again.
func (e *entry) pause() time.Duration {
	return min(firstRetry<<min(max(e.tries-1, 0), 10), lastRetry)
}

// again plans another attempt.
func (t *Table) again(e *entry, after time.Duration) {
	e.retry = t.now().Add(after)
	t.at(e, e.retry)
}

// Failed implements pluto.Connections.
func (t *Table) Failed(conn *pluto.Connection, why error) {
	e := t.owners[conn]
	if e == nil {
		return
	}
	e.busy = time.Time{}
	e.tries++
	e.lastErr, e.errAt = why.Error(), t.now()
	most := e.subject().KeyingTries
	switch {
	case len(e.bundles) > 0: // another SA of it is in force
	case e.parent != nil:
		e.wanted = false
		t.goIdle(e, mendTime)
	case (e.wanted || e.inherits > 0) && (most == 0 || e.tries < most):
		t.again(e, e.pause())
		of := ""
		if most > 0 {
			of = fmt.Sprintf(" of %d", most)
		}
		t.report(e, pluto.RCLog, pluto.Pending, "attempt %d%s in %s", e.tries+1, of, e.pause())
	case e.subject().FailureShunt != pluto.ShuntNone:
		e.failing = true
		t.at(e, e.errAt.Add(failureTime))
		fallthrough
	default:
		e.wanted = false
	}
	t.look(e)
	t.resettle(e)
}

// after decides what follows when the last Child SA of e has gone. Its packets
// are trapped by now, where it is routed. Nothing is negotiated before Tick: the
// negotiator is in the middle of something.
func (t *Table) after(e *entry, why pluto.Reason) {
	action := pluto.DPDNone
	if why == pluto.PeerDead {
		if e.conn.DPD.Delay > 0 {
			action = e.conn.DPD.Action
		}
		t.look(e)
	}
	switch {
	case action == pluto.DPDRestartByPeer:
		for _, other := range t.between(pairOf(e.conn)) {
			if other.wanted || len(other.bundles) > 0 {
				other.wanted = true
				t.again(other, 0)
			}
		}
		fallthrough
	case action == pluto.DPDRestart:
		e.wanted = true
		t.again(e, 0)
	case action == pluto.DPDClear && !e.asked:
		e.wanted = false
		t.unroute(e)
	case action == pluto.DPDHold:
		e.wanted = false // the next packet wants it
	case why == pluto.Expired && e.conn != nil && !e.conn.Rekey:
		e.wanted = false // rekey=no: it is not negotiated anew before a packet asks
	case e.parent == nil && e.wanted && why == pluto.DeletedByPeer:
		t.again(e, deletedTime)
	case e.parent == nil && e.wanted && why != pluto.DeletedHere && why != pluto.Replaced:
		t.again(e, 0)
	}
	if e.parent != nil && e.retry.IsZero() {
		t.goIdle(e, mendTime)
	}
}
