package ikev2

import (
	"slices"

	"ipsec/pluto"
	"ipsec/pluto/ikev2/message"
)

// childCreation makes the first Child SA in the same exchange as the proof of who the ends are
// (RFC 7296, section 1.2). It comes after the establishment: the IKE SA stands, whatever becomes of it.
type childCreation struct {
	asking *createChild // the first of those that wait for the IKE SA; nil for none
	nonces childNonces  // of IKE_SA_INIT, of which the keys are made

	made    *child // for the peer
	refused *cause // why not
}

func (p *childCreation) ask(t *turn) ([]message.Payload, *cause) {
	s, h := t.sa, t.sa.handshake
	p.nonces = childNonces{ni: h.ni, nr: h.nr}
	var payloads []message.Payload
	for len(h.waiting) > 0 && p.asking == nil {
		if child, ok := h.waiting[0].propose(t.Machine, s, true); ok {
			p.asking, payloads = h.waiting[0], child
			p.asking.proposed = true
			return payloads, nil
		}
		if s.state == gone {
			return nil, nil
		}
		h.waiting = h.waiting[1:]
	}
	if !s.childless {
		t.drop(s, pluto.DeletedHere, causef(pluto.RCFatal, "nothing is left to negotiate"))
	}
	return nil, nil
}

func (p *childCreation) answered(t *turn) *cause {
	if x := p.asking; x != nil {
		t.sa.queue = slices.DeleteFunc(t.sa.queue, func(w exchange) bool { return w == exchange(x) })
		x.answeredAuth(t.Machine, t.sa, t.payloads, p.nonces)
	}
	return nil
}

func (p *childCreation) asked(t *turn) *cause {
	if message.First[*message.SA](t.payloads) != nil && (message.FindTS(t.payloads, true) == nil || message.FindTS(t.payloads, false) == nil) {
		return refusal(message.InvalidSyntax, "IKE_AUTH request with SA, and without TSi or TSr")
	}
	p.nonces = childNonces{ni: t.sa.handshake.ni, nr: t.sa.handshake.nr}
	return nil
}

func (p *childCreation) answer(t *turn) (payloads []message.Payload, _ *cause) {
	if message.First[*message.SA](t.payloads) == nil {
		return nil, nil
	}
	p.made, payloads, p.refused = t.answerChild(t.sa, t.payloads, p.nonces, nil, true)
	if p.refused != nil {
		payloads = p.refused.notification()
	}
	return payloads, nil
}

func (p *childCreation) sent(t *turn) {
	switch {
	case p.made != nil:
		t.announce(p.made)
	case p.refused != nil:
		t.declined(t.sa, p.refused)
	}
}
