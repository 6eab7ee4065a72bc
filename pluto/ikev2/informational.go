package ikev2

import (
	"ipsec/pluto"
	"ipsec/pluto/ikev2/fault"
	"ipsec/pluto/ikev2/message"
)

// liveness asks whether the peer is there: an empty INFORMATIONAL exchange (RFC 7296,
// section 2.4).
type liveness struct{ plain }

func (liveness) kind() message.ExchangeType                                { return message.Informational }
func (liveness) request(m *Machine, s *ikeSA) ([]message.Payload, bool)    { return nil, true }
func (liveness) answered(m *Machine, s *ikeSA, payloads []message.Payload) {}

// receiveInformational answers INFORMATIONAL (RFC 7296, section 1.4).
func (m *Machine) receiveInformational(s *ikeSA, h message.Header, hash uint64, payloads []message.Payload) {
	if c := ended(fault.Request, "the IKE SA", payloads, s.conn); c != nil {
		m.answer(s, h, hash, nil)
		m.report(c.code, s.conn, s.serial, "%s", c.text)
		m.endedByPeer(s, c)
		return
	}
	var answer []message.Payload
	for _, d := range message.All[*message.Delete](payloads) {
		if d.Protocol == message.ProtocolIKE {
			m.answer(s, h, hash, nil)
			m.deletedByPeer(s)
			return
		}
		if back := m.deletedChildren(s, d); back != nil {
			answer = append(answer, back)
		}
	}
	m.answer(s, h, hash, answer)
	m.advance(s)
}

// deletedChildren takes the Child SAs away that the peer has deleted, and returns
// what goes back: the other directions, but for those that we have deleted at the same
// time (RFC 7296, section 1.4.1).
func (m *Machine) deletedChildren(s *ikeSA, d *message.Delete) message.Payload {
	back := &message.Delete{Protocol: d.Protocol}
	for _, spi := range d.SPIs {
		c := s.findOut(d.Protocol, spi)
		if c == nil {
			continue
		}
		if c.state != childDeleting {
			back.SPIs = append(back.SPIs, spiBytes(c.In.SPI))
		}
		switch {
		case c.successor != nil:
			m.removeLater(c)
		case c.rekeying != nil && c.rekeying.rival != nil:
			rival := c.rekeying.rival.made
			m.succeeded(c, rival)
			c.rekeying = nil
			m.removeLater(c)
		default:
			m.Report(pluto.Report{Code: pluto.RCLog, Conn: c.Conn, Serial: c.serial, Text: "the peer has deleted the Child SA"})
			m.reinstate(c)
			m.removeChild(c, pluto.DeletedByPeer)
		}
	}
	if len(back.SPIs) == 0 {
		return nil
	}
	return back
}

// deletedByPeer takes an IKE SA away that the peer has deleted. It stays for a
// while, to answer should the peer ask again.
func (m *Machine) deletedByPeer(s *ikeSA) {
	if x := s.rekeying; x != nil && x.rival != nil {
		to := x.rival.made
		x.end(m, s)
		m.superseded(s, to)
	}
	if s.successor == nil && s.state == established {
		m.report(pluto.RCLog, s.conn, s.serial, "the peer has deleted the IKE SA")
	}
	m.endedByPeer(s, causef(pluto.RCFatal, "the peer has deleted the IKE SA"))
}

// endedByPeer ends an IKE SA that the peer has ended. Its last answer is kept for a while.
func (m *Machine) endedByPeer(s *ikeSA, c *cause) {
	for _, ch := range append([]*child(nil), s.children...) {
		m.removeChild(ch, pluto.DeletedByPeer)
	}
	tasks := append(s.tasks(), s.later...)
	s.underWay, s.queue, s.later = nil, nil, nil
	m.become(s, deleting)
	s.doomed = true
	m.unassign(s)
	for _, t := range tasks {
		t.lost(m, s, c)
	}
	m.alarms.Clear(&s.alarm)
	m.after(&s.alarm, atExpire, answerKept)
}
