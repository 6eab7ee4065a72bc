package ikev2

import (
	"bytes"
	"slices"
	"time"

	"ipsec/klips"
	"ipsec/pluto"
)

// With uniqueids=yes a peer has one IKE SA with us for the packets of a connection, even
// where it does not say INITIAL_CONTACT when it comes again (RFC 7296, section 2.4). A second one
// may be on its way to replace the first, and then the peer deletes that itself, having made all
// Child SAs anew: it is given time.
//
// Which of two goes, both ends decide alike: the older one, if it was there before the
// other was begun. Otherwise both ends have called at once, and the SPIs decide; that
// takes twice the time, so that ends which do not see alike whether they have do not delete both.
const uniqueGrace = 5 * time.Second

// watchAlike has s compared in a while with others between the same ends.
func (m *Machine) watchAlike(s *ikeSA) {
	if m.UniqueIDs && s != nil && len(m.peers[s.peer]) > 1 {
		m.after(&s.alarm, atUnique, uniqueGrace)
	}
}

// deleteRedundant deletes the IKE SAs that s makes redundant, or s itself.
func (m *Machine) deleteRedundant(s *ikeSA) {
	for _, o := range slices.Clone(m.peers[s.peer]) {
		if s.state != established {
			return
		}
		if o == s || o.state != established || o.reauth.ending() || s.reauth.ending() {
			continue
		}
		loser, winner, from := rank(s, o)
		switch {
		case !winner.covers(loser):
		case m.now.Before(from) || loser.unsettled() || winner.unsettled():
			m.after(&s.alarm, atUnique, uniqueGrace)
		default:
			m.report(pluto.RCLog, loser.conn, loser.serial, "the peer has another IKE SA, #%d, for the same packets (uniqueids=yes); this one is deleted", winner.serial)
			m.moveWaiting(loser, winner)
			m.end(loser, nil, pluto.Expired, &deleteIKE{})
			m.advance(winner)
		}
	}
}

// rank returns which of two IKE SAs is redundant if the other has all that goes by it, and from when on.
func rank(a, b *ikeSA) (loser, winner *ikeSA, from time.Time) {
	if a.since > b.since {
		a, b = b, a
	}
	authenticated := time.Unix(0, b.since)
	if a.since < b.begun {
		return a, b, authenticated.Add(uniqueGrace)
	}
	more, less := a.covers(b), b.covers(a) // of two that stand, the one with more stays
	if more && !less || more == less && bytes.Compare(append(a.spiI[:], a.spiR[:]...), append(b.spiI[:], b.spiR[:]...)) > 0 {
		a, b = b, a
	}
	return a, b, authenticated.Add(2 * uniqueGrace)
}

// unsettled reports whether an exchange is under way by which more is about to come to s.
func (s *ikeSA) unsettled() bool {
	return s.rekeying != nil || s.rivalOf != nil || s.busy()
}

// covers reports whether all that goes by the Child SAs of o, if anything, can go by those of s.
func (s *ikeSA) covers(o *ikeSA) bool {
	has := func(flow klips.Selector, key connKey) bool {
		return slices.ContainsFunc(s.children, func(c *child) bool {
			return c.state == childLive && keyOf(c.Conn) == key && slices.Contains(c.Flows, flow)
		})
	}
	any := false
	for _, c := range o.children {
		if c.state != childLive {
			continue
		}
		any = true
		for _, f := range c.Flows {
			if !has(f, keyOf(c.Conn)) {
				return false
			}
		}
	}
	return any
}
