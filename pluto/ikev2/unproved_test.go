package ikev2_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ipsec/pluto"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/ikev2/offer"
	"ipsec/pluto/natt"
)

// TestUnprovedIdentity: a responder that says who it is, and does not prove it, is nobody in
// States.
func TestUnprovedIdentity(t *testing.T) {
	r := newRogue(t, ikev2.Config{})
	r.accept(r.called())
	junk := r.proof("another secret")
	r.reply(message.IKEAuth, 1, junk...)
	states := r.east.States()
	if len(states) == 0 {
		t.Fatal("there is no state to look at: expected one that tells the peer that its proof is not accepted")
	}
	for _, s := range states {
		if s.RemoteID != "" || s.AuthBy != "" {
			t.Errorf("#%d %s says that the peer is %q by %q", s.Serial, s.Name, s.RemoteID, s.AuthBy)
		}
	}
}

// behindNAT are the notifications of IKE_SA_INIT by which the other end is behind a NAT and east
// is not.
func behindNAT(i, r message.SPI) []message.Payload {
	east := natt.SHA1(i, r)(netip.MustParseAddrPort(eastAddr + ":500"))
	return []message.Payload{
		&message.Notify{MessageType: message.NATDetectionSourceIP, Data: make([]byte, 20)},
		&message.Notify{MessageType: message.NATDetectionDestinationIP, Data: east},
	}
}

// roam sends an empty INFORMATIONAL from each of many addresses, answers from there what comes back where it
// is to, and returns how many lines of a new address that gave.
func (r *rogue) roam(id uint32, next uint32, answering bool) (lines int) {
	r.t.Helper()
	before := len(r.east.reports)
	for i := range 200 {
		h := r.h
		h.Flags &^= message.FlagResponse
		h.Exchange, h.MessageID = message.Informational, id
		b, err := message.Seal(nil, h, nil, r.out)
		must(r.t, err)
		id += next
		from := netip.MustParseAddrPort(fmt.Sprintf("198.51.100.%d:4500", i+1))
		for _, b := range r.relay(from, b) {
			if answering {
				r.respond(from, b)
			}
		}
	}
	r.Run(time.Second)
	for _, line := range r.east.reports[before:] {
		if strings.Contains(line, "the peer's address is now") {
			lines++
		}
	}
	return lines
}

// relay sends bytes from any address and port, and returns what comes there.
func (r *rogue) relay(from netip.AddrPort, b []byte) (got [][]byte) {
	r.net.Attach(from.Addr(), func(d pluto.Datagram) {
		if d.Local == from {
			got = append(got, d.Payload)
		}
	})
	r.net.Inject(pluto.Datagram{Local: from, Remote: netip.MustParseAddrPort(eastAddr + ":4500"), Payload: b})
	r.Run(25 * time.Millisecond)
	return got
}

// respond answers a request of east with nothing, if it is one.
func (r *rogue) respond(from netip.AddrPort, b []byte) {
	m, err := message.Parse(b)
	must(r.t, err)
	if m.IsResponse() {
		return
	}
	h := m.Header
	h.Flags = message.FlagResponse | r.h.Flags&message.FlagInitiator
	answer, err := message.Seal(nil, h, nil, r.out)
	must(r.t, err)
	r.relay(from, answer)
}

// TestUnprovedRoaming: only a peer that has proved who it is moves an IKE SA.
func TestUnprovedRoaming(t *testing.T) {
	r := newRogue(t, ikev2.Config{})
	request := r.called()
	r.accept(request, behindNAT(r.h.InitiatorSPI, r.h.ResponderSPI)...)
	if n := r.roam(0, 0, true); n != 0 {
		t.Errorf("a responder without proof moved the IKE SA %d times", n)
	}
	for _, s := range r.east.States() {
		if s.Remote.Addr() != netip.MustParseAddr(westAddr) {
			t.Errorf("#%d: the peer is at %s, expected %s", s.Serial, s.Remote, westAddr)
		}
	}
}

// roamer is a rogue behind a NAT that has proved who it is.
func roamer(t *testing.T) *rogue {
	r := newRogue(t, ikev2.Config{})
	r.handshake(behindNAT(message.SPI{r.spi + 1}, message.SPI{})...)
	if got := names(r.authenticate(rogueSecret)); got != "IDr AUTH SA TSi TSr" {
		t.Fatal(got)
	}
	return r
}

// TestRoamingReports: a peer that has proved who it is moves, and cannot fill the log by that.
func TestRoamingReports(t *testing.T) {
	r := roamer(t)
	if n := r.roam(r.id, 1, true); n == 0 || n > 20 {
		t.Errorf("%d lines for 200 addresses, expected some and at most 20", n)
	}
	if at := r.east.States()[0].Remote.String(); at != "198.51.100.200:4500" {
		t.Errorf("the peer is at %s, expected the last address", at)
	}
}

