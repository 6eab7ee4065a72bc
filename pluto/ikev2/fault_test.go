package ikev2_test

import (
	"strings"
	"testing"
	"time"

	"ipsec/pluto/ikev2"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/ikev2/offer"
)

// standing returns how many IKE SAs east has that stand.
func (r *rogue) standing() (n int) {
	for _, s := range r.east.States() {
		if s.Name == "STATE_V2_ESTABLISHED_IKE_SA" {
			n++
		}
	}
	return n
}

func faults(t message.NotifyType) message.Payload { return &message.Notify{MessageType: t} }

// TestFaultInAuth: of the errors beside the peer's proof in IKE_AUTH, three end the IKE SA, without
// a word to the peer, who has ended it; the others are about the Child SA (RFC 7296, section 2.21.2).
func TestFaultInAuth(t *testing.T) {
	for kind, stands := range map[message.NotifyType]int{
		message.InvalidSyntax: 0, message.AuthenticationFailed: 0, message.UnsupportedCriticalPayload: 0,
		message.TSUnacceptable: 1, message.NoProposalChosen: 1, message.FailedCPRequired: 1, 8191: 1,
	} {
		t.Run(kind.String(), func(t *testing.T) {
			r := newRogue(t, ikev2.Config{})
			r.accept(r.called())
			r.reply(message.IKEAuth, 1, append(r.proof(rogueSecret), faults(kind))...)
			if n := r.standing(); n != stands {
				t.Errorf("%d IKE SAs stand, expected %d\n%s", n, stands, strings.Join(r.east.reports, "\n"))
			}
			if len(r.east.conns.Failures) != 1 || !strings.Contains(r.east.conns.Failures[0], kind.String()) {
				t.Errorf("failures %q", r.east.conns.Failures)
			}
			if stands == 0 && (len(r.answers) != 0 || r.east.Kept() != 0) {
				t.Errorf("east has sent %d messages after that, and keeps %d IKE SAs", len(r.answers), r.east.Kept())
			}
		})
	}
}

// TestFaultLater: INVALID_SYNTAX ends an IKE SA that stands, whichever exchange it answers, and in a
// request; others do not.
func TestFaultLater(t *testing.T) {
	up := func(t *testing.T) *rogue {
		r := newRogue(t, ikev2.Config{})
		r.accept(r.called())
		policy, err := offer.ForChild(offer.Child{Protocol: message.ProtocolESP, First: true})
		must(t, err)
		chosen, err := policy.Choose(policy.Offer([]byte{0xaa, 0, 0, 3}), 0)
		must(t, err)
		child := r.child(3)
		theirs, ours := child[1].(*message.TS), child[2].(*message.TS)
		theirs.Selectors, ours.Selectors = ours.Selectors, theirs.Selectors
		r.reply(message.IKEAuth, 1, append(r.proof(rogueSecret), chosen.Answer([]byte{0xaa, 0, 0, 3}), theirs, ours)...)
		if r.standing() != 1 || len(r.east.conns.Children) != 1 {
			t.Fatal(strings.Join(r.east.reports, "\n"))
		}
		return r
	}
	for kind, stands := range map[message.NotifyType]int{message.InvalidSyntax: 0, message.NoAdditionalSAs: 1, message.AuthenticationFailed: 1, 8191: 1} {
		t.Run("CREATE_CHILD_SA "+kind.String(), func(t *testing.T) {
			r := up(t)
			r.east.Rekey(r.east.conns.Children[0])
			r.reply(message.CreateChildSA, 2, faults(kind))
			if n := r.standing(); n != stands || len(r.east.conns.Children) != stands {
				t.Errorf("%d IKE SAs stand, %d Child SAs, expected %d\n%s", n, len(r.east.conns.Children), stands, strings.Join(r.east.reports, "\n"))
			}
		})
	}
	for kind, stands := range map[message.NotifyType]int{message.InvalidSyntax: 0, message.AuthenticationFailed: 0, message.UnsupportedCriticalPayload: 0, message.InvalidSelectors: 1, message.InvalidSPI: 1} {
		t.Run("request "+kind.String(), func(t *testing.T) {
			r := up(t)
			h := r.h
			h.Flags = 0
			h.Exchange, h.MessageID = message.Informational, 0
			b, err := message.Seal(nil, h, []message.Payload{faults(kind)}, r.out)
			must(t, err)
			if answers := r.say(b); len(answers) != 1 {
				t.Errorf("%d answers", len(answers))
			}
			if n := r.standing(); n != stands {
				t.Errorf("%d IKE SAs stand, expected %d\n%s", n, stands, strings.Join(r.east.reports, "\n"))
			}
		})
	}
}

// TestFaultOfOurs: where we answer INVALID_SYNTAX, by which the peer takes the IKE SA for
// ended, it has ended here.
func TestFaultOfOurs(t *testing.T) {
	r := newRogue(t, ikev2.Config{})
	r.handshake()
	if got := names(r.authenticateBy(rogueSecret, r.child(1)[:2]...)); got != "N(INVALID_SYNTAX)" {
		t.Errorf("IKE_AUTH without TSr: got %s", got)
	}
	if n := r.standing(); n != 0 {
		t.Errorf("%d IKE SAs stand after that", n)
	}
	for name, ask := range map[string]func(r *rogue) ([]message.Payload, bool){
		"no nonce": func(r *rogue) ([]message.Payload, bool) { return r.ask(message.CreateChildSA, r.child(2)...) },
		"no TS": func(r *rogue) ([]message.Payload, bool) {
			return r.ask(message.CreateChildSA, r.child(2)[0], &message.Nonce{Data: make([]byte, 32)})
		},
		"unknown exchange": func(r *rogue) ([]message.Payload, bool) { return r.ask(99) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRogue(t, ikev2.Config{})
			r.handshake()
			r.authenticate(rogueSecret)
			if got := names(ask(r)); got != "N(INVALID_SYNTAX)" {
				t.Errorf("got %s", got)
			}
			if r.standing() != 0 || len(r.east.conns.Children) != 0 {
				t.Errorf("%d IKE SAs stand, with %d Child SAs", r.standing(), len(r.east.conns.Children))
			}
			r.Run(2 * time.Minute)
			if r.east.Kept() != 0 {
				t.Errorf("%d IKE SAs are kept", r.east.Kept())
			}
		})
	}
}
