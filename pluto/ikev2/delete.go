package ikev2

import (
	"slices"

	"ipsec/klips/said"
	"ipsec/pluto"
	"ipsec/pluto/ikev2/message"
)

// deleteChild tells the peer that a Child SA is deleted (RFC 7296, section 1.4.1):
// one that another has replaced, or one that is gone here already.
type deleteChild struct {
	plain
	gone  *child // that has been replaced; nil for one that is gone
	proto said.Proto
	spi   uint32
	born  birth
}

func (*deleteChild) kind() message.ExchangeType { return message.Informational }
func (*deleteChild) changesChildren() bool      { return true }

func (x *deleteChild) request(m *Machine, s *ikeSA) ([]message.Payload, bool) {
	if c := x.gone; c != nil {
		if c.state == childGone || c.sa != s {
			return nil, false
		}
		x.born = c.born
	}
	if x.born.unknown(m, s) {
		m.deferred(s, x)
		return nil, false
	}
	if c := x.gone; c != nil {
		m.becomeChild(c, childDeleting)
		x.proto, x.spi = c.Protocol, c.In.SPI
	}
	return []message.Payload{&message.Delete{Protocol: protocolOf(x.proto), SPIs: [][]byte{spiBytes(x.spi)}}}, true
}

func (x *deleteChild) answered(m *Machine, s *ikeSA, _ []message.Payload) {
	if x.gone != nil {
		m.removeLater(x.gone)
	}
}

// settleDelete lets a request that waits to delete c go on without it.
func (c *child) settleDelete() {
	if c.sa == nil {
		return
	}
	for _, x := range append(slices.Clone(c.sa.queue), c.sa.later...) {
		if d, ok := x.(*deleteChild); ok && d.gone == c {
			d.gone, d.proto, d.spi, d.born = nil, c.Protocol, c.In.SPI, c.born
		}
	}
}

// queueDelete tells the peer that there is no Child SA of that SPI.
func (m *Machine) queueDelete(s *ikeSA, proto said.Proto, spi uint32) {
	s.queue = append(s.queue, &deleteChild{proto: proto, spi: spi})
}

// deleteHere takes a Child SA away and tells the peer.
func (m *Machine) deleteHere(c *child, why pluto.Reason) {
	s := c.sa
	x := &deleteChild{proto: c.Protocol, spi: c.In.SPI, born: c.born}
	m.removeChild(c, why)
	if s != nil && s.state == established {
		m.ask(s, x)
	}
}

// deleteIKE tells the peer that the IKE SA is deleted, and with it all of its
// Child SAs; or, with an error to tell, that we cannot go on.
type deleteIKE struct {
	plain
	notify *message.Notify
}

func (*deleteIKE) kind() message.ExchangeType { return message.Informational }

func (x *deleteIKE) request(m *Machine, s *ikeSA) ([]message.Payload, bool) {
	if s.state != replaced {
		m.become(s, deleting)
	}
	if x.notify != nil {
		return []message.Payload{x.notify}, true
	}
	return []message.Payload{&message.Delete{Protocol: message.ProtocolIKE}}, true
}

func (x *deleteIKE) answered(m *Machine, s *ikeSA, _ []message.Payload) {
	m.drop(s, pluto.DeletedHere, causef(pluto.RCFatal, "the IKE SA is deleted"))
}

// endWithDelete ends an IKE SA that cannot go on, and tells the peer.
func (m *Machine) endWithDelete(s *ikeSA, c *cause) { m.end(s, c, pluto.PeerDead, &deleteIKE{}) }

// endWithNotify is the same where the peer's proof is not accepted, which is what it is
// told (RFC 7296, section 2.21.2).
func (m *Machine) endWithNotify(s *ikeSA, c *cause) {
	m.end(s, c, pluto.PeerDead, &deleteIKE{notify: &message.Notify{MessageType: c.notify}})
}

// end takes all away that hangs off an IKE SA, and lets x be its last word. c is
// nil where it is no failure.
func (m *Machine) end(s *ikeSA, c *cause, why pluto.Reason, x *deleteIKE) {
	if s.state == gone {
		return
	}
	if s.state == deleting {
		return
	}
	tasks := s.all()
	told := c
	if told == nil {
		told = causef(pluto.RCFatal, "the IKE SA has ended")
	}
	waited := false
	was := s.state
	asked, again := s.underWay, s.alarm.When(atRetransmit)
	s.underWay, s.queue, s.later = nil, nil, nil
	m.become(s, deleting)
	for _, ch := range append([]*child(nil), s.children...) {
		m.removeChild(ch, why)
	}
	waits := asked != nil && was >= established && !m.closed
	rekeying := s.rekeying
	if rekeying != nil && (asked == nil || asked.exchange != exchange(rekeying)) {
		rekeying = nil
	}
	for _, t := range tasks {
		if asksNew(t) {
			waited = true
		}
		if waits && rekeying != nil && t == asked.exchange {
			rekeying.detach(m, s)
			continue
		}
		t.lost(m, s, told)
	}
	if !waited && c != nil && was != replaced {
		m.report(c.code, s.conn, s.serial, "%s%s", m.from(s), c.text)
	}
	m.proved(s)
	if s.handshake != nil {
		s.handshake.keys.Clear()
		s.handshake = nil
	}
	m.unassign(s)
	m.alarms.Clear(&s.alarm)
	if waits {
		m.set(&s.alarm, atRetransmit, again)
		asked.exchange = &deleteAfter{asked: asked.exchange, rekeying: rekeying, last: x}
		s.underWay = asked
		return
	}
	m.start(s, x)
}

// deleteAfter is the request that was under way on an IKE SA when that ended here. The
// peer takes one request after the other, so that our last word waits for the answer;
// and if the request was to replace the IKE SA, what the peer has made of it is deleted, too.
type deleteAfter struct {
	plain
	asked    exchange
	rekeying *rekeyIKE // asked, if it is one
	last     *deleteIKE
}

func (x *deleteAfter) kind() message.ExchangeType { return x.asked.kind() }

// request is not called: it has been asked already.
func (x *deleteAfter) request(*Machine, *ikeSA) ([]message.Payload, bool) { return nil, false }

func (x *deleteAfter) answered(m *Machine, s *ikeSA, payloads []message.Payload) {
	if asked, ok := x.asked.(*deleteIKE); ok {
		asked.answered(m, s, payloads)
		return
	}
	if x.rekeying != nil {
		x.rekeying.discard(m, s, payloads)
	}
	m.start(s, x.last)
}

func (x *deleteAfter) lost(m *Machine, s *ikeSA, c *cause) {
	if x.rekeying != nil {
		x.rekeying.lost(m, s, c)
	}
}
