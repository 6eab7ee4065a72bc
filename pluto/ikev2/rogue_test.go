package ikev2_test

import (
	"fmt"
	"net/netip"
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
	"ipsec/pluto/traffic"
)

// rogue stands where east expects west, as an initiator that can do the
// mathematics and says what it likes.
type rogue struct {
	*world
	t        testing.TB
	at       string // where it speaks from, as westAddr:500
	answers  [][]byte
	spi      byte   // of its next IKE SA
	init     []byte // the IKE_SA_INIT request
	response []byte // ours to it, as responder
	h        message.Header
	suite    suite.Suite
	keys     keys.Keys
	ni, nr   []byte
	out, in  *keys.Protector
	id       uint32
}

const rogueSecret = "a secret"

func newRogue(t testing.TB, c ikev2.Config) *rogue {
	t.Helper()
	conn := subnets()
	w := &world{}
	w.t, _ = t.(*testing.T)
	w.Clock = plutotest.NewClock()
	w.net = plutotest.NewNetwork(w.Clock, 1)
	w.Actors = []plutotest.Actor{w.net}
	w.east = w.host(2, "east", eastAddr, c, conn.Reversed())
	r := &rogue{world: w, t: t, at: westAddr + ":500"}
	w.net.Attach(netip.MustParseAddr(westAddr), func(d pluto.Datagram) { r.answers = append(r.answers, d.Payload) })
	return r
}

// say sends bytes, lets them arrive, and returns what came back.
func (r *rogue) say(b []byte) [][]byte {
	r.answers = nil
	at := netip.MustParseAddrPort(r.at)
	r.net.Attach(at.Addr(), func(d pluto.Datagram) { r.answers = append(r.answers, d.Payload) })
	r.net.Inject(pluto.Datagram{Local: at, Remote: netip.MustParseAddrPort(eastAddr + ":500"), Payload: b})
	r.Run(50 * time.Millisecond)
	return r.answers
}

// handshake makes a half-open IKE SA, and the keys of it. It reports whether east took part.
func (r *rogue) handshake(extra ...message.Payload) bool {
	r.t.Helper()
	policy, err := offer.ForIKE(proposal.List{})
	must(r.t, err)
	group, err := suite.FindGroup(suite.Curve25519)
	must(r.t, err)
	private, err := group.Generate(plutotest.Random(uint64(r.spi), "rogue"))
	must(r.t, err)
	if r.spi++; r.spi == 0 {
		r.spi = 1
	}
	r.ni = make([]byte, 32)
	m := &message.Message{
		Header:   message.Header{InitiatorSPI: message.SPI{r.spi}, Exchange: message.IKESAInit, Flags: message.FlagInitiator},
		Payloads: append([]message.Payload{policy.Offer(nil), &message.KE{Group: group.ID, Data: private.Public()}, &message.Nonce{Data: r.ni}, &message.Notify{MessageType: message.IKEv2FragmentationSupported}}, extra...),
	}
	r.init, err = m.Marshal()
	must(r.t, err)
	answers := r.say(r.init)
	if len(answers) != 1 {
		return false
	}
	answer, err := message.Parse(answers[0])
	must(r.t, err)
	if c := message.FindNotify(answer.Payloads, message.Cookie); c != nil {
		m.Payloads = append([]message.Payload{c}, m.Payloads...)
		r.init, err = m.Marshal()
		must(r.t, err)
		if answers = r.say(r.init); len(answers) != 1 {
			return false
		}
		answer, err = message.Parse(answers[0])
		must(r.t, err)
	}
	sa, ke, nonce := message.First[*message.SA](answer.Payloads), message.First[*message.KE](answer.Payloads), message.First[*message.Nonce](answer.Payloads)
	if sa == nil || ke == nil || nonce == nil {
		return false
	}
	chosen, err := policy.Check(sa, ke.Group)
	must(r.t, err)
	r.suite, err = suite.New(chosen.IKE())
	must(r.t, err)
	shared, err := private.Shared(ke.Data)
	must(r.t, err)
	r.nr = nonce.Data
	r.h = message.Header{InitiatorSPI: answer.InitiatorSPI, ResponderSPI: answer.ResponderSPI, Flags: message.FlagInitiator}
	r.keys = keys.Derive(&r.suite, keys.Exchange{Ni: r.ni, Nr: r.nr, Shared: shared, SPIi: answer.InitiatorSPI, SPIr: answer.ResponderSPI})
	r.out, r.in, err = keys.Protectors(&r.suite, r.keys, true, plutotest.Random(9, "ivs"))
	must(r.t, err)
	r.id = 1
	return true
}

