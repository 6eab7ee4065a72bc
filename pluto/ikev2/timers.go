package ikev2

import (
	"encoding/binary"
	"time"

	"ipsec/pluto"
)

const (
	// answerKept is longer than a peer sends a request again.
	answerKept = 70 * time.Second
	// answerSure is longer than a peer waits before it sends a request again for the first time.
	answerSure = 10 * time.Second
	// peerDeletes is how long a peer may take to delete what it has replaced, before
	// we do not wait for it any more. It is longer than retransmissions go on.
	peerDeletes = 90 * time.Second
	// What could not be done is tried again after retryLeast to retryMost, and a
	// rekeying that was refused after rekeyAgain.
	retryLeast = time.Second
	retryMost  = 4 * time.Second
	rekeyAgain = 10 * time.Second
)

func (m *Machine) never() time.Time { return time.Time{} }

// jitter returns a time from least up to most.
func (m *Machine) jitter(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	var b [8]byte
	m.random(b[:])
	return least + time.Duration(binary.BigEndian.Uint64(b[:])>>1)%(most-least)
}

// margin is how long before its end an SA is made anew: rekeymargin=, up to rekeyfuzz= per
// cent more, but never all of its life.
func (m *Machine) margin(conn *pluto.Connection, life time.Duration) time.Duration {
	margin := min(conn.RekeyMargin, life/2)
	return min(margin+m.jitter(0, margin*time.Duration(conn.RekeyFuzz)/100), life*9/10)
}

// startTimers sets the deadlines of an IKE SA that is established. With reauth=yes its life
// begins with the authentication: a peer that makes the IKE SA anew by rekeying, which proves
// nothing of who it is, gains no time by that.
func (m *Machine) startTimers(s *ikeSA) {
	m.set(&s.alarm, atExpire, m.never())
	if life := s.conn.IKELifetime; life > 0 {
		begun := m.now
		if s.conn.Reauth {
			begun = time.Unix(0, s.since)
		}
		m.set(&s.alarm, atExpire, begun.Add(life))
		if s.conn.Rekey {
			m.set(&s.alarm, atRekey, begun.Add(life-m.margin(s.conn, life)))
		}
	}
	if d := s.conn.DPD.Delay; d > 0 {
		m.after(&s.alarm, atLiveness, d)
	}
	m.sentSomething(s)
}

func (m *Machine) startChildTimers(c *child) {
	life := c.Conn.ChildLifetime
	if life <= 0 {
		return
	}
	m.after(&c.alarm, atExpire, life)
	if c.Conn.Rekey {
		m.after(&c.alarm, atRekey, life-m.margin(c.Conn, life))
	}
}

// due does what the time has come for, of an IKE SA.
func (s *ikeSA) due(m *Machine, what uint8) {
	switch what {
	case atRetransmit:
		m.unanswered(s)
	case atLiveness:
		m.checkLiveness(s)
	case atKeepalive:
		m.sendKeepalive(s)
	case atRekey:
		m.renew(s)
	case atRetry:
		if s.state == initSent {
			m.call(s)
		} else {
			m.retry(s)
		}
	case atUnique:
		m.deleteRedundant(s)
	case atLinger:
		s.answer = nil
	case atExpire:
		m.expire(s)
	}
}

// expire ends an IKE SA whose time is over.
func (m *Machine) expire(s *ikeSA) {
	switch s.state {
	case established:
		m.end(s, causef(pluto.RCLog, "the IKE SA has reached the end of its life (ikelifetime=%s)", s.conn.IKELifetime), pluto.Expired, &deleteIKE{})
	case initDone:
		m.limited("packet from %s: no IKE_AUTH came within %s of IKE_SA_INIT", s.remote, halfOpenLife)
		m.forget(s)
	case replaced, deleting:
		m.drop(s, pluto.PeerDead, causef(pluto.RCFatal, "the IKE SA has ended"))
	}
}

// checkLiveness asks the peer for a sign of life when there has been none: neither a
// message nor a packet.
func (m *Machine) checkLiveness(s *ikeSA) {
	delay := s.conn.DPD.Delay
	if s.state != established || delay <= 0 {
		return
	}
	last := time.Unix(0, s.heardAt)
	for _, c := range s.children {
		if used := m.Connections.Used(&c.Child); used.After(last) {
			last = used
		}
	}
	if quiet := m.now.Sub(last); quiet < delay {
		m.after(&s.alarm, atLiveness, delay-quiet)
		return
	}
	m.after(&s.alarm, atLiveness, delay)
	if s.window.underWay == nil && len(s.queue) == 0 {
		m.ask(s, liveness{})
	}
}

// renew makes an IKE SA anew before its end.
func (m *Machine) renew(s *ikeSA) {
	switch {
	case s.state != established || s.rekeying != nil:
	case s.conn.Reauth:
		m.startReauth(s)
	default:
		s.rekeying = &rekeyIKE{}
		m.ask(s, s.rekeying)
	}
}

// due does what the time has come for, of a Child SA.
func (c *child) due(m *Machine, what uint8) {
	switch what {
	case atRekey:
		m.rekeyChild(c)
	case atExpire:
		if c.state != childGone {
			if c.state == childLive {
				m.report(pluto.RCLog, c.Conn, c.serial, "the Child SA has reached the end of its life (keylife=%s)", c.Conn.ChildLifetime)
			}
			m.deleteHere(c, pluto.Expired)
		}
	case atLinger:
		m.lingered(c)
	}
}

// lingered is called when a Child SA that another has replaced has been kept long enough.
func (m *Machine) lingered(c *child) {
	if c.state == childGone {
		m.removeChild(c, pluto.Replaced)
		return
	}
	// It was for the peer to delete it.
	if s := c.sa; s != nil && s.state == established {
		m.ask(s, &deleteChild{gone: c})
	}
}

// rekeyChild asks for a Child SA in place of c.
func (m *Machine) rekeyChild(c *child) {
	if c.state != childLive || c.rekeying != nil || c.sa == nil || c.sa.state != established {
		return
	}
	if c.born.unknown(m, c.sa) {
		m.after(&c.alarm, atRekey, m.jitter(retryLeast, retryMost))
		return
	}
	c.rekeying = &createChild{conn: c.Conn, old: c}
	m.ask(c.sa, c.rekeying)
}

// retryRekey asks again later, if there is time left.
func (m *Machine) retryRekey(c *child) {
	if c.state == childLive {
		m.after(&c.alarm, atRekey, m.jitter(rekeyAgain, 2*rekeyAgain))
	}
}

// Rekey implements pluto.Negotiator.
func (m *Machine) Rekey(p *pluto.Child) {
	m.enter()
	if c := m.children[p]; c != nil {
		m.rekeyChild(c)
	}
}
