package ikev2

import (
	"ipsec/pluto"
	"ipsec/pluto/ikev2/message"
)

// maxCertReqs bounds what is kept of a peer's wishes.
const maxCertReqs = 32

// certRequests tells the initiator, in IKE_SA_INIT, of which CAs we take certificates (RFC 7296,
// section 3.7). The initiator itself says so beside its own, in IKE_AUTH.
type certRequests struct{ silent }

func (certRequests) answer(t *turn) ([]message.Payload, *cause) { return t.certRequest(t.conn), nil }

func (certRequests) answered(t *turn) *cause {
	t.sa.handshake.keepCertReqs(t.payloads)
	return nil
}

// certRequest returns the CERTREQ for the peer of conn; nothing where it needs no certificate.
func (m *Machine) certRequest(conn *pluto.Connection) []message.Payload {
	wanted := m.Credentials.CertRequest(conn)
	if wanted == nil {
		return nil
	}
	return []message.Payload{&message.CertReq{Encoding: message.CertX509, Data: wanted}}
}

func (h *handshake) keepCertReqs(payloads []message.Payload) {
	for _, r := range message.All[*message.CertReq](payloads) {
		if r.Encoding == message.CertX509 && len(h.certReqs) < maxCertReqs {
			h.certReqs = append(h.certReqs, append([]byte(nil), r.Data...))
		}
	}
}

// certificates are what goes with the proof of who we are, which is made here (RFC 7296, section
// 3.6). Those of the peer are read with its proof.
type certificates struct{ silent }

func (certificates) ask(t *turn) ([]message.Payload, *cause) {
	if c := t.prove(t.sa.handshake.expected); c != nil {
		return nil, c
	}
	return append(t.certs(), t.certRequest(t.conn)...), nil
}

func (certificates) asked(t *turn) *cause {
	t.sa.handshake.keepCertReqs(t.payloads)
	return nil
}

func (certificates) answer(t *turn) ([]message.Payload, *cause) {
	if c := t.prove(t.sa.remoteID); c != nil {
		return nil, c
	}
	return t.certs(), nil
}

func (t *turn) certs() []message.Payload {
	var payloads []message.Payload
	for _, der := range t.sa.handshake.proof.Certs {
		payloads = append(payloads, &message.Cert{Encoding: message.CertX509, Data: der})
	}
	return payloads
}
