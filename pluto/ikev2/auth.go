package ikev2

import (
	"fmt"
	"slices"

	"ipsec/conf/identity"
	"ipsec/pluto"
	"ipsec/pluto/credential"
	"ipsec/pluto/ikev2/message"
)

// authExchange is IKE_AUTH, as the initiator (RFC 7296, section 1.2). It carries
// the first of the Child SAs that wait for the IKE SA.
type authExchange struct {
	first *createChild
}

func (*authExchange) kind() message.ExchangeType    { return message.IKEAuth }
func (*authExchange) lost(*Machine, *ikeSA, *cause) {}
func (*authExchange) serves(*pluto.Connection) bool { return false }

func (x *authExchange) request(m *Machine, s *ikeSA) ([]message.Payload, bool) {
	h := s.handshake
	var err error
	if s.localID, err = m.ownID(s); err != nil {
		m.collapse(s, authCause(err, s.conn))
		return nil, false
	}
	expected, err := m.Credentials.PeerID(s.conn)
	if err != nil {
		m.collapse(s, authCause(err, s.conn))
		return nil, false
	}
	idi := idPayload(s.localID, true)
	proof, err := m.prove(s, expected, idi)
	if err != nil {
		m.collapse(s, authCause(err, s.conn))
		return nil, false
	}
	payloads := []message.Payload{idi}
	payloads = append(payloads, certPayloads(proof)...)
	if wanted := m.Credentials.CertRequest(s.conn); wanted != nil {
		payloads = append(payloads, &message.CertReq{Encoding: message.CertX509, Data: wanted})
	}
	if expected.OnWire() && !expected.IsPattern() {
		payloads = append(payloads, idPayload(expected, false))
	}
	payloads = append(payloads, &message.Auth{Method: message.AuthMethod(proof.Method), Data: proof.Data})
	if !m.knows(s, s.localID, expected) && !m.Connections.Adopted(s.remote.Addr()) {
		payloads = append(payloads, &message.Notify{MessageType: message.InitialContact})
	}
	for len(h.waiting) > 0 && x.first == nil {
		child, ok := h.waiting[0].propose(m, s, true)
		if ok {
			x.first = h.waiting[0]
			payloads = append(payloads, child...)
		}
		if s.state == gone {
			return nil, false
		}
		h.waiting = h.waiting[1:]
	}
	if x.first == nil && !s.childless {
		m.drop(s, pluto.DeletedHere, causef(pluto.RCFatal, "nothing is left to negotiate"))
		return nil, false
	}
	if x.first != nil {
		h.waiting = append([]*createChild{x.first}, h.waiting...)
	}
	m.report(pluto.RCNewState+authSent.number(), s.conn, s.serial, "%s: sent IKE_AUTH request {%s}", authSent.name(), s.suite)
	return payloads, true
}

// ownID returns who we say we are: leftid, or our address.
func (m *Machine) ownID(s *ikeSA) (identity.ID, error) {
	id, err := m.Credentials.OwnID(s.conn)
	if err == nil && id.IsZero() {
		id = identity.FromAddr(s.local.Addr())
	}
	return id, err
}

func certPayloads(p credential.Proof) []message.Payload {
	var payloads []message.Payload
	for _, der := range p.Certs {
		payloads = append(payloads, &message.Cert{Encoding: message.CertX509, Data: der})
	}
	return payloads
}

// octets is what is signed: an end's first message, the other's nonce, and a MAC of its ID
// (RFC 7296, section 2.15).
func (s *ikeSA) octets(id *message.ID, initiator bool) []byte {
	h := s.handshake
	first, nonce, key := h.response, h.ni, h.keys.Pr
	if initiator {
		first, nonce, key = h.request, h.nr, h.keys.Pi
	}
	b := make([]byte, 0, len(first)+len(nonce)+64)
	return append(append(append(b, first...), nonce...), s.suite.PRF.Sum(key, id.Body())...)
}

func (s *ikeSA) prf() credential.PRF {
	prf := s.suite.PRF
	return func(key, data []byte) []byte { return prf.Sum(key, data) }
}

// prove makes the proof of who we are.
func (m *Machine) prove(s *ikeSA, peer identity.ID, id *message.ID) (credential.Proof, error) {
	return m.Credentials.Prove(credential.Request{
		Conn:  s.conn,
		OwnID: s.localID, PeerID: peer,
		OwnAddr: s.local.Addr(), PeerAddr: s.remote.Addr(),
		Hashes: s.handshake.hashes, CertReqs: s.handshake.certReqs,
		Octets: s.octets(id, s.initiator), PRF: s.prf(), Now: m.now,
	})
}

