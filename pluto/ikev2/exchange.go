package ikev2

import (
	"ipsec/pluto"
	"ipsec/pluto/ikev2/message"
)

// exchange is a request of ours: one that waits for its turn, or the one under
// way on its IKE SA.
type exchange interface {
	kind() message.ExchangeType
	// request returns the payloads to ask with, now that its turn has come, and
	// false when there is nothing to ask any more.
	request(m *Machine, s *ikeSA) ([]message.Payload, bool)
	// answered takes the response.
	answered(m *Machine, s *ikeSA, payloads []message.Payload)
	// lost says that there will be none: the IKE SA has come to its end.
	lost(m *Machine, s *ikeSA, c *cause)
	// serves reports whether the exchange is for conn alone.
	serves(conn *pluto.Connection) bool
}

// modifies reports whether an exchange makes, renews or deletes SAs, during
// which others of that kind are turned away (RFC 7296, section 2.25.2).
func modifiesChild(x exchange) bool {
	switch x.(type) {
	case *createChild, *deleteChild:
		return true
	}
	return false
}
