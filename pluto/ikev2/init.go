package ikev2

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ipsec/pluto"
	"ipsec/pluto/ikev2/fault"
	"ipsec/pluto/ikev2/keys"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/ikev2/offer"
	"ipsec/pluto/natt"
	"ipsec/pluto/suite"
)

// initExchange is IKE_SA_INIT, as the initiator (RFC 7296, section 1.2).
type initExchange struct {
	plain
	policy offer.Policy
}

func (*initExchange) kind() message.ExchangeType { return message.IKESAInit }

// Limits of what a peer, or somebody who answers in its place, may ask of us.
const (
	maxInitResponse = 16 << 10 // bytes, with room for a CERTREQ of several hundred CAs

	maxCookies = 4
	maxGroups  = 3
)

// connect begins a new IKE SA for conn; the first of wanted goes into IKE_AUTH.
func (m *Machine) connect(conn *pluto.Connection, wanted []*createChild) *ikeSA {
	port := conn.Remote.IKEPort
	if port == 0 {
		port = natt.PortIKE
	}
	local := uint16(natt.PortIKE)
	if port == natt.Port || conn.Local.IKEPort == natt.Port {
		local = natt.Port
	}
	s := m.newSA(true,
		netip.AddrPortFrom(conn.Local.Host.Addr, local),
		netip.AddrPortFrom(conn.Remote.Host.Addr, port))
	m.become(s, initSent)
	m.assign(s, conn)
	s.handshake = &handshake{waiting: wanted}
	if m.calls.Enter(s.remote.Addr(), s) {
		m.call(s)
	}
	return s
}

// A host that has a thousand connections with one gateway does not begin all of their IKE SAs at once:
// so many are on their way to an address at a time, but for those that have been sent so many times
// without an answer. The others wait.
const (
	atOnce    = 32
	slowAfter = 3
)

// call begins an IKE SA, as it is its turn.
func (m *Machine) call(s *ikeSA) {
	policy, err := m.ikePolicy(s.conn)
	if err != nil {
		m.fail(s, causef(pluto.RCFatal, "%v", err).look(s.conn, "ike"))
		return
	}
	if err := m.exchangeKeys(s.handshake, policy.Groups()[0]); err != nil {
		m.fail(s, causef(pluto.RCCrypto, "%v", err))
		return
	}
	s.handshake.ni = m.nonce()
	s.handshake.init = &initExchange{policy: policy}
	m.start(s, s.handshake.init)
	if s.state == initSent {
		m.report(pluto.RCNewState+s.state.number(), s.conn, s.serial, "%s: sent IKE_SA_INIT request to %s", s.state.name(), s.remote)
	}
}

// yield lets the next IKE SA that waits to be begun with the peer of s be so, by the next Tick.
func (m *Machine) yield(s *ikeSA) {
	if next, ok := m.calls.Leave(s.remote.Addr(), s); ok {
		m.set(&next.alarm, atRetry, m.now)
	}
}

// exchangeKeys draws a private key of a group.
func (m *Machine) exchangeKeys(h *handshake, group uint16) error {
	g, err := suite.FindGroup(group)
	if err != nil {
		return err
	}
	h.group = group
	h.private, err = g.Generate(m.Rand)
	return err
}

func (x *initExchange) request(m *Machine, s *ikeSA) ([]message.Payload, bool) {
	h := s.handshake
	var payloads []message.Payload
	if h.cookie != nil {
		payloads = append(payloads, &message.Notify{MessageType: message.Cookie, Data: h.cookie})
	}
	payloads = append(payloads,
		x.policy.Offer(nil),
		&message.KE{Group: h.group, Data: h.private.Public()},
		&message.Nonce{Data: h.ni})
	more, _ := hello().ask(&turn{Machine: m, sa: s, conn: s.conn})
	return append(payloads, more...), true
}

// derive makes the keys of a new IKE SA and forgets the private one.
func (m *Machine) derive(s *ikeSA, peer []byte) error {
	h := s.handshake
	shared, err := h.private.Shared(peer)
	if err != nil {
		return err
	}
	h.private = nil
	h.keys = keys.Derive(s.suite, keys.Exchange{Ni: h.ni, Nr: h.nr, Shared: shared,
		SPIi: s.spiI, SPIr: s.spiR})
	clear(shared)
	return m.setKeys(s, h.keys)
}

// setKeys gives an IKE SA its keys.
func (m *Machine) setKeys(s *ikeSA, k keys.Keys) (err error) {
	s.d = append([]byte(nil), k.D...)
	s.out, s.in, err = keys.Protectors(s.suite, k, s.initiator, m.Rand)
	return err
}

// receiveInit takes a message of IKE_SA_INIT, which nothing protects.
func (m *Machine) receiveInit(d pluto.Datagram, h message.Header) {
	if h.MessageID != 0 {
		return
	}
	if !h.IsResponse() {
		m.receiveInitRequest(d, h)
		return
	}
	s := m.sas[h.InitiatorSPI]
	if s == nil || s.state != initSent || s.underWay == nil || s.remote.Addr() != d.Remote.Addr() {
		return
	}
	if len(d.Payload) > maxInitResponse {
		m.limited("packet from %s: %s of %d bytes, at most %d are taken", d.Remote, h, len(d.Payload), maxInitResponse)
		return
	}
	msg, err := message.Parse(d.Payload)
	if err != nil {
		m.limited("packet from %s: %s: %v", d.Remote, h, err)
		return
	}
	s.handshake.init.take(m, s, msg, d.Payload)
}

