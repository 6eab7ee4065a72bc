package ikev2

import (
	"ipsec/conf/identity"
	"ipsec/pluto"
	"ipsec/pluto/credential"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/ikev2/proof"
)

// authentication is the AUTH payload: the proof of who an end is (RFC 7296, section 2.15).
// Of the responder it finds the connection that the peer means, and of the initiator it
// checks that the peer is the one that was called.
type authentication struct{ silent }

// maxVerified bounds how many connections a peer's proof is held against.
const maxVerified = 8

func (authentication) ask(t *turn) ([]message.Payload, *cause) {
	ours := &t.sa.handshake.proof
	return []message.Payload{&message.Auth{Method: message.AuthMethod(ours.Method), Data: ours.Data}}, nil
}

func (p authentication) answer(t *turn) ([]message.Payload, *cause) { return p.ask(t) }

func (authentication) answered(t *turn) *cause {
	s, peer := t.sa, t.sa.handshake.expected
	how, err := t.verify(t.conn, s.localID, peer, message.FindID(t.payloads, false))
	if err != nil {
		return authCause(err, t.conn)
	}
	s.remoteID, s.handshake.how, s.authMethod = peer, how, how.Method
	return nil
}

func (authentication) asked(t *turn) *cause {
	s, h := t.sa, t.sa.handshake
	peer := h.expected
	if message.First[*message.Auth](t.payloads) == nil {
		return refusal(message.AuthenticationFailed, "%s wants to authenticate by EAP, which is not supported; expected AUTH in IKE_AUTH", peer)
	}
	fitting, c := t.whom(s, peer, h.wanted)
	if c != nil {
		return c
	}
	var first *cause
	for i, conn := range fitting {
		if i == maxVerified {
			break
		}
		own, err := t.ownID(s, conn)
		var how proof.Result
		if err == nil {
			how, err = t.verify(conn, own, peer, message.FindID(t.payloads, true))
		}
		if err != nil {
			if first == nil {
				first = authCause(err, conn)
			}
			continue
		}
		t.conn = t.Connections.Instantiate(conn, s.remote, pluto.Peer{ID: peer, BehindNAT: s.nat.There})
		t.assign(s, t.conn)
		s.localID, s.remoteID, h.how, s.authMethod = own, peer, how, how.Method
		return nil
	}
	s.conn = fitting[0] // for the report
	return first
}

// whom returns the connections that a peer that says it is id, and that it wants
// wanted (zero: nobody in particular), may mean, those that name it before those for anybody.
func (m *Machine) whom(s *ikeSA, id, wanted identity.ID) ([]*pluto.Connection, *cause) {
	var named, anybody []*pluto.Connection
	closest := refusal(message.AuthenticationFailed, "no connection for a peer that says it is %s; expected rightid=%s in one for its address", id, id)
	closest.code = pluto.RCAuthFailed
	unknown := closest
	local, remote := s.local.Addr(), s.remote.Addr()
	for _, conn := range spoken(m.Connections.Candidates(local, remote, id)) {
		policy, err := m.ikePolicy(conn)
		if err != nil {
			continue
		}
		if _, err := policy.Choose(s.handshake.chosen.Answer(nil), s.handshake.chosen.Group); err != nil {
			continue
		}
		own, err := m.ownID(s, conn)
		expected, err2 := m.Credentials.PeerID(conn)
		switch {
		case err != nil:
			closest = authCause(err, conn)
		case err2 != nil:
			closest = authCause(err2, conn)
		case !s.fits(conn, expected, id):
		case !wanted.IsZero() && !wanted.Equal(own):
			closest = refusal(message.AuthenticationFailed, "%s wants to speak to %s, but leftid of %s is %s", id, wanted, conn, own).look(conn, "leftid")
			closest.code = pluto.RCAuthFailed
		case expected.IsZero() || expected.IsPattern():
			anybody = append(anybody, conn)
		default:
			named = append(named, conn)
		}
	}
	if len(named)+len(anybody) == 0 {
		if offers := m.Connections.Offers(local, remote); closest == unknown && len(offers) > 0 {
			closest.look(offers[0], "rightid", "right")
		}
		return nil, closest
	}
	return append(named, anybody...), nil
}

// prove makes the proof of who we are, for peer.
func (t *turn) prove(peer identity.ID) *cause {
	s, h := t.sa, t.sa.handshake
	var err error
	h.proof, err = proof.Prove(t.Credentials, proof.Request{
		Case:   t.caseOf(s, t.conn, s.localID, peer),
		Hashes: h.hashes, CertReqs: h.certReqs,
		Octets: s.octets(h.id, s.initiator), PRF: s.prf(),
	})
	if err != nil {
		return authCause(err, t.conn)
	}
	return nil
}

// verify checks the proof of who the peer is, as conn wants it. id is as the peer has sent it.
func (t *turn) verify(conn *pluto.Connection, own, peer identity.ID, id *message.ID) (proof.Result, error) {
	s := t.sa
	auth := message.First[*message.Auth](t.payloads)
	theirs := proof.Proof{Method: uint8(auth.Method), Data: auth.Data}
	for _, c := range message.All[*message.Cert](t.payloads) {
		if c.Encoding == message.CertX509 {
			theirs.Certs = append(theirs.Certs, c.Data)
		}
	}
	return proof.Verify(t.Credentials, proof.Claim{
		Proof: theirs, Case: t.caseOf(s, conn, own, peer),
		Hashes: s.handshake.hashes,
		Octets: s.octets(id, !s.initiator), PRF: s.prf(),
	})
}

func (m *Machine) caseOf(s *ikeSA, conn *pluto.Connection, own, peer identity.ID) credential.Case {
	return credential.Case{
		Conn: conn, OwnID: own, PeerID: peer,
		OwnAddr: s.local.Addr(), PeerAddr: s.remote.Addr(), Now: m.now,
	}
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

func (s *ikeSA) prf() proof.PRF {
	prf := s.suite.PRF
	return func(key, data []byte) []byte { return prf.Sum(key, data) }
}
