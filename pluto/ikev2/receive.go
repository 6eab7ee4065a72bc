package ikev2

import (
	"errors"

	"ipsec/pluto"
	"ipsec/pluto/ikev2/fault"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/natt"
)

// Receive implements pluto.Negotiator.
func (m *Machine) Receive(d pluto.Datagram) {
	m.enter()
	if natt.IsKeepalive(d.Payload) {
		return
	}
	h, err := message.ParseHeader(d.Payload)
	if err != nil {
		m.limited("packet from %s: %v", d.Remote, err)
		return
	}
	if h.Major() != 2 {
		m.otherVersion(d, h)
		return
	}
	if h.Exchange == message.IKESAInit {
		m.receiveInit(d, h)
		return
	}
	ours := h.InitiatorSPI
	if h.FromInitiator() {
		ours = h.ResponderSPI
	}
	s := m.sas[ours]
	if s == nil || s.initiator == h.FromInitiator() || s.in == nil {
		// An answer would prove nothing to the peer, who may not believe it, and
		// would make us a reflector: RFC 7296, section 2.21.4, allows silence.
		m.limited("packet from %s: %s for an IKE SA that is not there (SPIs %s, %s)", d.Remote, h, h.InitiatorSPI, h.ResponderSPI)
		return
	}
	if h.IsResponse() {
		m.receiveResponse(s, d, h)
	} else {
		m.receiveRequest(s, d, h)
	}
}

// otherVersion answers a request of a version to come with the highest that we
// speak (RFC 7296, section 2.5). One of IKEv1 is for another Negotiator.
func (m *Machine) otherVersion(d pluto.Datagram, h message.Header) {
	m.limited("packet from %s: IKE version %d.%d, expected 2.0", d.Remote, h.Version>>4, h.Version&15)
	if h.Major() < 2 || h.IsResponse() || m.strangers.Flooded() {
		return
	}
	m.reply(d, h, &message.Notify{MessageType: message.InvalidMajorVersion, Data: []byte{2}})
}

// reply answers a request without protection, and without keeping anything.
func (m *Machine) reply(d pluto.Datagram, h message.Header, payloads ...message.Payload) {
	h.Version = 0
	h.Flags = message.FlagResponse | (^h.Flags & message.FlagInitiator)
	b, err := (&message.Message{Header: h, Payloads: payloads}).Marshal()
	if err == nil {
		m.sendTo(pluto.Datagram{Local: d.Local, Remote: d.Remote, Payload: b})
	}
}

// open returns the payloads of a message: whole is false for a fragment that others
// are missing to. An error that is certain comes from the peer itself.
func (m *Machine) open(s *ikeSA, d pluto.Datagram) (payloads []message.Payload, whole, certain bool, err error) {
	msg, err := message.Parse(d.Payload)
	if err != nil {
		return nil, false, false, err
	}
	if sk := message.First[*message.Encrypted](msg.Payloads); sk != nil {
		payloads, err = sk.Open(s.in)
		return payloads, err == nil, fromPeer(err), err
	}
	if message.First[*message.EncryptedFragment](msg.Payloads) == nil {
		return nil, false, false, errors.New("nothing in it is encrypted")
	}
	if !s.fragments {
		return nil, false, false, errors.New("a fragment, although fragmentation has not been agreed on")
	}
	if s.reassembler == nil {
		s.reassembler = &message.Reassembler{}
	}
	payloads, whole, err = s.reassembler.Add(msg, s.in)
	if whole || fromPeer(err) {
		s.reassembler = nil
	}
	m.measure(s)
	return payloads, whole, fromPeer(err), err
}

// fromPeer reports whether an error is about what was inside the encryption.
func fromPeer(err error) bool {
	var syntax *message.SyntaxError
	var critical *message.CriticalError
	return errors.As(err, &syntax) || errors.As(err, &critical)
}

// receiveResponse takes what may be the answer to the request under way.
func (m *Machine) receiveResponse(s *ikeSA, d pluto.Datagram, h message.Header) {
	if s.underWay == nil || s.underWay.id != h.MessageID || s.underWay.exchange.kind() != h.Exchange {
		return // an answer to what has been answered
	}
	payloads, whole, certain, err := m.open(s, d)
	switch {
	case certain:
		m.heard(s)
		c := causef(pluto.RCFatal, "%s response from %s: %v", h.Exchange, d.Remote, err)
		m.settled(s).lost(m, s, c)
		if s.state == deleting {
			// It was the answer to our last word.
			m.drop(s, pluto.DeletedHere, c)
			return
		}
		m.endWithDelete(s, c)
		return
	case errors.Is(err, message.ErrFragment):
		return
	case err != nil:
		m.limited("packet from %s: %s: %v", d.Remote, h, err)
		return
	case !whole:
		return
	}
	m.heard(s)
	m.cameFrom(s, pathOf(d), true)
	if s.handshake == nil { // of which the parts look themselves
		if c := ended(fault.PlaceOf(h.Exchange), h.Exchange.String(), payloads, s.conn); c != nil {
			m.fail(s, c)
			return
		}
	}
	m.settled(s).answered(m, s, payloads)
	m.advance(s)
}

