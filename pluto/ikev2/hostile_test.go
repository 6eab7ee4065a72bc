package ikev2_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ipsec/conf/proposal"
	"ipsec/pluto"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/ikev2/offer"
	"ipsec/pluto/suite"
)

// The rogue can be taken for west: the tests below are about what it says then.
func TestRogueIsTakenForWest(t *testing.T) {
	r := newRogue(t, ikev2.Config{})
	if !r.handshake() {
		t.Fatal("no handshake")
	}
	if got, want := names(r.authenticate(rogueSecret)), "IDr AUTH SA TSi TSr"; got != want || len(r.east.conns.Children) != 1 {
		t.Fatalf("got %s, want %s\n%s", got, want, strings.Join(r.east.reports, "\n"))
	}
}

// stranger is IKE_AUTH without any identity, by which no connection is found.
func (r *rogue) stranger() ([]message.Payload, bool) { return r.ask(message.IKEAuth) }

// Whoever was refused gets nowhere by going on as if it had not been.
func TestRefusedAndAskingOn(t *testing.T) {
	requests := map[string]func(*rogue) ([]message.Payload, bool){
		"authentication failed": func(r *rogue) ([]message.Payload, bool) {
			return r.ask(message.Informational, &message.Notify{MessageType: message.AuthenticationFailed})
		},
		"delete": func(r *rogue) ([]message.Payload, bool) {
			return r.ask(message.Informational, &message.Delete{Protocol: message.ProtocolIKE})
		},
		"delete a child": func(r *rogue) ([]message.Payload, bool) {
			return r.ask(message.Informational, &message.Delete{Protocol: message.ProtocolESP, SPIs: [][]byte{{0xaa, 0, 0, 1}}})
		},
		"nothing": func(r *rogue) ([]message.Payload, bool) { return r.ask(message.Informational) },
		"a child": func(r *rogue) ([]message.Payload, bool) {
			return r.ask(message.CreateChildSA, append(r.child(2), &message.Nonce{Data: make([]byte, 32)})...)
		},
		"IKE_AUTH again": func(r *rogue) ([]message.Payload, bool) { return r.authenticate(rogueSecret) },
		"malformed": func(r *rogue) ([]message.Payload, bool) {
			return r.ask(message.Informational, &message.Unknown{Number: message.TypeNotify})
		},
		"an unknown payload": func(r *rogue) ([]message.Payload, bool) {
			return r.ask(message.Informational, &message.Unknown{Number: 99, Critical: true})
		},
	}
	for name, request := range requests {
		for how, refused := range map[string]func(*rogue) ([]message.Payload, bool){
			"N(AUTHENTICATION_FAILED)": func(r *rogue) ([]message.Payload, bool) { return r.authenticate("wrong") },
			"N(INVALID_SYNTAX)":        (*rogue).stranger,
		} {
			t.Run(how+", "+name, func(t *testing.T) {
				r := newRogue(t, ikev2.Config{})
				if !r.handshake() {
					t.Fatal("no handshake")
				}
				if got := names(refused(r)); got != how {
					t.Fatalf("got %s, want %s", got, how)
				}
				if got := names(request(r)); got != "silence" {
					t.Errorf("answered with %s", got)
				}
				r.Run(3 * time.Minute)
				if n := len(r.east.conns.Children); n != 0 {
					t.Errorf("%d Child SAs\n%s", n, strings.Join(r.east.reports, "\n"))
				}
				if states := r.east.States(); len(states) != 0 {
					t.Errorf("states are left: %v", states)
				}
			})
		}
	}
}

// Before IKE_AUTH anybody can be on the other side: what it sends makes neither a
// flood of lines nor lasting states.
func TestStrangersDoNotFillTheLog(t *testing.T) {
	for name, request := range map[string]func(*rogue){
		"malformed":       func(r *rogue) { r.ask(message.IKEAuth, &message.Unknown{Number: message.TypeNotify}) },
		"unknown payload": func(r *rogue) { r.ask(message.IKEAuth, &message.Unknown{Number: 99, Critical: true}) },
		"no identity":     func(r *rogue) { r.ask(message.IKEAuth) },
		"wrong secret":    func(r *rogue) { r.authenticate("wrong") },
		"another exchange": func(r *rogue) {
			for range 5 {
				r.ask(message.CreateChildSA)
			}
		},
		"not encrypted": func(r *rogue) {
			h := r.h
			h.Exchange, h.MessageID = message.IKEAuth, 1
			b, err := (&message.Message{Header: h, Payloads: []message.Payload{&message.VendorID{}}}).Marshal()
			must(r.t, err)
			r.say(b)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRogue(t, ikev2.Config{})
			start := r.Clock.Now()
			for range 200 {
				if r.handshake() {
					request(r)
				}
			}
			seconds := int(r.Clock.Now().Sub(start) / time.Second)
			if n, most := len(r.east.reports), 20+2*seconds; n > most {
				t.Errorf("%d lines in %d seconds, at most %d expected; the last is %s", n, seconds, most, r.east.reports[n-1])
			}
			r.Run(3 * time.Minute)
			if states := r.east.States(); len(states) != 0 {
				t.Errorf("%d states are left", len(states))
			}
		})
	}
}

