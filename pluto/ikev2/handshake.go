package ikev2

import (
	"ipsec/pluto"
	"ipsec/pluto/ikev2/message"
)

// handshakeExchange is a round of the handshake, as the initiator.
type handshakeExchange struct {
	plain
	round round
}

func (x *handshakeExchange) kind() message.ExchangeType { return x.round.kind }

// nextRound begins the next round of the handshake. There is one left: the last establishes
// the IKE SA.
func (m *Machine) nextRound(s *ikeSA) {
	h := s.handshake
	x := &handshakeExchange{round: h.rounds[0]}
	h.rounds = h.rounds[1:]
	m.start(s, x)
}

func (x *handshakeExchange) request(m *Machine, s *ikeSA) ([]message.Payload, bool) {
	payloads, c := x.round.parts.ask(&turn{Machine: m, sa: s, conn: s.conn})
	switch {
	case c != nil:
		m.fail(s, c)
		return nil, false
	case s.state == gone:
		return nil, false
	}
	m.report(pluto.RCNewState+s.state.number(), s.conn, s.serial, "%s: sent %s request {%s}", s.state.name(), x.round.kind, s.suite)
	return payloads, true
}

func (x *handshakeExchange) answered(m *Machine, s *ikeSA, payloads []message.Payload) {
	if c := x.round.parts.answered(&turn{Machine: m, sa: s, conn: s.conn, payloads: payloads}); c != nil {
		m.giveUp(s, c)
		return
	}
	if s.state == authSent {
		m.nextRound(s)
	}
}

// giveUp ends an IKE SA that the peer's response does not let go on, and tells the peer, unless
// it is the peer who has ended it.
func (m *Machine) giveUp(s *ikeSA, c *cause) {
	switch {
	case c.byPeer:
		m.fail(s, c)
	case c.notify != 0:
		m.endWithNotify(s, c)
	default:
		m.endWithDelete(s, c)
	}
}

// isNextRound reports whether a request of that kind is the next round of the handshake, as
// the responder.
func (s *ikeSA) isNextRound(kind message.ExchangeType) bool {
	return s.state == initDone && s.handshake.rounds[0].kind == kind
}

// awaits returns the next round of the handshake, for reports.
func (s *ikeSA) awaits() message.ExchangeType {
	if s.handshake == nil || len(s.handshake.rounds) == 0 {
		return message.IKEAuth
	}
	return s.handshake.rounds[0].kind
}

// receiveRound answers a round of the handshake.
func (m *Machine) receiveRound(s *ikeSA, h message.Header, hash uint64, payloads []message.Payload) {
	now := s.handshake.rounds[0]
	t := &turn{Machine: m, sa: s, payloads: payloads}
	c := now.parts.asked(t)
	var answer []message.Payload
	if c == nil {
		answer, c = now.parts.answer(t)
	}
	if c != nil {
		m.refuse(s, h, hash, c)
		return
	}
	if s.handshake != nil {
		s.handshake.rounds = s.handshake.rounds[1:]
	}
	m.answer(s, h, hash, answer)
	now.parts.sent(t)
	m.advance(s)
}

// refuse ends a half-open IKE SA with an error. It is kept for a while, to say the
// same to a peer that asks again.
func (m *Machine) refuse(s *ikeSA, h message.Header, hash uint64, c *cause) {
	m.answer(s, h, hash, c.notification())
	m.limitedFor(s.conn, "packet from %s: %s", s.remote, c.text)
	m.become(s, deleting)
	s.doomed = true
	m.after(&s.alarm, atExpire, halfOpenLife)
}

// establishment is where the handshake ends: both ends have proved who they are. The parts
// after it belong to the IKE SA that stands.
type establishment struct{ silent }

func (establishment) answered(t *turn) *cause {
	t.establish(t.sa)
	return nil
}

func (establishment) answer(t *turn) ([]message.Payload, *cause) {
	t.establish(t.sa)
	return nil, nil
}

func (m *Machine) establish(s *ikeSA) {
	h := s.handshake
	m.proved(s)
	h.keys.Clear()
	s.handshake = nil
	m.become(s, established)
	m.addPeer(s, m.peerOf(s, s.conn, s.localID, s.remoteID, s.authMethod))
	for _, w := range h.how.Warnings {
		m.report(pluto.RCLogSerious, s.conn, s.serial, "%s", w)
	}
	by := h.how.How
	if h.how.Key != "" {
		by += ", " + h.how.Key
	}
	m.report(pluto.RCNewState+s.state.number(), s.conn, s.serial, "%s: established IKE SA with %s at %s, authenticated by %s {%s}", s.state.name(), s.remoteID, s.remote, by, s.suite)
	m.startTimers(s)
	for _, w := range h.waiting {
		s.queue = append(s.queue, w)
	}
}

// initialContact tells a peer that we know of no other IKE SA with it, so that it forgets what
// we have forgotten (RFC 7296, section 2.4).
type initialContact struct{ silent }

func (initialContact) ask(t *turn) ([]message.Payload, *cause) {
	s := t.sa
	if t.knows(s, s.localID, s.handshake.expected) || t.Connections.Adopted(s.remote.Addr()) {
		return nil, nil
	}
	return []message.Payload{&message.Notify{MessageType: message.InitialContact}}, nil
}

func (initialContact) sent(t *turn) {
	t.replaceOlder(t.sa, message.FindNotify(t.payloads, message.InitialContact) != nil)
}
