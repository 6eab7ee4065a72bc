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
	// child returns the Child SA that is being asked for, new or in place of another;
	// nil for none.
	child() *createChild
	// changesChildren reports whether the exchange makes, renews or deletes Child SAs, during
	// which the IKE SA is not to be rekeyed (RFC 7296, section 2.25.2).
	changesChildren() bool
}

// plain is what most exchanges have in common: they are for no connection in particular, concern
// no Child SA, and nobody waits for what comes of them.
type plain struct{}

func (plain) lost(*Machine, *ikeSA, *cause) {}
func (plain) serves(*pluto.Connection) bool { return false }
func (plain) child() *createChild           { return nil }
func (plain) changesChildren() bool         { return false }

// asksNew reports whether an exchange asks for a Child SA that there was none before.
func asksNew(x exchange) bool {
	c := x.child()
	return c != nil && c.old == nil
}
