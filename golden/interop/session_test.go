package interop

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// marker is in each ping, 16 bytes again and again: none may pass the link in
// the clear.
const marker = "this is in clear"

// session is both sides, while cases are at work.
type session struct {
	ours    *gateway
	peer    peer
	capture *lab.Capture
	report  *outcomes

	p         *pairing // the case
	initiator bool
	began     time.Time
	stuck     bool // SAs of the case before do not go
}

// newSession begins with our side started and nothing loaded.
func newSession(t *testing.T, ours *lab.Machine, r *outcomes) *session {
	return &session{ours: startOurs(t, ours), capture: lab.CaptureOn(t, ours, link, marker), report: r}
}

// run tries all cases in all their roles.
func (s *session) run(t *testing.T, cases []pairing) {
	for i := range cases {
		p := &cases[i]
		for _, role := range p.roles() {
			t.Run(p.name+" as "+role, func(t *testing.T) { s.one(t, p, role) })
			if s.stuck {
				t.Fatal("what a case has left is in the way of the next")
			}
		}
	}
}

// one tries a case in a role.
func (s *session) one(t *testing.T, p *pairing, role string) {
	s.p, s.initiator, s.began = p, role == "initiator", time.Now()
	r := s.report.row(p, role, s.peer)
	s.load(t)
	if p.undo != nil {
		defer p.undo(t, s)
	}
	if p.ready != nil {
		p.ready(t, s)
	}
	defer func() {
		if leaks := s.capture.Between(s.began, time.Now()); len(leaks) > 0 != p.plain {
			t.Errorf("%d packets passed the link in the clear: %.1v", len(leaks), leaks)
		}
		r.ok = !t.Failed()
		if t.Failed() {
			t.Logf("our conn:\n%s\nour log:\n%s\nour status:\n%s\nthe peer's SAs:\n%s", p.ours, tail(s.ours.log(), 30), s.ours.try("whack", "--status"), s.peer.sas())
		}
	}()
	if len(p.refused) > 0 {
		r.said = s.refused(t)
		return
	}
	s.bring(t)
	if t.Failed() {
		return
	}
	s.ping(t)
	r.algorithms, r.esp = s.agreed(t), s.seen()
	if p.then != nil && !t.Failed() {
		p.then(t, s)
	}
	if !p.leftover {
		s.down(t)
	}
}

// load makes the case the whole configuration of both sides.
func (s *session) load(t *testing.T) {
	t.Helper()
	if err := s.ours.forget(t); err != nil {
		s.stuck = true
		t.Fatal(err)
	}
	s.peer.load(t, s.p)
	s.ours.load(t, s.p)
}

// bring brings the tunnel up from the side that is the initiator.
func (s *session) bring(t *testing.T) {
	t.Helper()
	switch {
	case s.p.up != nil:
		s.p.up(t, s)
	case s.initiator:
		if out, err := s.ours.ipsec("auto", "--up", "t"); err != nil {
			t.Fatalf("ipsec auto --up t: %v\n%s", err, out)
		}
	default:
		if out, err := s.peer.initiate("c"); err != nil {
			t.Fatalf("the peer cannot bring the tunnel up: %v\n%s", err, out)
		}
	}
}

// ends returns the hosts that ping each other.
func (s *session) ends() (ours, theirs string) {
	return or(s.p.from, ourHost), or(s.p.to, peerHost)
}

// ping sends pings, which are answered, and compares the counts of both ends and of a
// capture.
func (s *session) ping(t *testing.T) {
	t.Helper()
	ours, theirs := s.ends()
	s.pingBetween(t, ours, theirs)
}

func (s *session) pingBetween(t *testing.T, ours, theirs string) {
	t.Helper()
	here, there, wire := s.ours.packets(t), s.peer.packets(t), s.onWire()
	children := fmt.Sprint(s.states(t, "child"))
	if out, err := s.ours.Try(pingFrom(ours, theirs, 300)); err != nil {
		t.Errorf("ping from %s to %s: %v\n%s", ours, theirs, err, out)
	}
	if out, err := s.peer.Try(pingFrom(theirs, ours, 1000)); err != nil {
		t.Errorf("ping from %s to %s: %v\n%s", theirs, ours, err, out)
	}
	const want = 4 * pings
	eventually(t, func() error {
		here, there, wire := s.ours.packets(t)-here, s.peer.packets(t)-there, s.onWire()-wire
		if fmt.Sprint(s.states(t, "child")) != children {
			return nil // rekeyed meanwhile, and counted anew
		}
		if there < 0 { // the peer has forgotten what it had replaced
			there = want
		}
		// A busy machine may keep a packet from the capture.
		if here < want || there < want || wire < want-2 {
			return fmt.Errorf("we count %d packets, the peer %d, the capture %d; want %d at least", here, there, wire, want)
		}
		return nil
	})
}

