package ikev2_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"ipsec/pluto"
	"ipsec/pluto/credential"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/plutotest"
)

// from sends bytes to east from any address, and returns what east has sent there at once.
func (r *rogue) from(addr string, b []byte) []*message.Message {
	at := netip.MustParseAddrPort(addr)
	r.net.Attach(at.Addr(), func(d pluto.Datagram) { r.answers = append(r.answers, d.Payload) })
	r.answers = nil
	r.east.Receive(pluto.Datagram{Local: netip.MustParseAddrPort(eastAddr + ":500"), Remote: at, Payload: bytes.Clone(b)})
	r.Run(20 * time.Millisecond)
	var answers []*message.Message
	for _, b := range r.answers {
		m, err := message.Parse(b)
		must(r.t, err)
		answers = append(answers, m)
	}
	return answers
}

// anybody is a rogue before an east that has a connection for any peer.
func anybody(t testing.TB, c ikev2.Config) *rogue {
	r := newRogue(t, c)
	r.east.conns.All[0].Remote.Host = pluto.Host{Kind: pluto.HostAny}
	return r
}

// TestSpoofedInits: somebody who writes the address of a peer into IKE_SA_INIT does not keep that
// peer out. It is asked for a cookie, and never met with silence.
func TestSpoofedInits(t *testing.T) {
	r := newRogue(t, ikev2.Config{})
	r.handshake()
	init := bytes.Clone(r.init)
	for i := range 300 {
		copy(init, fmt.Sprintf("spoof%03d", i))
		if answers := r.from(westAddr+":500", init); len(answers) != 1 {
			t.Fatalf("packet %d: %d answers", i, len(answers))
		}
		r.Run(100 * time.Millisecond)
	}
	if n := len(r.east.States()); n > 9 {
		t.Errorf("%d half-open IKE SAs", n)
	}
	west := r.host(7, "west", westAddr, ikev2.Config{}, subnets())
	west.Initiate(subnets(), nil)
	r.Run(2 * time.Second)
	if len(west.conns.Children) != 1 {
		t.Errorf("the peer does not come up\n%v", west.reports)
	}
}

// TestMemoryOfStrangers has 150 addresses keep as many half-open IKE SAs as they can, with cookies,
// and fill each with fragments. What is kept of them stays within its bound, by our count and by
// that of the heap, and who comes then comes up.
func TestMemoryOfStrangers(t *testing.T) {
	const most = 16 << 20
	r := anybody(t, ikev2.Config{})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 150 {
		addr := fmt.Sprintf("198.51.%d.%d:500", 100+i/250, 1+i%250)
		for range 27 {
			r.fill(addr, 60)
			if n := r.east.Unproved(); n > most {
				t.Fatalf("%d bytes are kept of strangers, at most %d expected", n, most)
			}
		}
	}
	if n := r.east.Unproved(); n < most/2 {
		t.Errorf("%d bytes: the test does not fill it", n)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int(after.HeapAlloc) - int(before.HeapAlloc); grown > most*3/2 {
		t.Errorf("the heap has grown by %d bytes, %d are counted", grown, r.east.Unproved())
	}
	west := r.host(7, "west", westAddr, ikev2.Config{}, subnets())
	west.Initiate(subnets(), nil)
	r.Run(2 * time.Second)
	if len(west.conns.Children) != 1 {
		t.Errorf("a peer does not come up\n%v", west.reports)
	}
	r.Run(2 * time.Minute)
	if n := r.east.Unproved(); n != 0 {
		t.Errorf("%d bytes are kept after all", n)
	}
}

// fill makes a half-open IKE SA at an address, with a cookie where it is asked for, and sends so
// many fragments of an IKE_AUTH that never ends.
func (r *rogue) fill(addr string, fragments int) {
	r.at = addr
	if !r.handshake() {
		r.t.Fatalf("no handshake from %s", addr)
	}
	h := r.h
	h.Exchange, h.MessageID = message.IKEAuth, 1
	pieces, err := message.SealFragments(h, []message.Payload{&message.VendorID{Data: make([]byte, 60<<10)}}, r.out, 1000)
	must(r.t, err)
	for _, p := range pieces[:min(fragments, len(pieces)-1)] {
		r.east.Receive(pluto.Datagram{Local: netip.MustParseAddrPort(eastAddr + ":500"), Remote: netip.MustParseAddrPort(addr), Payload: p})
	}
}

// manyCAs is credentials that ask for a certificate of one of many CAs.
type manyCAs struct {
	*credential.Store
	n int
}

func (c manyCAs) CertRequest(*pluto.Connection) []byte { return make([]byte, 20*c.n) }

// TestReflection: who repeats an IKE_SA_INIT, or has many CAs to be asked for, does not make us send
// more than twice as much to an address that has not been seen.
func TestReflection(t *testing.T) {
	for _, cas := range []int{0, 1, 40} {
		t.Run(fmt.Sprint(cas), func(t *testing.T) {
			r := anybody(t, ikev2.Config{Credentials: manyCAs{plutotest.Shared("a secret"), cas}})
			init := r.bare()
			sent, got := 0, 0
			for i := range 400 {
				if i%20 == 0 {
					copy(init, fmt.Sprintf("new%05d", i))
				}
				r.from("198.51.100.9:500", init)
				sent += len(init)
				for _, b := range r.answers {
					got += len(b)
				}
			}
			if got > 2*sent {
				t.Errorf("%d bytes came back for %d", got, sent)
			}
			answered := 0
			copy(init, "repeated")
			r.Run(time.Minute)
			for range 500 { // in 20 seconds
				answered += len(r.from("198.51.100.10:500", init))
				r.Run(20 * time.Millisecond)
			}
			if cas <= 1 && (answered < 5 || answered > 10) {
				t.Errorf("a request that came 500 times was answered %d times, expected a few", answered)
			}
		})
	}
}

// TestFloodFromOne: who has an address, and returns cookies, does not have us do one key exchange after
// the other; and still nobody is met with silence.
func TestFloodFromOne(t *testing.T) {
	r := anybody(t, ikev2.Config{})
	r.net.MinDelay, r.net.MaxDelay = time.Millisecond, time.Millisecond
	init, err := message.Parse(r.bare())
	must(t, err)
	bare := init.Payloads
	ask := func() *message.Notify {
		b, err := init.Marshal()
		must(t, err)
		r.answers = nil
		r.east.Receive(pluto.Datagram{Local: netip.MustParseAddrPort(eastAddr + ":500"), Remote: netip.MustParseAddrPort(westAddr + ":500"), Payload: b})
		if r.Run(time.Millisecond); len(r.answers) != 1 {
			t.Fatalf("%d answers to %s", len(r.answers), init.InitiatorSPI)
		}
		answer, err := message.Parse(r.answers[0])
		must(t, err)
		return message.FindNotify(answer.Payloads, message.Cookie)
	}
	for i := range 3000 { // in six seconds
		copy(init.InitiatorSPI[:], fmt.Sprintf("%08d", i))
		init.Payloads = bare
		if cookie := ask(); cookie != nil {
			init.Payloads = append([]message.Payload{cookie}, bare...)
			ask()
		}
	}
	if n := len(r.east.States()); n != 1<<10 {
		t.Errorf("%d half-open IKE SAs, expected 1024", n)
	}
}
