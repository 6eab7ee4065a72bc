package ikev2_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ipsec/pluto"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/ikev2/message"
)

// A peer that has proved who it is may ask in vain as often as it likes, and gets no
// line for each time.
func TestTheKnownDoNotFillTheLog(t *testing.T) {
	for name, request := range map[string]func(*rogue){
		"networks": func(r *rogue) {
			payloads := append(r.child(2), &message.Nonce{Data: make([]byte, 32)})
			s := &payloads[1].(*message.TS).Selectors[0]
			s.Start, s.End = netip.MustParseAddr("172.16.0.0"), netip.MustParseAddr("172.16.255.255")
			r.ask(message.CreateChildSA, payloads...)
		},
		"unknown payload": func(r *rogue) { r.ask(message.Informational, &message.Unknown{Number: 99, Critical: true}) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRogue(t, ikev2.Config{})
			if !r.handshake() {
				t.Fatal("no handshake")
			}
			r.authenticate(rogueSecret)
			before, start := len(r.east.reports), r.Clock.Now()
			for range 200 {
				request(r)
			}
			seconds := int(r.Clock.Now().Sub(start) / time.Second)
			if n, most := len(r.east.reports)-before, 20+seconds; n == 0 || n > most {
				t.Errorf("%d lines in %d seconds, at most %d expected", n, seconds, most)
			}
			r.Run(2 * time.Minute)
			if last := r.east.reports[len(r.east.reports)-1]; !strings.Contains(last, "were left out") {
				t.Errorf("what was left out is not told; the last line is %s", last)
			}
		})
	}
}

// A peer may have so many Child SAs, by however many IKE SAs.
func TestChildrenOfAPeer(t *testing.T) {
	r := newRogue(t, ikev2.Config{Limits: ikev2.Limits{Children: 5}})
	for range 3 {
		if !r.handshake() {
			t.Fatal("no handshake")
		}
		r.authenticate(rogueSecret)
		for n := byte(2); n < 5; n++ {
			r.ask(message.CreateChildSA, append(r.child(r.spi<<4|n), &message.Nonce{Data: make([]byte, 32)})...)
		}
	}
	if n := len(r.east.conns.Children); n != 5 {
		t.Errorf("%d Child SAs", n)
	}
}

// Who has a network of IPv6 has no more addresses, in this, than one.
func TestHalfOpenLimitOfANetwork(t *testing.T) {
	any := subnets().Reversed()
	any.Local.Host = pluto.Host{Kind: pluto.HostAddr, Addr: netip.MustParseAddr("2001:db8::2")}
	any.Remote = pluto.End{Host: pluto.Host{Kind: pluto.HostAny, Six: true}}
	r := newRogue(t, ikev2.Config{})
	r.handshake() // whose request is used
	r.east = r.host(3, "six", "2001:db8::2", ikev2.Config{Limits: ikev2.Limits{PerPeer: 4}}, any)
	for i := range 20 {
		r.init[0] = byte(i + 1) // the SPI
		r.east.Receive(pluto.Datagram{
			Local:   netip.MustParseAddrPort("[2001:db8::2]:500"),
			Remote:  netip.MustParseAddrPort(fmt.Sprintf("[2001:db8:0:7::%x]:500", i+1)),
			Payload: append([]byte(nil), r.init...),
		})
	}
	if n := len(r.east.States()); n != 4 {
		t.Errorf("%d IKE SAs are half open, want 4", n)
	}
}

// A request that is begun in fragments and comes whole in the end is answered again when it
// comes whole again.
func TestFragmentsThenWhole(t *testing.T) {
	r := newRogue(t, ikev2.Config{})
	if !r.handshake() {
		t.Fatal("no handshake")
	}
	r.authenticate(rogueSecret)
	h := r.h
	h.Exchange, h.MessageID = message.Informational, r.id
	pieces, err := message.SealFragments(h, []message.Payload{&message.Notify{MessageType: 40000, Data: make([]byte, 900)}}, r.out, 576)
	must(t, err)
	if len(pieces) < 2 {
		t.Fatalf("%d fragments", len(pieces))
	}
	r.say(pieces[0])
	whole, err := message.Seal(nil, h, nil, r.out)
	must(t, err)
	for _, when := range []string{"once", "again"} {
		if n := len(r.say(whole)); n != 1 {
			t.Errorf("whole %s: %d answers", when, n)
		}
	}
}