// verify checks the proof of who the peer is, as conn wants it.
func (m *Machine) verify(s *ikeSA, conn *pluto.Connection, own, peer identity.ID, id *message.ID, auth *message.Auth, payloads []message.Payload) (credential.Result, error) {
	proof := credential.Proof{Method: uint8(auth.Method), Data: auth.Data}
	for _, c := range message.All[*message.Cert](payloads) {
		if c.Encoding == message.CertX509 {
			proof.Certs = append(proof.Certs, c.Data)
		}
	}
	return m.Credentials.Verify(credential.Claim{
		Proof: proof, Conn: conn,
		OwnID: own, PeerID: peer,
		OwnAddr: s.local.Addr(), PeerAddr: s.remote.Addr(),
		Hashes: s.handshake.hashes,
		Octets: s.octets(id, !s.initiator), PRF: s.prf(), Now: m.now,
	})
}

func (x *authExchange) answered(m *Machine, s *ikeSA, payloads []message.Payload) {
	idr, auth := message.FindID(payloads, false), message.First[*message.Auth](payloads)
	if idr == nil || auth == nil {
		for _, n := range message.All[*message.Notify](payloads) {
			if n.MessageType.IsError() {
				m.collapse(s, refused(message.IKEAuth, n, s.conn))
				return
			}
		}
		m.endWithDelete(s, causef(pluto.RCFatal, "the peer's IKE_AUTH response has neither IDr with AUTH nor an error; EAP is not supported").look(s.conn))
		return
	}
	how, err := m.verifyResponder(s, idr, auth, payloads)
	if err != nil {
		m.endWithNotify(s, authCause(err, s.conn))
		return
	}
	s.authMethod = methodOf(auth)
	nonces := childNonces{ni: s.handshake.ni, nr: s.handshake.nr}
	s.handshake.waiting = slices.DeleteFunc(s.handshake.waiting, func(w *createChild) bool { return w == x.first })
	m.establish(s, how)
	if x.first != nil {
		x.first.answeredAuth(m, s, payloads, nonces)
	}
}

// verifyResponder checks that the peer is the one that was called.
func (m *Machine) verifyResponder(s *ikeSA, idr *message.ID, auth *message.Auth, payloads []message.Payload) (how credential.Result, err error) {
	expected, err := m.Credentials.PeerID(s.conn)
	if err != nil {
		return how, err
	}
	if s.remoteID, err = idOf(idr); err != nil {
		return how, err
	}
	if !m.fits(expected, s, s.remoteID) {
		if expected.IsZero() {
			expected = identity.FromAddr(s.remote.Addr())
		}
		return how, &credential.Error{
			Reason: credential.IDMismatch,
			Text:   fmt.Sprintf("the peer says that it is %s, expected %s", s.remoteID, expected),
			Hint:   "look at our rightid= and the peer's leftid=",
		}
	}
	return m.verify(s, s.conn, s.localID, s.remoteID, idr, auth, payloads)
}

// fits reports whether a peer that says it is id is the one that is expected: nobody
// in particular, or its address, where the conn names no identity.
func (m *Machine) fits(expected identity.ID, s *ikeSA, id identity.ID) bool {
	if expected.IsZero() {
		if s.conn.Remote.Host.Kind == pluto.HostAny || s.conn.Remote.AllowAny {
			return true
		}
		expected = identity.FromAddr(s.remote.Addr())
	}
	return id.Matches(expected)
}

func methodOf(a *message.Auth) pluto.AuthMethod {
	switch a.Method {
	case message.AuthSharedKey:
		return pluto.AuthPSK
	case message.AuthECDSA256, message.AuthECDSA384, message.AuthECDSA521:
		return pluto.AuthECDSA
	}
	return pluto.AuthRSA
}

// establish ends the handshake: both ends have proved who they are.
func (m *Machine) establish(s *ikeSA, how credential.Result) {
	waiting := s.handshake.waiting
	m.notHalfOpen(s)
	s.handshake.keys.Clear()
	s.handshake = nil
	m.become(s, established)
	m.enlist(s)
	for _, w := range how.Warnings {
		m.report(pluto.RCLogSerious, s.conn, s.serial, "%s", w)
	}
	by := how.How
	if how.Key != "" {
		by += ", " + how.Key
	}
	m.report(pluto.RCNewState+s.state.number(), s.conn, s.serial, "%s: established IKE SA with %s at %s, authenticated by %s {%s}", s.state.name(), s.remoteID, s.remote, by, s.suite)
	m.startTimers(s)
	for _, w := range waiting {
		s.queue = append(s.queue, w)
	}
}