// A line of the log is for persons, however much a peer says.
func TestLinesAreShort(t *testing.T) {
	const longest = 2000
	r := newRogue(t, ikev2.Config{})
	if !r.handshake() {
		t.Fatal("no handshake")
	}
	if got, want := names(r.authenticate(rogueSecret)), "IDr AUTH SA TSi TSr"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	payloads := append(r.child(2), &message.Nonce{Data: make([]byte, 32)})
	ts := payloads[1].(*message.TS)
	s := ts.Selectors[0]
	s.Start, s.End = s.Start.Next(), s.Start.Next()
	s.Proto, s.StartPort, s.EndPort = 6, 1, 2
	for len(ts.Selectors) < 255 {
		ts.Selectors = append(ts.Selectors, s)
	}
	ts.Selectors[0] = s
	if got, want := names(r.ask(message.CreateChildSA, payloads...)), "N(TS_UNACCEPTABLE)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, line := range r.east.reports {
		if len(line) > longest || strings.ContainsAny(line, "\n\x00") {
			t.Errorf("%d bytes: %.200s…", len(line), line)
		}
	}
}

// What is kept of a stranger is small.
func TestLongInitRequest(t *testing.T) {
	r := newRogue(t, ikev2.Config{})
	if r.handshake(&message.VendorID{Data: make([]byte, 9000)}) {
		t.Error("an IKE_SA_INIT request of 9000 bytes was answered")
	}
	if !r.handshake(&message.VendorID{Data: make([]byte, 6000)}) {
		t.Error("one of 6000 bytes was not")
	}
}