// bare returns an IKE_SA_INIT request with no more than has to be in it.
func (r *rogue) bare() []byte {
	r.t.Helper()
	policy, err := offer.ForIKE(ike(r.t, "aes256gcm16-prfsha256-curve25519"))
	must(r.t, err)
	b, err := (&message.Message{
		Header:   message.Header{InitiatorSPI: message.SPI{1}, Exchange: message.IKESAInit, Flags: message.FlagInitiator},
		Payloads: []message.Payload{policy.Offer(nil), &message.KE{Group: suite.Curve25519, Data: append([]byte{9}, make([]byte, 31)...)}, &message.Nonce{Data: make([]byte, 16)}},
	}).Marshal()
	must(r.t, err)
	return b
}

// ask sends an encrypted request, and returns the payloads of the answer; false when there
// is none.
func (r *rogue) ask(x message.ExchangeType, payloads ...message.Payload) ([]message.Payload, bool) {
	r.t.Helper()
	h := r.h
	h.Exchange, h.MessageID = x, r.id
	b, err := message.Seal(nil, h, payloads, r.out)
	must(r.t, err)
	for _, answer := range r.say(b) {
		m, err := message.Parse(answer)
		must(r.t, err)
		if !m.IsResponse() || m.MessageID != r.id || m.Exchange != x {
			continue
		}
		inner, err := m.Open(r.in)
		must(r.t, err)
		r.id++
		return inner, true
	}
	return nil, false
}

// authenticate is IKE_AUTH with a Child SA, by the secret.
func (r *rogue) authenticate(secret string, extra ...message.Payload) ([]message.Payload, bool) {
	r.t.Helper()
	return r.authenticateBy(secret, append(r.child(1), extra...)...)
}

// authenticateBy is IKE_AUTH with anything beside the proof.
func (r *rogue) authenticateBy(secret string, payloads ...message.Payload) ([]message.Payload, bool) {
	r.t.Helper()
	id := &message.ID{Initiator: true, IDType: 1, Data: netip.MustParseAddr(westAddr).AsSlice()}
	prf := r.suite.PRF
	octets := append(append(append([]byte(nil), r.init...), r.nr...), prf.Sum(r.keys.Pi, id.Body())...)
	auth := &message.Auth{Method: message.AuthSharedKey, Data: prf.Sum(prf.Sum([]byte(secret), []byte("Key Pad for IKEv2")), octets)}
	return r.ask(message.IKEAuth, append([]message.Payload{id, auth}, payloads...)...)
}

// child asks for a Child SA.
func (r *rogue) child(spi byte) []message.Payload {
	policy, err := offer.ForChild(offer.Child{Protocol: message.ProtocolESP})
	must(r.t, err)
	ts := func(net string) traffic.Selector {
		p := netip.MustParsePrefix(net)
		last := p.Addr().As4()
		last[2], last[3] = 255, 255
		return traffic.Selector{EndPort: 65535, Start: p.Addr(), End: netip.AddrFrom4(last)}
	}
	return []message.Payload{
		policy.Offer([]byte{0xaa, 0, 0, spi}),
		&message.TS{Initiator: true, Selectors: []traffic.Selector{ts(westNet)}},
		&message.TS{Selectors: []traffic.Selector{ts(eastNet)}},
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// names says what an answer is, in short.
func names(payloads []message.Payload, ok bool) string {
	if !ok {
		return "silence"
	}
	text := ""
	for _, p := range payloads {
		if text != "" {
			text += " "
		}
		if n, ok := p.(*message.Notify); ok {
			text += fmt.Sprintf("N(%s)", n.MessageType)
		} else {
			text += p.Type().String()
		}
	}
	return text
}