// receiveRequest takes a request of the peer: a new one, or one that it sends again.
func (m *Machine) receiveRequest(s *ikeSA, d pluto.Datagram, h message.Header) {
	if h.MessageID+1 == s.expected {
		if s.answer != nil && m.hash(d.Payload) == s.question {
			s.repeated = m.now.UnixNano()
			m.sendBy(pathOf(d), s.answer)
		}
		return
	}
	if h.MessageID != s.expected || s.over() {
		return
	}
	s.asked = pathOf(d)
	hash := m.hash(d.Payload)
	payloads, whole, certain, err := m.open(s, d)
	switch {
	case certain:
		m.heard(s)
		m.answerMalformed(s, h, hash, err)
		return
	case errors.Is(err, message.ErrFragment):
		return
	case err != nil:
		m.limited("packet from %s: %s: %v", d.Remote, h, err)
		return
	}
	if f := firstFragment(d.Payload); f {
		s.firstHash = hash
	}
	if !whole {
		return
	}
	if s.firstHash != 0 && message.PayloadType(d.Payload[16]) == message.TypeEncryptedFragment {
		hash = s.firstHash
	}
	s.firstHash = 0 // a request begun in fragments may come whole in the end
	m.heard(s)
	m.cameFrom(s, pathOf(d), false)
	m.rivalChosen(s, payloads)
	switch {
	case s.isNextRound(h.Exchange):
		m.receiveRound(s, h, hash, payloads)
	case s.state < established:
		m.limited("packet from %s: %s before %s", d.Remote, h, s.awaits())
	case h.Exchange == message.CreateChildSA:
		m.receiveCreate(s, h, hash, payloads)
	case h.Exchange == message.Informational:
		m.receiveInformational(s, h, hash, payloads)
	default:
		m.decline(s, h, hash, refusal(message.InvalidSyntax, "a request of %s", h.Exchange))
	}
}

// answer answers the request that h is the header of.
func (m *Machine) answer(s *ikeSA, h message.Header, question uint64, payloads []message.Payload) {
	answer, err := m.encode(s, s.header(h.Exchange, h.MessageID, true), payloads)
	if err != nil {
		m.report(pluto.RCInternal, s.conn, s.serial, "failed to answer %s: %v", h, err)
		answer = nil
	}
	m.remember(s, question, answer)
}

// decline answers a request on an IKE SA that stands with an error. One by which the peer takes the
// IKE SA for ended ends it here, too.
func (m *Machine) decline(s *ikeSA, h message.Header, hash uint64, c *cause) {
	m.answer(s, h, hash, c.notification())
	m.declined(s, c)
	if _, ends := fault.Ends([]*message.Notify{{MessageType: c.notify}}, fault.PlaceOf(h.Exchange)); ends {
		m.endedByPeer(s, causef(c.code, "the IKE SA has ended: %s", c.text))
	}
}

// declined reports what the peer has asked for in vain.
func (m *Machine) declined(s *ikeSA, c *cause) {
	if c.text != "" {
		m.limitedKnown(c.code, s, "answered with %s: %s", c.notify, c.text)
	}
}

// answerMalformed answers a request that is authentic and cannot be read. A
// payload that is not known is no reason to end anything; a peer that does
// not keep to the format is (RFC 7296, section 2.21.3).
func (m *Machine) answerMalformed(s *ikeSA, h message.Header, hash uint64, err error) {
	var critical *message.CriticalError
	if errors.As(err, &critical) {
		m.answer(s, h, hash, []message.Payload{&message.Notify{MessageType: message.UnsupportedCriticalPayload, Data: []byte{byte(critical.Payload)}}})
		if s.state == initDone {
			m.limited("%s%s: %v", m.from(s), h, err)
			m.drop(s, pluto.PeerDead, causef(pluto.RCFatal, "%v", err))
			return
		}
		m.limitedKnown(pluto.RCLogSerious, s, "%s: %v", h, err)
		return
	}
	c := refusal(message.InvalidSyntax, "%s: %v; the IKE SA ends", h, err)
	m.answer(s, h, hash, c.notification())
	if s.state == initDone { // anybody may have sent this
		m.limited("%s%s", m.from(s), c.text)
		m.drop(s, pluto.PeerDead, c)
		return
	}
	m.fail(s, c)
}

// heard notes a sign of life.
func (m *Machine) heard(s *ikeSA) { s.heardAt = m.now.UnixNano() }

// firstFragment reports whether a message of more than one is the one by which
// a repetition is known (RFC 7383, section 2.6.1).
func firstFragment(b []byte) bool {
	const number = message.HeaderLen + 4
	return message.PayloadType(b[16]) == message.TypeEncryptedFragment && len(b) > number+1 && b[number] == 0 && b[number+1] == 1
}
