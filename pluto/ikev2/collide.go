package ikev2

import (
	"bytes"
	"slices"

	"ipsec/pluto"
	"ipsec/pluto/ikev2/message"
)

// When both ends replace the same SA at once there are two new ones, and each end
// knows all four nonces. The SA that was made with the lowest of them is
// redundant, and is deleted by the end that asked for it; the other's deletes
// the old SA (RFC 7296, section 2.8.1 and 2.8.2).

// rivalChild is what the peer has made of a Child SA that we are replacing, too.
type rivalChild struct {
	made   *child
	nonces childNonces
}

// beats reports whether the peer's new SA stays, and not ours, which was made with
// nonces. It does so even where it has been replaced since: the peer, who may have had its answer
// long before us, has decided by the nonces. One that the peer has deleted was
// redundant, or could not be set there.
func (r *rivalChild) beats(nonces childNonces) bool {
	return r != nil && (r.made.state != childGone || r.made.successor != nil) && bytes.Compare(lowest(nonces), lowest(r.nonces)) < 0
}

// latest returns the one that has taken the place of c in the end.
func (c *child) latest() *child {
	for c.successor != nil {
		c = c.successor
	}
	return c
}

func lowest(n childNonces) []byte {
	if bytes.Compare(n.ni, n.nr) < 0 {
		return n.ni
	}
	return n.nr
}

// rekeyedByPeer notes that the peer has replaced old.
func (m *Machine) rekeyedByPeer(old, made *child, nonces childNonces) {
	if x := old.rekeying; x != nil && old.sa != nil && old.sa.underWay != nil && old.sa.underWay.exchange == x {
		nonces.shared = nil
		nonces.ni = bytes.Clone(nonces.ni)
		x.rival = &rivalChild{made, nonces}
		return
	}
	m.succeeded(old, made)
}

// succeeded notes that made has taken the place of old.
func (m *Machine) succeeded(old, made *child) {
	old.follow(made)
	old.rekeying = nil
	if old.state == childLive {
		m.becomeChild(old, childReplaced)
	}
	m.set(&old.alarm, atRekey, m.never())
	m.after(&old.alarm, atLinger, peerDeletes)
}

// reinstate puts those back in force that c was to replace, when the peer takes c back before it
// has deleted them: it could not set the SAs that it had asked for.
func (m *Machine) reinstate(c *child) {
	for _, old := range slices.Clone(c.before) {
		if old.state == childReplaced && !c.initiator {
			m.becomeChild(old, childLive)
			old.successor = nil
			m.set(&old.alarm, atLinger, m.never())
			m.retryRekey(old)
			c.before = slices.DeleteFunc(c.before, func(o *child) bool { return o == old })
		}
	}
}

// follow notes that made has taken the place of c.
func (c *child) follow(made *child) {
	if c.successor == made || c == made.latest() {
		return
	}
	c.successor = made
	made.before = append(made.before, c)
}

// replacedChild takes the success of our own request to replace a Child SA.
func (m *Machine) replacedChild(s *ikeSA, x *createChild, made *child, nonces childNonces) {
	old := x.old
	old.rekeying = nil
	if x.rival.beats(nonces) {
		winner := x.rival.made.latest()
		if old.state != childGone {
			m.succeeded(old, winner)
		}
		if winner.state == childLive {
			m.use(winner)
		}
		m.becomeChild(made, childReplaced)
		made.follow(winner)
		m.ask(s, &deleteChild{gone: made})
		return
	}
	if x.rival != nil && x.rival.made.state == childLive {
		loser := x.rival.made
		m.becomeChild(loser, childReplaced)
		loser.follow(made)
		m.set(&loser.alarm, atRekey, m.never())
		m.after(&loser.alarm, atLinger, peerDeletes)
	}
	if old.state == childGone {
		return
	}
	m.succeeded(old, made)
	m.ask(s, &deleteChild{gone: old})
}

// refusedRekey takes an error in answer to our request to replace a Child SA, and reports
// whether that is all there is to do about it.
func (x *createChild) refusedRekey(m *Machine, s *ikeSA, n *message.Notify) bool {
	rival, old := x.rival, x.old
	if rival == nil && n.MessageType != message.ChildSANotFound && n.MessageType != message.TemporaryFailure {
		return false
	}
	x.release(m, s)
	old.rekeying = nil
	switch {
	case rival != nil && rival.made.latest().state != childGone:
		if old.state != childGone {
			m.succeeded(old, rival.made.latest())
		}
	case rival != nil: // which the peer has taken back
		m.retryRekey(old)
	case n.MessageType == message.ChildSANotFound && old.state == childLive:
		// The peer has no such Child SA any more: it goes here, too.
		m.report(pluto.RCLogSerious, x.conn, old.serial, "the peer does not know the Child SA that was to be rekeyed; it is deleted")
		m.deleteHere(old, pluto.DeletedByPeer)
	case n.MessageType == message.TemporaryFailure && old.state == childLive:
		m.retryRekey(old)
	}
	return true
}
