package ikev2

import (
	"ipsec/pluto/ikev2/message"
)

// receiveCreate answers CREATE_CHILD_SA, in any of its three forms (RFC 7296, section 1.3).
func (m *Machine) receiveCreate(s *ikeSA, h message.Header, hash uint64, payloads []message.Payload) {
	sa, nonce := message.First[*message.SA](payloads), message.First[*message.Nonce](payloads)
	switch {
	case s.state != established || s.reauth.ending():
		m.answer(s, h, hash, refusal(message.TemporaryFailure, "").notification())
	case sa == nil || nonce == nil:
		m.decline(s, h, hash, refusal(message.InvalidSyntax, "CREATE_CHILD_SA request without SA or Nonce"))
	case len(sa.Proposals) > 0 && sa.Proposals[0].Protocol == message.ProtocolIKE:
		m.receiveRekeyIKE(s, h, hash, payloads)
	case s.rekeying != nil && s.rekeying.underWay(s):
		m.answer(s, h, hash, refusal(message.TemporaryFailure, "").notification())
	default:
		m.receiveCreateChild(s, h, hash, payloads)
	}
	m.advance(s)
}

// receiveCreateChild makes a new Child SA, or one in place of another.
func (m *Machine) receiveCreateChild(s *ikeSA, h message.Header, hash uint64, payloads []message.Payload) {
	var old *child
	if n := message.FindNotify(payloads, message.RekeySA); n != nil {
		old = s.findOut(n.Protocol, n.SPI)
		switch {
		case old == nil:
			m.answer(s, h, hash, []message.Payload{&message.Notify{MessageType: message.ChildSANotFound, Protocol: n.Protocol, SPI: n.SPI}})
			return
		case old.state != childLive:
			m.answer(s, h, hash, refusal(message.TemporaryFailure, "").notification())
			return
		}
	}
	nonces := childNonces{ni: message.First[*message.Nonce](payloads).Data, nr: m.nonce()}
	made, answer, c := m.answerChild(s, payloads, nonces, old, false)
	if c != nil {
		m.decline(s, h, hash, c)
		return
	}
	m.answer(s, h, hash, answer)
	m.announce(made)
	if old != nil {
		m.rekeyedByPeer(old, made, nonces)
	}
}

// deferred asks again later, when the peer has done what it is at (RFC 7296, section 2.25).
func (m *Machine) deferred(s *ikeSA, x exchange) {
	s.later = append(s.later, x)
	if s.alarm.When(atRetry).IsZero() {
		m.after(&s.alarm, atRetry, m.jitter(retryLeast, retryMost))
	}
}

// retry puts what was deferred back into the queue.
func (m *Machine) retry(s *ikeSA) {
	s.queue = append(s.queue, s.later...)
	s.later = nil
	m.advance(s)
}