// TestRelayed: somebody sends one message, or one packet, of a peer on from another address. It is answered
// there, and the peer asked there, too; but the IKE SA stays where the peer answers from.
func TestRelayed(t *testing.T) {
	home, mall := netip.MustParseAddrPort(westAddr+":500"), netip.MustParseAddrPort("198.51.100.66:4500")
	for _, tt := range []struct {
		name  string
		relay func(r *rogue) [][]byte // what comes to the relay
	}{
		{"a request", func(r *rogue) [][]byte {
			h := r.h
			h.Exchange, h.MessageID = message.Informational, r.id
			b, err := message.Seal(nil, h, nil, r.out)
			must(r.t, err)
			return r.relay(mall, b)
		}},
		{"a packet", func(r *rogue) [][]byte {
			r.east.Moved(r.east.conns.Children[0], mall)
			return r.relay(mall, nil)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := roamer(t)
			r.answers = nil
			got := tt.relay(r)
			var answers, asked int
			for _, b := range got {
				m, err := message.Parse(b)
				must(t, err)
				if m.IsResponse() {
					answers++
				} else {
					asked++
				}
			}
			if want := map[string]int{"a request": 1}[tt.name]; answers != want || asked != 1 {
				t.Errorf("%d answers and %d requests come to the relay, expected %d and one", answers, asked, want)
			}
			for _, b := range r.answers { // to where the peer is
				r.respond(home, b)
			}
			r.Run(time.Second)
			if at := r.east.States()[0].Remote; at != home {
				t.Errorf("the IKE SA is at %s, expected where the peer has answered from, %s", at, home)
			}
			c := r.east.conns.Children[0]
			if r.east.Rekey(c); r.east.conns.Moves != 0 || c.Remote != home.Addr() {
				t.Errorf("the Child SA is at %s", c.Remote)
			}
			if got := r.relay(mall, nil); len(got) != 0 {
				t.Errorf("%d more messages come to the relay", len(got))
			}
			r.Run(5 * time.Minute)
			if n := len(r.relay(mall, nil)); n != 0 {
				t.Errorf("%d messages come to the relay in the end", n)
			}
		})
	}
}

// TestEndlessInit: a responder that keeps us asking is told of by what it does.
func TestEndlessInit(t *testing.T) {
	ke := func(group ...byte) message.Payload {
		return &message.Notify{MessageType: message.InvalidKEPayload, Data: group}
	}
	for _, tt := range []struct {
		name, want string
		answer     func(i int) message.Payload
	}{
		{"cookie", "the peer asks for a cookie again and again", func(i int) message.Payload {
			return &message.Notify{MessageType: message.Cookie, Data: []byte{byte(i), 1}}
		}},
		{"same group", "the peer asks for Diffie-Hellman group 31, and refuses the key of that group that it was sent", func(int) message.Payload { return ke(0, 31) }},
		{"many groups", "the peer asks for one Diffie-Hellman group after the other", func(i int) message.Payload { return ke(0, []byte{19, 14, 20, 21}[i%4]) }},
		{"group not offered", "the peer wants Diffie-Hellman group 999, which we do not offer", func(int) message.Payload { return ke(3, 231) }},
		{"no group", "the peer's INVALID_KE_PAYLOAD names no Diffie-Hellman group: 1 bytes, expected 2", func(int) message.Payload { return ke(9) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRogue(t, ikev2.Config{})
			r.called()
			for i := 0; i < 100 && len(r.east.States()) > 0; i++ {
				r.answer(tt.answer(i))
				r.Run(500 * time.Millisecond)
			}
			if lines := strings.Join(r.east.reports, "\n"); !strings.Contains(lines, tt.want) {
				t.Errorf("expected %q in\n%s", tt.want, lines)
			}
		})
	}
}

// TestSelectorsOnce: a responder that says one traffic selector 255 times has said it once.
func TestSelectorsOnce(t *testing.T) {
	r := newRogue(t, ikev2.Config{})
	r.accept(r.called())
	policy, err := offer.ForChild(offer.Child{Protocol: message.ProtocolESP, First: true})
	must(t, err)
	chosen, err := policy.Choose(policy.Offer([]byte{0xaa, 0, 0, 3}), 0)
	must(t, err)
	child := r.child(3)
	theirs, ours := child[1].(*message.TS), child[2].(*message.TS)
	theirs.Selectors, ours.Selectors = ours.Selectors, slices.Repeat(theirs.Selectors, 255)
	r.reply(message.IKEAuth, 1, append(r.proof(rogueSecret), chosen.Answer([]byte{0xaa, 0, 0, 3}), theirs, ours)...)
	if children := r.east.conns.Children; len(children) != 1 || len(children[0].Flows) != 1 {
		t.Errorf("expected one Child SA with one flow, found %+v", children)
	}
}
