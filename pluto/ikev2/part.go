package ikev2

import (
	"ipsec/pluto"
	"ipsec/pluto/ikev2/message"
)

// A part is one concern of the handshake: what it says in an exchange and what it takes from the
// peer's message, as the initiator (ask, answered) and as the responder (asked, answer,
// sent). A part that has nothing to say in one of them embeds silent. A cause ends the
// IKE SA.
type part interface {
	// ask returns what goes into our request.
	ask(t *turn) ([]message.Payload, *cause)
	// answered takes the peer's response.
	answered(t *turn) *cause
	// asked takes the peer's request.
	asked(t *turn) *cause
	// answer returns what goes into our response. All parts have been asked before.
	answer(t *turn) ([]message.Payload, *cause)
	// sent does what must not come before our response.
	sent(t *turn)
}

// turn is what a part has before it when it is its turn.
type turn struct {
	*Machine
	sa *ikeSA
	// conn is the connection that is being brought up. Of a responder it is, in IKE_SA_INIT, the
	// first that accepts the offer, and later the one that the peer has proved to be meant by; nil before that.
	conn     *pluto.Connection
	payloads []message.Payload // of the peer's message; nil when we ask
}

// silent is a part that says nothing and takes nothing.
type silent struct{}

func (silent) ask(*turn) ([]message.Payload, *cause)    { return nil, nil }
func (silent) answered(*turn) *cause                    { return nil }
func (silent) asked(*turn) *cause                       { return nil }
func (silent) answer(*turn) ([]message.Payload, *cause) { return nil, nil }
func (silent) sent(*turn)                               {}

// parts are the parts of one exchange, in the order in which they speak.
type parts []part

func (list parts) ask(t *turn) ([]message.Payload, *cause) {
	return list.say(t, part.ask)
}

func (list parts) answer(t *turn) ([]message.Payload, *cause) {
	return list.say(t, part.answer)
}

func (list parts) say(t *turn, say func(part, *turn) ([]message.Payload, *cause)) ([]message.Payload, *cause) {
	var payloads []message.Payload
	for _, p := range list {
		more, c := say(p, t)
		if c != nil || t.sa.state == gone {
			return nil, c
		}
		payloads = append(payloads, more...)
	}
	return payloads, nil
}

func (list parts) answered(t *turn) *cause { return list.take(t, part.answered) }

func (list parts) asked(t *turn) *cause { return list.take(t, part.asked) }

func (list parts) take(t *turn, take func(part, *turn) *cause) *cause {
	for _, p := range list {
		if c := take(p, t); c != nil {
			return c
		}
	}
	return nil
}

func (list parts) sent(t *turn) {
	for _, p := range list {
		p.sent(t)
	}
}

// hello is what both ends tell each other in IKE_SA_INIT beside the key exchange.
func hello() parts {
	return parts{natDetection{}, fragmentation{}, signatureHashes{}, childless{}, certRequests{}}
}

// round is an exchange of the handshake that follows IKE_SA_INIT.
type round struct {
	kind  message.ExchangeType
	parts parts
}

// rounds returns all of them, in order. Another round of authentication, or an
// IKE_INTERMEDIATE before it, is another value in this list.
func rounds() []round {
	return []round{{
		kind: message.IKEAuth,
		parts: parts{
			identities{}, certificates{}, authentication{},
			establishment{}, &childCreation{}, initialContact{},
		},
	}}
}