// pingFrom returns a script that pings.
func pingFrom(from, to string, size int) string {
	return fmt.Sprintf("exec ping -n -c %d -i 0.02 -W 2 -s %d -p %x -I %s %s", pings, size, marker, from, to)
}

// form returns how packets of the case should travel.
func (s *session) form() string {
	switch {
	case s.p.esp != "":
		return s.p.esp
	case s.p.udp:
		return "udp"
	}
	return s.peer.esp()
}

var kinds = map[string]string{"raw": "esp", "udp": "udp", "ah": "ah"}

// onWire returns how many packets of the right form have passed the link.
func (s *session) onWire() int { return s.capture.Count(kinds[s.form()]) }

// seen returns what the table calls that form.
func (s *session) seen() string {
	return map[string]string{"raw": "raw", "udp": "in UDP", "ah": "AH"}[s.form()]
}

// agreed returns the algorithms of the newest SAs.
func (s *session) agreed(t *testing.T) string {
	t.Helper()
	list := map[string]string{}
	for _, sa := range s.ours.status(t).SAs {
		list[sa.Kind] = sa.Algorithms
	}
	return list["ike"] + "; " + list["child"]
}

// down takes the tunnel down from the side that brought it up, after which
// neither has any SA.
func (s *session) down(t *testing.T) {
	t.Helper()
	if s.initiator {
		if out, err := s.ours.ipsec("auto", "--down", "t"); err != nil {
			t.Errorf("ipsec auto --down t: %v\n%s", err, out)
		}
	} else if out, err := s.peer.terminate(); err != nil {
		t.Errorf("the peer cannot take the tunnel down: %v\n%s", err, out)
	}
	s.nothing(t)
}

// nothing waits until neither side has an SA any more.
func (s *session) nothing(t *testing.T) {
	t.Helper()
	eventually(t, func() error {
		if sas := s.ours.status(t).SAs; len(sas) > 0 {
			return fmt.Errorf("we still have %d SAs: %s", len(sas), s.ours.try("whack", "--status"))
		}
		if sas := s.peer.sas(); sas != "" {
			return fmt.Errorf("the peer still has SAs: %s", sas)
		}
		return nil
	})
}

var (
	serial   = regexp.MustCompile(`#\d+`)
	reported = regexp.MustCompile(`pluto: (?:"t"(?:\[\d+\] \S+)?(?: #)?: )?(.*)`)
)

// refused tries to bring up what must not come up, and returns the one message
// on our side that says why.
func (s *session) refused(t *testing.T) string {
	t.Helper()
	want := regexp.MustCompile(s.p.refused[0])
	if !s.initiator {
		want = regexp.MustCompile(s.p.refused[len(s.p.refused)-1])
	}
	var out string
	var err error
	if s.initiator {
		out, err = s.ours.ipsec("auto", "--up", "t")
	} else {
		out, err = s.peer.initiate("c")
	}
	if s.initiator && err == nil {
		t.Errorf("it came up:\n%s", out)
	}
	var said []string
	eventually(t, func() error {
		said = nil
		for line := range strings.Lines(s.ours.log()) {
			// A peer may try again, which gives the same message.
			if line = serial.ReplaceAllString(strings.TrimSpace(line), "#"); want.MatchString(line) && !slices.Contains(said, line) {
				said = append(said, line)
			}
		}
		if len(said) != 1 {
			return fmt.Errorf("want one line like %q, not %d; whoever asked was told:\n%s\nall lines:\n%s", want, len(said), out, s.ours.log())
		}
		return nil
	})
	if s.initiator && !want.MatchString(out) {
		t.Errorf("who asked was not told of %q:\n%s", want, out)
	}
	for _, c := range s.ours.status(t).Connections {
		if c.Up {
			t.Errorf("%s is up", c.Name)
		}
	}
	if len(said) == 0 {
		return ""
	}
	m := reported.FindStringSubmatch(said[0])
	if m == nil {
		t.Errorf("no message: %s", said[0])
		return ""
	}
	return m[1]
}

// tail returns the last lines of a text.
func tail(text string, lines int) string {
	all := strings.SplitAfter(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "")
}

// eventually waits until there is no error any more.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	lab.Eventually(t, 5*time.Second, try)
}

// states returns the SAs of ours of a kind.
func (s *session) states(t testing.TB, kind string) []string {
	var list []string
	for _, sa := range s.ours.status(t).SAs {
		if sa.Kind == kind {
			list = append(list, strings.Join(sa.SPIs, " "))
		}
	}
	slices.Sort(list)
	return list
}