// FuzzAnyBytes lets a rogue say anything in any state of an IKE SA: before IKE_AUTH,
// established, and refused. A record of the script is two bytes, the exchange
// and how many payloads there are, and for each payload its type, its length
// and that many bytes. Whatever it says, the machine stands, and nothing is left of it in the end.
func FuzzAnyBytes(f *testing.F) {
	for state := range byte(3) {
		f.Add(state, []byte{37, 1, 42, 4, 1, 0, 0, 0})                // D of the IKE SA
		f.Add(state, []byte{37, 1, 42, 8, 3, 4, 0, 1, 0xaa, 0, 0, 1}) // D of the Child SA
		f.Add(state, []byte{37, 1, 41, 4, 0, 0, 0, 24})               // AUTHENTICATION_FAILED
		f.Add(state, []byte{36, 2, 41, 8, 3, 4, 0x40, 9, 0xaa, 0, 0, 1, 40, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
		f.Add(state, []byte{35, 0, 36, 0, 37, 0, 43, 0, 34, 0})
		f.Add(state, []byte{37, 1, 99, 1, 0, 37, 1, 41, 0})
		f.Add(state, []byte{36, 3, 0xfb, 0, 0xfc, 0, 0xfa, 0}) // an IKE SA in place of this
		f.Add(state, []byte{36, 3, 0xfb, 0, 0xfc, 0, 0xfa, 0, 36, 3, 0xfb, 0, 0xfc, 0, 0xfa, 0, 36, 4, 0xff, 0, 0xfe, 0, 0xfd, 0, 0xfc, 0})
		f.Add(state, []byte{36, 5, 41, 8, 3, 4, 0x40, 9, 0xaa, 0, 0, 1, 0xff, 0, 0xfe, 0, 0xfd, 0, 0xfc, 0}) // a Child SA in place of the first
		f.Add(state, []byte{36, 6, 41, 8, 3, 4, 0x40, 9, 0xaa, 0, 0, 1, 0xff, 0, 0xfe, 0, 0xfd, 0, 0xfc, 0, 0xfa, 0})
		f.Add(state, []byte{36, 4, 0xff, 0, 0xfe, 0, 0xfd, 0, 0xfc, 0}) // a Child SA rightly asked for
	}
	f.Fuzz(func(t *testing.T, state byte, script []byte) {
		r := newRogue(t, ikev2.Config{})
		if !r.handshake() {
			t.Fatal("no handshake")
		}
		switch state % 3 {
		case 1:
			r.authenticate(rogueSecret)
		case 2:
			r.authenticate("wrong")
		}
		for n := 0; len(script) >= 2 && n < 20; n++ {
			exchange, count := message.ExchangeType(script[0]), int(script[1]%8)
			script = script[2:]
			var payloads []message.Payload
			for range count {
				if len(script) < 2 {
					break
				}
				kind, size := script[0], min(int(script[1]), len(script)-2)
				payloads = append(payloads, r.payload(kind, script[2:][:size]))
				script = script[2+size:]
			}
			r.ask(exchange, payloads...)
		}
		for _, line := range r.east.reports {
			if len(line) > 3000 || strings.Contains(line, "\n") {
				t.Errorf("a line of %d bytes: %.200q", len(line), line)
			}
		}
		r.net.Attach(r.east.addr, nil)
		r.Run(9 * time.Hour)
		if states := r.east.States(); len(states) != 0 {
			t.Errorf("states are left: %v", states)
		}
		if n := r.east.conns.Reserved(); n != 0 || len(r.east.conns.Children) != 0 {
			t.Errorf("%d SPIs and %d Child SAs are left", n, len(r.east.conns.Children))
		}
	})
}

// payload is one of any type and bytes; the types at the upper end stand for payloads of
// a proper request for a Child SA, or for an IKE SA in place of this one.
func (r *rogue) payload(kind byte, data []byte) message.Payload {
	switch proper := r.child(7); kind {
	case 0xff, 0xfe, 0xfd:
		return proper[0xff-kind]
	case 0xfc:
		return &message.Nonce{Data: make([]byte, 32)}
	case 0xfb:
		policy, err := offer.ForIKE(proposal.List{})
		must(r.t, err)
		return policy.Rekeying().Offer([]byte("8 bytes!"))
	case 0xfa:
		return &message.KE{Group: suite.Curve25519, Data: append([]byte{9}, make([]byte, 31)...)}
	}
	return &message.Unknown{Number: message.PayloadType(kind), Data: data}
}

// FuzzReceive lets any datagram arrive, beside an IKE SA that stands; its SPIs are put
// in where spis is odd. It changes nothing but the log.
func FuzzReceive(f *testing.F) {
	f.Add([]byte{0xff}, byte(0))
	f.Add(make([]byte, 28), byte(1))
	f.Add([]byte("IIIIIIIIRRRRRRRR\x2e\x20\x25\x08\x00\x00\x00\x02\x00\x00\x00\x20\x00\x00\x00\x04"), byte(1))
	f.Add([]byte("IIIIIIIIRRRRRRRR\x35\x20\x25\x08\x00\x00\x00\x02\x00\x00\x00\x24\x00\x00\x00\x08\x00\x01\x00\x02"), byte(1))
	f.Add([]byte("IIIIIIIIRRRRRRRR\x29\x20\x25\x08\x00\x00\x00\x02\x00\x00\x00\x24\x00\x00\x00\x08\x00\x00\x00\x0b"), byte(1))
	f.Add([]byte("IIIIIIII\x00\x00\x00\x00\x00\x00\x00\x00\x21\x20\x22\x08\x00\x00\x00\x00\x00\x00\x00\x20\x00\x00\x00\x04"), byte(0))
	f.Add([]byte("IIIIIIIIRRRRRRRR\x01\x10\x02\x00\x00\x00\x00\x00\x00\x00\x00\x1c"), byte(0))
	f.Add([]byte("IIIIIIIIRRRRRRRR\x2e\x30\x25\x08\x00\x00\x00\x02\x00\x00\x00\x20\x00\x00\x00\x04"), byte(1))
	f.Fuzz(func(t *testing.T, b []byte, spis byte) {
		r := newRogue(t, ikev2.Config{})
		if !r.handshake() {
			t.Fatal("no handshake")
		}
		if got, want := names(r.authenticate(rogueSecret)), "IDr AUTH SA TSi TSr"; got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
		b = slices.Clone(b)
		if spis&1 != 0 && len(b) >= 16 {
			copy(b, append(r.h.InitiatorSPI[:], r.h.ResponderSPI[:]...))
		}
		for range 3 {
			r.say(b)
		}
		standing := slices.ContainsFunc(r.east.States(), func(s pluto.State) bool { return s.Name == "STATE_V2_ESTABLISHED_IKE_SA" })
		if !standing || len(r.east.conns.Children) != 1 {
			t.Errorf("the IKE SA or its Child SA is gone\n%s", strings.Join(r.east.reports, "\n"))
		}
	})
}
