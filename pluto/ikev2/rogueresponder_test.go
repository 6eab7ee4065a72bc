package ikev2_test

import (
	"strings"
	"testing"
	"time"

	"ipsec/conf/proposal"
	"ipsec/pluto"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/ikev2/keys"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/ikev2/offer"
	"ipsec/pluto/plutotest"
	"ipsec/pluto/suite"
)

// called lets east call the rogue, and returns what it asks first.
func (r *rogue) called() *message.Message {
	r.t.Helper()
	r.answers = nil
	r.east.Initiate(r.east.conns.All[0], nil)
	r.Run(50 * time.Millisecond)
	if len(r.answers) == 0 {
		r.t.Fatal("east does not call")
	}
	r.init = r.answers[0]
	m, err := message.Parse(r.init)
	must(r.t, err)
	r.h = message.Header{InitiatorSPI: m.InitiatorSPI, ResponderSPI: message.SPI{0xee}, Flags: message.FlagResponse}
	return m
}

// accept answers IKE_SA_INIT as it should be, and takes the keys of a responder.
func (r *rogue) accept(request *message.Message, extra ...message.Payload) {
	r.t.Helper()
	policy, err := offer.ForIKE(proposal.List{})
	must(r.t, err)
	ke := message.First[*message.KE](request.Payloads)
	chosen, err := policy.Choose(message.First[*message.SA](request.Payloads), ke.Group)
	must(r.t, err)
	r.suite, err = suite.New(chosen.IKE())
	must(r.t, err)
	private, err := r.suite.Group.Generate(plutotest.Random(7, "rogue"))
	must(r.t, err)
	shared, err := private.Shared(ke.Data)
	must(r.t, err)
	r.ni, r.nr = message.First[*message.Nonce](request.Payloads).Data, make([]byte, 32)
	r.keys = keys.Derive(&r.suite, keys.Exchange{Ni: r.ni, Nr: r.nr, Shared: shared, SPIi: r.h.InitiatorSPI, SPIr: r.h.ResponderSPI})
	r.out, r.in, err = keys.Protectors(&r.suite, r.keys, false, plutotest.Random(9, "ivs"))
	must(r.t, err)
	r.answer(append([]message.Payload{chosen.Answer(nil), &message.KE{Group: ke.Group, Data: private.Public()}, &message.Nonce{Data: r.nr}}, extra...)...)
}

// answer answers IKE_SA_INIT with anything.
func (r *rogue) answer(payloads ...message.Payload) {
	h := r.h
	h.Exchange = message.IKESAInit
	if b, err := (&message.Message{Header: h, Payloads: payloads}).Marshal(); err == nil {
		r.response = b
		r.say(b)
	}
}

// reply answers the encrypted request of that ID with anything.
func (r *rogue) reply(x message.ExchangeType, id uint32, payloads ...message.Payload) {
	r.t.Helper()
	h := r.h
	h.Exchange, h.MessageID = x, id
	b, err := message.Seal(nil, h, payloads, r.out)
	must(r.t, err)
	r.say(b)
}

// proof is what a responder proves itself with.
func (r *rogue) proof(secret string) []message.Payload {
	id := &message.ID{IDType: 1, Data: []byte{192, 0, 2, 1}}
	prf := r.suite.PRF
	octets := append(append(append([]byte(nil), r.response...), r.ni...), prf.Sum(r.keys.Pr, id.Body())...)
	return []message.Payload{id, &message.Auth{Method: message.AuthSharedKey, Data: prf.Sum(prf.Sum([]byte(secret), []byte("Key Pad for IKEv2")), octets)}}
}

// FuzzAnyAnswer lets whom east calls say anything in place of an answer: to
// IKE_SA_INIT, to IKE_AUTH before it has proved who it is, and after that.
func FuzzAnyAnswer(f *testing.F) {
	for stage := range byte(3) {
		f.Add(stage, []byte{41, 4, 0, 0, 0, 14})
		f.Add(stage, []byte{41, 6, 0, 0, 0, 17, 0, 14})
		f.Add(stage, []byte{41, 6, 0, 0, 0, 17, 0, 31, 41, 6, 0, 0, 0, 17, 0, 19})
		f.Add(stage, []byte{41, 5, 0, 0, 0x40, 6, 1, 41, 5, 0, 0, 0x40, 6, 2})
		f.Add(stage, []byte{33, 0, 34, 0, 40, 0})
		f.Add(stage, []byte{36, 4, 1, 0, 0, 0, 39, 5, 2, 0, 0, 0, 1})
		f.Add(stage, []byte{0xff, 0, 0xfe, 0, 0xfd, 0})
		f.Add(stage, []byte{0xff, 0, 44, 4, 0, 0, 0, 0, 45, 4, 0, 0, 0, 0})
	}
	f.Fuzz(func(t *testing.T, stage byte, script []byte) {
		r := newRogue(t, ikev2.Config{})
		request := r.called()
		var payloads []message.Payload
		for len(script) >= 2 && len(payloads) < 12 {
			kind, size := script[0], min(int(script[1]), len(script)-2)
			payloads = append(payloads, r.payload(kind, script[2:][:size]))
			script = script[2+size:]
		}
		switch stage % 3 {
		case 0:
			for i := range payloads {
				r.answer(payloads[i:]...)
			}
			r.accept(request, payloads...)
		case 1:
			r.accept(request)
			r.reply(message.IKEAuth, 1, payloads...)
		case 2:
			r.accept(request)
			r.reply(message.IKEAuth, 1, append(r.proof(rogueSecret), payloads...)...)
			r.reply(message.Informational, 2, payloads...)
		}
		for _, line := range r.east.reports {
			if len(line) > 3000 || strings.Contains(line, "\n") {
				t.Errorf("a line of %d bytes: %.200q", len(line), line)
			}
		}
		r.net.Attach(r.east.addr, nil)
		r.Run(9 * time.Hour)
		if states := r.east.States(); len(states) != 0 {
			t.Errorf("states are left: %v\n%s", states, strings.Join(r.east.reports, "\n"))
		}
		if n := r.east.conns.Reserved(); n != 0 || len(r.east.conns.Children) != 0 {
			t.Errorf("%d SPIs and %d Child SAs are left\n%s", n, len(r.east.conns.Children), strings.Join(r.east.reports, "\n"))
		}
	})
}

// The rogue can be taken for west by east that calls it, too.
func TestRogueAnswersForWest(t *testing.T) {
	r := newRogue(t, ikev2.Config{})
	r.accept(r.called())
	policy, err := offer.ForChild(offer.Child{Protocol: message.ProtocolESP, First: true})
	must(t, err)
	ask := r.child(3)
	chosen, err := policy.Choose(policy.Offer([]byte{0xaa, 0, 0, 3}), 0)
	must(t, err)
	tsi, tsr := ask[1].(*message.TS), ask[2].(*message.TS)
	tsi.Selectors, tsr.Selectors = tsr.Selectors, tsi.Selectors
	r.reply(message.IKEAuth, 1, append(r.proof(rogueSecret), chosen.Answer([]byte{0xaa, 0, 0, 3}), tsi, tsr)...)
	if len(r.east.conns.Children) != 1 || r.east.last != pluto.Up {
		t.Errorf("%d Child SAs\n%s", len(r.east.conns.Children), strings.Join(r.east.reports, "\n"))
	}
}
