package interop

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// rekeys are tunnels whose keys are negotiated anew while packets go by.
func rekeys() []pairing {
	short := "keylife=8s\nrekeymargin=6s\nrekeyfuzz=0%" // after two seconds, if it was us who brought it up
	return []pairing{
		{name: "rekey of the Child SA by the peer", then: byPeer("child")},
		{name: "rekey of the Child SA by the peer, PFS", ours: "esp=aes128gcm16-ecp256", swan: swan{child: " esp_proposals = aes128gcm16-ecp256"}, then: byPeer("child")},
		{name: "rekey of the IKE SA by the peer", then: byPeer("ike")},
		{name: "rekey of both by the peer, one after the other", then: func(t *testing.T, s *session) {
			byPeer("ike")(t, s)
			byPeer("child")(t, s)
			byPeer("ike")(t, s)
		}},
		{name: "rekey of the Child SA by us", ours: short, then: byUs("child")},
		{name: "rekey of the Child SA by us, PFS", ours: short + "\nesp=aes128gcm16-ecp256", swan: swan{child: " esp_proposals = aes128gcm16-ecp256"}, then: byUs("child")},
		{name: "rekey of the Child SA by us, no PFS", ours: short + "\npfs=no", then: byUs("child")},
		{name: "rekey of the IKE SA by us", ours: "ikelifetime=8s\nrekeymargin=6s\nrekeyfuzz=0%", then: byUs("ike")},
		{name: "reauthentication by us", ours: "reauth=yes\nikelifetime=8s\nrekeymargin=6s\nrekeyfuzz=0%", then: byUs("ike")},
		{name: "reauthentication by the peer", only: "responder", swan: swan{conn: " reauth_time = 2s\n over_time = 5s\n rand_time = 0s"}, then: reauthentication},
	}
}

// kernelRekeys are those that are tried with another kernel, too.
func kernelRekeys() []pairing {
	return []pairing{
		{name: "rekey of the Child SA by the peer", then: byPeer("child")},
		{name: "rekey of the IKE SA by the peer", then: byPeer("ike")},
		{name: "rekey of the Child SA by us", ours: "keylife=8s\nrekeymargin=6s\nrekeyfuzz=0%", only: "initiator", then: byUs("child")},
	}
}

// byPeer has the peer rekey; no packet is lost.
func byPeer(what string) func(t *testing.T, s *session) {
	return func(t *testing.T, s *session) {
		t.Helper()
		s.anew(t, what, func() {
			if out, err := s.peer.rekey(what); err != nil {
				t.Errorf("the peer cannot rekey: %v\n%s", err, out)
			}
		})
	}
}

// byUs waits until our own timers have rekeyed.
func byUs(what string) func(t *testing.T, s *session) {
	return func(t *testing.T, s *session) {
		t.Helper()
		s.anew(t, what, func() {})
	}
}

// reauthentication waits for it without packets: the peer deletes its IKE SA first,
// and a packet of ours would bring it up again.
func reauthentication(t *testing.T, s *session) {
	t.Helper()
	before := fmt.Sprint(s.states(t, "ike"))
	lab.Eventually(t, 10*time.Second, func() error {
		if now := s.states(t, "ike"); len(now) != 1 || fmt.Sprint(now) == before || len(s.states(t, "child")) != 1 {
			return fmt.Errorf("the IKE SAs were %s, and are %s", before, now)
		}
		return nil
	})
	s.ping(t)
}

// anew waits until all SAs of a kind have been replaced, once begin has begun
// that, and pings all the time.
func (s *session) anew(t *testing.T, what string, begin func()) {
	t.Helper()
	before := s.states(t, what)
	stop := s.flood(t)
	begin()
	lab.Eventually(t, 10*time.Second, func() error {
		now := s.states(t, what)
		if len(now) == 0 || slices.ContainsFunc(now, func(id string) bool { return slices.Contains(before, id) }) {
			return fmt.Errorf("the %s SAs before were %s, and now there are %s:\n%s", what, before, now, s.ours.try("whack", "--status"))
		}
		return nil
	})
	stop() // when the round under way has its answers, by the new SAs
	s.ping(t)
	eventually(t, func() error {
		if n := len(s.states(t, what)); n != 1 {
			return fmt.Errorf("there are %d %s SAs, want 1:\n%s", n, what, s.ours.try("whack", "--status"))
		}
		return nil
	})
}

// flood pings all the time, until its result is called: next to none may be lost.
func (s *session) flood(t *testing.T) (stop func()) {
	t.Helper()
	ours, theirs := s.ends()
	done := make(chan string, 1)
	quit := "/run/flood.stop"
	s.ours.Try("rm -f " + quit)
	// In rounds, of which each waits for its last answer.
	go func() {
		out, _ := s.ours.Try(fmt.Sprintf("until [ -e %s ]; do ping -n -q -c 25 -i 0.01 -W 2 -p %x -I %s %s || :; done", quit, marker, ours, theirs))
		done <- out
	}()
	return func() {
		t.Helper()
		s.ours.Try("touch " + quit)
		out := <-done
		var sent, got int
		for line := range strings.Lines(out) {
			if strings.Contains(line, "packets transmitted") {
				var all, answered int
				fmt.Sscanf(line, "%d packets transmitted, %d received", &all, &answered)
				sent, got = sent+all, got+answered
			}
		}
		// A busy machine loses one of some hundred, whatever IKE does.
		if sent == 0 || got < sent-2-sent/100 {
			t.Errorf("%d pings of %d were answered:\n%s", got, sent, out)
		}
	}
}
