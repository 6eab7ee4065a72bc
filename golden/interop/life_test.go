package interop

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// lives are cases in which a daemon dies.
func lives() []pairing {
	dpd := "dpddelay=1\ndpdtimeout=3\ndpdaction="
	return []pairing{
		{name: "DPD: the peer is killed, hold; the next packet brings it up again", only: "initiator", ours: dpd + "hold", then: killPeer},
		{name: "DPD: the peer is killed, restart", only: "initiator", ours: dpd + "restart\nkeyingtries=%forever", then: killPeerRestart},
		{name: "DPD: the peer is killed, clear", ours: dpd + "clear", then: killPeerClear, leftover: true},
		{name: "the peer starts again and calls", only: "responder", then: peerCallsAgain},
		{name: "DPD of the peer: we are killed, and start again", swan: swan{conn: " dpd_delay = 1s"}, then: killUs},
		{name: "our worker is killed: packets go on", then: killWorker, leftover: true},
		{name: "auto=route: the first packet is not lost", only: "initiator", up: firstPacket},
		{name: "childless IKE SA", only: "responder", swan: swan{conn: " childless = force"}},
	}
}

// gone waits until we have noticed that the peer is dead.
func gone(t *testing.T, s *session) {
	t.Helper()
	lab.Eventually(t, 15*time.Second, func() error {
		if sas := s.ours.status(t).SAs; len(sas) > 0 {
			return fmt.Errorf("we still have %d SAs, of a peer that is dead", len(sas))
		}
		return nil
	})
}

func killPeer(t *testing.T, s *session) {
	t.Helper()
	s.peer.kill(t)
	gone(t, s)
	s.peer.start(t)
	s.reload(t)
	firstPacket(t, s)
	s.ping(t)
}

func killPeerRestart(t *testing.T, s *session) {
	t.Helper()
	s.peer.kill(t)
	old := s.states(t, "ike")
	s.peer.start(t)
	s.reload(t)
	lab.Eventually(t, 25*time.Second, func() error {
		if now := s.states(t, "child"); len(now) != 1 || fmt.Sprint(s.states(t, "ike")) == fmt.Sprint(old) {
			return fmt.Errorf("the tunnel is not up again")
		}
		return nil
	})
	s.ping(t)
}

func killPeerClear(t *testing.T, s *session) {
	t.Helper()
	s.peer.kill(t)
	gone(t, s)
	s.peer.start(t)
}

// peerCallsAgain has the peer come back with no memory of its SAs.
func peerCallsAgain(t *testing.T, s *session) {
	t.Helper()
	s.peer.kill(t)
	s.peer.start(t)
	s.reload(t)
	if out, err := s.peer.initiate("c"); err != nil {
		t.Fatalf("the peer cannot bring the tunnel up again: %v\n%s", err, out)
	}
	s.ping(t)
	if n := len(s.states(t, "child")); n != 1 {
		t.Errorf("%d Child SAs, want 1: INITIAL_CONTACT replaces the old", n)
	}
}

// reload loads the configuration of a peer that has started again.
func (s *session) reload(t *testing.T) {
	t.Helper()
	s.peer.load(t, s.p)
}

// pluto returns the processes of our Pluto: the supervisor, and the worker, 0 for
// none.
func (s *session) pluto(t *testing.T) (supervisor, worker int) {
	t.Helper()
	text, err := s.ours.Try("cat /run/pluto/pluto.pid")
	if err != nil {
		t.Fatal(err)
	}
	if supervisor, err = strconv.Atoi(strings.Fields(text)[0]); err != nil {
		t.Fatal(err)
	}
	// Any thread of the supervisor may be its parent.
	children, _ := s.ours.Try(fmt.Sprintf("cat /proc/%d/task/*/children", supervisor))
	for _, word := range strings.Fields(children) {
		worker, _ = strconv.Atoi(word)
	}
	return supervisor, worker
}

func killUs(t *testing.T, s *session) {
	t.Helper()
	supervisor, worker := s.pluto(t)
	if worker == 0 {
		t.Fatal("Pluto has no worker")
	}
	// The worker may be gone by itself once its supervisor is.
	if _, err := s.ours.Try(fmt.Sprintf("kill -9 %d; kill -9 %d || :", supervisor, worker)); err != nil {
		t.Fatal(err)
	}
	lab.Eventually(t, 20*time.Second, func() error {
		if sas := s.peer.sas(); sas != "" {
			return fmt.Errorf("the peer still has SAs: %s", sas)
		}
		return nil
	})
	if out, err := s.ours.ipsec("setup", "restart"); err != nil {
		t.Fatalf("ipsec setup restart: %v\n%s", err, out)
	}
	s.ours.load(t, s.p)
	s.bring(t)
	s.ping(t)
}

func killWorker(t *testing.T, s *session) {
	t.Helper()
	_, worker := s.pluto(t)
	if worker == 0 {
		t.Fatal("Pluto has no worker")
	}
	stop := s.flood(t)
	if _, err := s.ours.Try(fmt.Sprintf("kill -9 %d", worker)); err != nil {
		t.Fatal(err)
	}
	lab.Eventually(t, 10*time.Second, func() error {
		if _, now := s.pluto(t); now == 0 || now == worker {
			return fmt.Errorf("there is no new worker")
		}
		if out, err := s.ours.ipsec("whack", "--status"); err != nil {
			return fmt.Errorf("the new worker does not answer: %w: %s", err, out)
		}
		if n := len(s.states(t, "child")); n != 1 {
			return fmt.Errorf("the new worker has %d Child SAs, want 1: negotiated anew", n)
		}
		return nil
	})
	stop()
	s.ping(t)
}

// firstPacket routes the conn, and one packet brings the tunnel up and is
// answered.
func firstPacket(t *testing.T, s *session) {
	t.Helper()
	if out, err := s.ours.ipsec("auto", "--route", "t"); err != nil {
		t.Fatalf("ipsec auto --route t: %v\n%s", err, out)
	}
	ours, theirs := s.ends()
	if out, err := s.ours.Try(fmt.Sprintf("exec ping -n -c 1 -W 5 -p %x -I %s %s", marker, ours, theirs)); err != nil {
		t.Errorf("the first packet was lost: %v\n%s", err, out)
	}
}
