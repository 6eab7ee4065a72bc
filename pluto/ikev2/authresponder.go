package ikev2

import (
	"ipsec/conf/identity"
	"ipsec/pluto"
	"ipsec/pluto/credential"
	"ipsec/pluto/ikev2/message"
)

// receiveAuth answers IKE_AUTH (RFC 7296, section 1.2).
func (m *Machine) receiveAuth(s *ikeSA, h message.Header, hash uint64, payloads []message.Payload) {
	how, c := m.authenticate(s, payloads)
	if c != nil {
		m.refuse(s, h, hash, c)
		return
	}
	idr := idPayload(s.localID, false)
	proof, err := m.prove(s, s.remoteID, idr)
	if err != nil {
		m.refuse(s, h, hash, authCause(err, s.conn))
		return
	}
	answer := append([]message.Payload{idr}, certPayloads(proof)...)
	answer = append(answer, &message.Auth{Method: message.AuthMethod(proof.Method), Data: proof.Data})
	ni, nr := s.handshake.ni, s.handshake.nr
	m.establish(s, how)
	contact := message.FindNotify(payloads, message.InitialContact) != nil
	if message.First[*message.SA](payloads) == nil {
		m.answer(s, h, hash, answer)
		m.displace(s, contact)
		m.advance(s)
		return
	}
	child, more, c := m.answerChild(s, payloads, childNonces{ni: ni, nr: nr}, nil, true)
	if c != nil {
		more = c.notification()
	}
	m.answer(s, h, hash, append(answer, more...))
	m.answeredChild(s, child, c)
	m.displace(s, contact)
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

// maxVerified bounds how many connections a peer's proof is held against.
const maxVerified = 8

// authenticate finds the connection that the peer means, and checks that the peer is
// who it says.
func (m *Machine) authenticate(s *ikeSA, payloads []message.Payload) (credential.Result, *cause) {
	idi, auth := message.FindID(payloads, true), message.First[*message.Auth](payloads)
	if idi == nil {
		return credential.Result{}, refusal(message.InvalidSyntax, "IKE_AUTH request without IDi")
	}
	peer, err := idOf(idi)
	if err != nil {
		return credential.Result{}, refusal(message.AuthenticationFailed, "%v", err)
	}
	if auth == nil {
		return credential.Result{}, refusal(message.AuthenticationFailed, "%s wants to authenticate by EAP, which is not supported; expected AUTH in IKE_AUTH", peer)
	}
	for _, r := range message.All[*message.CertReq](payloads) {
		s.handshake.addCertReq(r)
	}
	var wanted identity.ID
	if idr := message.FindID(payloads, false); idr != nil {
		if wanted, err = idOf(idr); err != nil {
			return credential.Result{}, refusal(message.AuthenticationFailed, "%v", err)
		}
	}
	fitting, c := m.whom(s, peer, wanted)
	if c != nil {
		return credential.Result{}, c
	}
	s.remoteID = peer
	var first *cause
	for i, conn := range fitting {
		if i == maxVerified {
			break
		}
		s.conn = conn
		own, err := m.ownID(s)
		var how credential.Result
		if err == nil {
			how, err = m.verify(s, conn, own, peer, idi, auth, payloads)
		}
		if err != nil {
			if first == nil {
				first = authCause(err, conn)
			}
			continue
		}
		s.conn = nil
		m.assign(s, m.Connections.Instantiate(conn, s.remote, pluto.Peer{ID: s.remoteID.String(), BehindNAT: s.nat.There}))
		s.localID, s.authMethod = own, methodOf(auth)
		return how, nil
	}
	s.conn = fitting[0] // for the report
	return credential.Result{}, first
}

// whom returns the connections that a peer that says it is id, and that it wants
// wanted (zero: nobody in particular), may mean, those that name it before those for anybody.
func (m *Machine) whom(s *ikeSA, id, wanted identity.ID) ([]*pluto.Connection, *cause) {
	var named, anybody []*pluto.Connection
	closest := refusal(message.AuthenticationFailed, "no connection for a peer that says it is %s; expected rightid=%s in one for its address", id, id)
	closest.code = pluto.RCAuthFailed
	for _, conn := range m.candidates(s.local.Addr(), s.remote.Addr()) {
		policy, err := m.ikePolicy(conn)
		if err != nil {
			continue
		}
		if _, err := policy.Choose(s.handshake.chosen.Answer(nil), s.handshake.chosen.Group); err != nil {
			continue
		}
		s.conn = conn
		own, err := m.ownID(s)
		expected, err2 := m.Credentials.PeerID(conn)
		fits := err == nil && err2 == nil && m.fits(expected, s, id)
		s.conn = nil
		switch {
		case err != nil:
			closest = authCause(err, conn)
		case err2 != nil:
			closest = authCause(err2, conn)
		case !fits:
			closest.look(conn, "rightid", "leftid", "right")
		case !wanted.IsZero() && !wanted.Equal(own):
			closest = refusal(message.AuthenticationFailed, "%s wants to speak to %s, but leftid of %s is %s", id, wanted, conn, own).look(conn, "leftid", "left")
			closest.code = pluto.RCAuthFailed
		case expected.IsZero() || expected.IsPattern():
			anybody = append(anybody, conn)
		default:
			named = append(named, conn)
		}
	}
	if len(named)+len(anybody) == 0 {
		return nil, closest
	}
	return append(named, anybody...), nil
}