// answered is not called: take does its work, as most answers to IKE_SA_INIT do
// not settle it.
func (x *initExchange) answered(*Machine, *ikeSA, []message.Payload) {}

// take takes an answer to IKE_SA_INIT.
func (x *initExchange) take(m *Machine, s *ikeSA, msg *message.Message, raw []byte) {
	h := s.handshake
	if n := message.FindNotify(msg.Payloads, message.Cookie); n != nil && len(n.Data) > 0 && len(n.Data) <= 64 {
		if h.cookies++; h.cookies <= maxCookies {
			h.cookie = append([]byte(nil), n.Data...)
			m.restart(s, x)
			return
		}
		m.hint(s, causef(pluto.RCRetransmission, "the peer asks for a cookie again and again, and takes none of the %d that it was sent", maxCookies))
		return
	}
	if n := message.FindNotify(msg.Payloads, message.InvalidKEPayload); n != nil {
		x.otherGroup(m, s, n)
		return
	}
	if n := fault.First(message.All[*message.Notify](msg.Payloads)); n != nil {
		m.hint(s, refusedBy(message.IKESAInit, n, s.conn))
		return
	}
	if err := x.accept(m, s, msg, raw); err != nil {
		m.limited("packet from %s: %s: %v", s.remote, msg.Header, err)
		m.hint(s, causef(pluto.RCFatal, "unacceptable IKE_SA_INIT response from %s: %v", s.remote, err).look(s.conn, "ike"))
	}
}

// hintWait is how long a better answer may take, after an error that is not authenticated.
const hintWait = 2 * time.Second

// hint keeps what speaks against going on. Anybody on the way may have sent it: a better
// answer that comes within hintWait takes precedence.
func (m *Machine) hint(s *ikeSA, c *cause) {
	if s.handshake.hint == nil {
		s.handshake.hint = c
		m.after(&s.alarm, atRetransmit, hintWait)
	}
}

// restart sends IKE_SA_INIT anew: it keeps its message ID.
func (m *Machine) restart(s *ikeSA, x *initExchange) {
	payloads, _ := x.request(m, s)
	s.handshake.hint = nil
	m.say(s, payloads)
}

// otherGroup begins again with the group that the responder wants, if we have
// offered it (RFC 7296, section 1.2).
func (x *initExchange) otherGroup(m *Machine, s *ikeSA, n *message.Notify) {
	h := s.handshake
	if len(n.Data) != 2 {
		m.hint(s, causef(pluto.RCNotification+int(message.InvalidKEPayload), "the peer's INVALID_KE_PAYLOAD names no Diffie-Hellman group: %d bytes, expected 2", len(n.Data)))
		return
	}
	group := binary.BigEndian.Uint16(n.Data)
	fault := func(format string) {
		m.hint(s, causef(pluto.RCNotification+int(message.InvalidKEPayload), format, group).look(s.conn, "ike"))
	}
	switch {
	case !slices.Contains(x.policy.Groups(), group):
		fault("the peer wants Diffie-Hellman group %d, which we do not offer")
	case group == h.group:
		fault("the peer asks for Diffie-Hellman group %d, and refuses the key of that group that it was sent")
	case h.groups == maxGroups:
		fault("the peer asks for one Diffie-Hellman group after the other, now for %d")
	default:
		h.groups++
		if err := m.exchangeKeys(h, group); err != nil {
			m.fail(s, causef(pluto.RCCrypto, "%v", err))
			return
		}
		m.restart(s, x)
	}
}

// accept takes the answer of a responder that goes on, and sends IKE_AUTH.
func (x *initExchange) accept(m *Machine, s *ikeSA, msg *message.Message, raw []byte) error {
	sa, ke, nonce := message.First[*message.SA](msg.Payloads), message.First[*message.KE](msg.Payloads), message.First[*message.Nonce](msg.Payloads)
	if sa == nil || ke == nil || nonce == nil || msg.ResponderSPI.IsZero() {
		return fmt.Errorf("SA, KE, Nonce or SPI is missing")
	}
	if ke.Group != s.handshake.group {
		return fmt.Errorf("group %d in KE, expected %d", ke.Group, s.handshake.group)
	}
	chosen, err := x.policy.Check(sa, ke.Group)
	if err != nil {
		return err
	}
	h := s.handshake
	if s.suite, err = m.suite(chosen.IKE()); err != nil {
		return err
	}
	private := h.private
	s.spiR = msg.ResponderSPI
	h.nr = append([]byte(nil), nonce.Data...)
	if err := m.derive(s, ke.Data); err != nil {
		h.private, s.spiR = private, message.SPI{}
		return err
	}
	h.response = append([]byte(nil), raw...)
	h.hint = nil
	m.settled(s)
	h.init = nil
	if c := hello().answered(&turn{Machine: m, sa: s, conn: s.conn, payloads: msg.Payloads}); c != nil {
		return c
	}
	m.become(s, authSent)
	h.rounds = m.rounds()
	m.nextRound(s)
	return nil
}
