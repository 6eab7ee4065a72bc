package ikev2

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"time"

	"ipsec/pluto"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/ikev2/offer"
)

// halfOpenLife is how long an initiator may take to come with IKE_AUTH.
const halfOpenLife = 30 * time.Second

// maxInitRequest is how long an IKE_SA_INIT request may be, which is kept until its
// sender has proved who it is: several times what all algorithms and a large group take.
const maxInitRequest = 8 << 10

// receiveInitRequest answers an IKE_SA_INIT request (RFC 7296, section 1.2).
func (m *Machine) receiveInitRequest(d pluto.Datagram, h message.Header) {
	if m.closed || !h.FromInitiator() || !h.ResponderSPI.IsZero() || h.InitiatorSPI.IsZero() {
		return
	}
	key := initKey{h.InitiatorSPI, d.Remote}
	if s := m.halfOpen[key]; s != nil {
		if bytes.Equal(s.handshake.request, d.Payload) && m.mayRepeat(s) {
			m.sendBy(pathOf(d), s.answer)
		}
		return
	}
	if len(d.Payload) > maxInitRequest {
		m.limited("packet from %s: %s of %d bytes, at most %d are taken", d.Remote, h, len(d.Payload), maxInitRequest)
		return
	}
	msg, err := message.Parse(d.Payload)
	var critical *message.CriticalError
	if errors.As(err, &critical) && !m.strangers.Flooded() {
		m.reply(d, h, &message.Notify{MessageType: message.UnsupportedCriticalPayload, Data: []byte{byte(critical.Payload)}})
	}
	if err != nil {
		m.limited("packet from %s: %s: %v", d.Remote, h, err)
		return
	}
	sa, ke, nonce := message.First[*message.SA](msg.Payloads), message.First[*message.KE](msg.Payloads), message.First[*message.Nonce](msg.Payloads)
	if sa == nil || ke == nil || nonce == nil {
		m.limited("packet from %s: %s: SA, KE or Nonce is missing", d.Remote, h)
		return
	}
	seen, admitted := m.admit(d, h, msg, nonce)
	if !admitted {
		return
	}
	conns := spoken(m.Connections.Offers(d.Local.Addr(), d.Remote.Addr()))
	if len(conns) == 0 {
		m.limited("packet from %s: IKE_SA_INIT for %s, but no connection with IKEv2 is loaded for this peer; expected a conn with that address, or %%any, on the other side", d.Remote, d.Local)
		if !m.strangers.Flooded() {
			m.reply(d, h, &message.Notify{MessageType: message.NoProposalChosen})
		}
		return
	}
	m.respond(d, h, msg, conns, seen)
}

// spoken keeps the connections that speak IKEv2.
func spoken(all []*pluto.Connection) []*pluto.Connection {
	usable := all[:0:0]
	for _, c := range all {
		if c.Versions.IKEv2 && c.Shunt == pluto.ShuntNone {
			usable = append(usable, c)
		}
	}
	return usable
}

// respond chooses from the offer, for the first of conns that accepts any of it. seen says that the
// initiator has shown that it is at its address.
func (m *Machine) respond(d pluto.Datagram, h message.Header, msg *message.Message, conns []*pluto.Connection, seen bool) {
	sa, ke, nonce := message.First[*message.SA](msg.Payloads), message.First[*message.KE](msg.Payloads), message.First[*message.Nonce](msg.Payloads)
	conn, chosen, err := m.chooseIKE(conns, sa, ke.Group)
	var wrong *offer.WrongGroup
	if errors.As(err, &wrong) {
		m.reply(d, h, &message.Notify{MessageType: message.InvalidKEPayload, Data: binary.BigEndian.AppendUint16(nil, wrong.Want)})
		return
	}
	if err != nil {
		c := causef(0, "%v", err).look(conns[0], "ike")
		m.limitedFor(conns[0], "packet from %s: %s", d.Remote, c.text)
		m.reply(d, h, &message.Notify{MessageType: message.NoProposalChosen})
		return
	}
	if !seen && len(m.Credentials.CertRequest(conn)) > sha1.Size {
		// Several CAs make the answer so long that whoever writes another's address into a request
		// would have it sent many times of what it sends.
		m.askCookie(d, h, nonce)
		return
	}
	suite, err := m.suite(chosen.IKE())
	if err != nil {
		m.limited("packet from %s: %v", d.Remote, err)
		m.reply(d, h, &message.Notify{MessageType: message.NoProposalChosen})
		return
	}
	s := m.newSA(false, d.Local, d.Remote)
	s.spiI, s.suite = h.InitiatorSPI, suite
	m.become(s, initDone)
	hs := &handshake{ni: bytes.Clone(nonce.Data), nr: m.nonce(), request: bytes.Clone(d.Payload), chosen: chosen, key: initKey{h.InitiatorSPI, d.Remote}, rounds: m.rounds()}
	s.handshake, s.asked = hs, pathOf(d)
	t := &turn{Machine: m, sa: s, conn: conn, payloads: msg.Payloads}
	if c := hello().asked(t); c != nil {
		m.forget(s)
		m.reply(d, h, c.notification()...)
		return
	}
	err = m.exchangeKeys(hs, ke.Group)
	public := []byte(nil)
	if err == nil {
		public = hs.private.Public()
		err = m.derive(s, ke.Data)
	}
	if err != nil {
		m.limited("packet from %s: %s: %v", d.Remote, h, err)
		m.forget(s)
		return
	}
	m.halfOpen[hs.key] = s
	m.after(&s.alarm, atExpire, halfOpenLife)
	payloads := []message.Payload{chosen.Answer(nil), &message.KE{Group: ke.Group, Data: public}, &message.Nonce{Data: hs.nr}}
	more, _ := hello().answer(t)
	m.answer(s, h, 0, append(payloads, more...))
	if len(s.answer) == 1 {
		hs.response = s.answer[0]
	}
	m.measure(s)
}

// chooseIKE returns the first of conns that accepts some of an offer.
func (m *Machine) chooseIKE(conns []*pluto.Connection, sa *message.SA, group uint16) (*pluto.Connection, offer.Chosen, error) {
	var wrong, first error
	tried := map[string]bool{} // what accepts the same refuses the same
	for _, conn := range conns {
		policy, err := m.ikePolicy(conn)
		if err == nil {
			if tried[policy.String()] {
				continue
			}
			tried[policy.String()] = true
			var chosen offer.Chosen
			if chosen, err = policy.Choose(sa, group); err == nil {
				return conn, chosen, nil
			}
		}
		if _, ok := errors.AsType[*offer.WrongGroup](err); ok && wrong == nil {
			wrong = err
		}
		if first == nil {
			first = err
		}
	}
	if wrong != nil {
		return nil, offer.Chosen{}, wrong
	}
	return nil, offer.Chosen{}, first
}
