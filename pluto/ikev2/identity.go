package ikev2

import (
	"fmt"

	"ipsec/conf/identity"
	"ipsec/pluto/ikev2/message"
)

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
