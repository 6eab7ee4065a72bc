package ikev2

import (
	"fmt"

	"ipsec/conf/identity"
	"ipsec/pluto"
	"ipsec/pluto/credential"
	"ipsec/pluto/ikev2/fault"
	"ipsec/pluto/ikev2/message"
)

// identities says who we are and whom we expect, and takes who the peer says that it is (RFC 7296,
// section 3.5). That it is so, authentication finds out.
type identities struct{ silent }

func (identities) ask(t *turn) ([]message.Payload, *cause) {
	s, h := t.sa, t.sa.handshake
	var err error
	if s.localID, err = t.ownID(s, t.conn); err != nil {
		return nil, authCause(err, t.conn)
	}
	if h.expected, err = t.Credentials.PeerID(t.conn); err != nil {
		return nil, authCause(err, t.conn)
	}
	h.id = idPayload(s.localID, true)
	payloads := []message.Payload{h.id}
	if h.expected.OnWire() && !h.expected.IsPattern() {
		payloads = append(payloads, idPayload(h.expected, false))
	}
	return payloads, nil
}

// answered checks that the peer is the one that was called.
func (identities) answered(t *turn) *cause {
	s := t.sa
	if c := ended(fault.Auth, message.IKEAuth.String(), t.payloads, t.conn); c != nil {
		return c
	}
	idr := message.FindID(t.payloads, false)
	if idr == nil || message.First[*message.Auth](t.payloads) == nil {
		if n := fault.First(message.All[*message.Notify](t.payloads)); n != nil {
			return refusedBy(message.IKEAuth, n, t.conn)
		}
		return causef(pluto.RCFatal, "the peer's IKE_AUTH response has neither IDr with AUTH nor an error; EAP is not supported")
	}
	expected, err := t.Credentials.PeerID(t.conn)
	if err != nil {
		return authCause(err, t.conn)
	}
	peer, err := idOf(idr)
	if err != nil {
		return authCause(err, t.conn)
	}
	if s.fits(t.conn, expected, peer) {
		s.handshake.expected = peer
		return nil
	}
	if expected.IsZero() {
		expected = identity.FromAddr(s.remote.Addr())
	}
	return authCause(&credential.Error{
		Reason: credential.IDMismatch,
		Text:   fmt.Sprintf("the peer says that it is %s, expected %s", peer, expected),
		Hint:   "look at our rightid= and the peer's leftid=",
	}, t.conn)
}

func (identities) asked(t *turn) *cause {
	idi := message.FindID(t.payloads, true)
	if idi == nil {
		return refusal(message.InvalidSyntax, "IKE_AUTH request without IDi")
	}
	peer, err := idOf(idi)
	if err != nil {
		return refusal(message.AuthenticationFailed, "%v", err)
	}
	var wanted identity.ID
	if idr := message.FindID(t.payloads, false); idr != nil {
		if wanted, err = idOf(idr); err != nil {
			return refusal(message.AuthenticationFailed, "%v", err)
		}
	}
	t.sa.handshake.expected, t.sa.handshake.wanted = peer, wanted
	return nil
}

func (identities) answer(t *turn) ([]message.Payload, *cause) {
	h := t.sa.handshake
	h.id = idPayload(t.sa.localID, false)
	return []message.Payload{h.id}, nil
}

// ownID returns who we say we are by conn: leftid, or our address.
func (m *Machine) ownID(s *ikeSA, conn *pluto.Connection) (identity.ID, error) {
	id, err := m.Credentials.OwnID(conn)
	if err == nil && id.IsZero() {
		id = identity.FromAddr(s.local.Addr())
	}
	return id, err
}

// fits reports whether a peer that says it is id is the one that conn expects: nobody
// in particular, or its address, where conn names no identity.
func (s *ikeSA) fits(conn *pluto.Connection, expected, id identity.ID) bool {
	if expected.IsZero() {
		if conn.Remote.Host.Kind == pluto.HostAny || conn.Remote.AllowAny {
			return true
		}
		expected = identity.FromAddr(s.remote.Addr())
	}
	return id.Matches(expected)
}

// idOf returns the identity in a payload. The error is about the peer.
func idOf(p *message.ID) (identity.ID, error) {
	id, err := identity.FromPayload(p.IDType, p.Data)
	if err != nil {
		return id, fmt.Errorf("the peer's identity: %w", err)
	}
	return id, nil
}

// idPayload returns the payload that says id.
func idPayload(id identity.ID, initiator bool) *message.ID {
	kind, body := id.Payload()
	return &message.ID{Initiator: initiator, IDType: kind, Data: body}
}
