package laws

import (
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
)

// plutoChanges are what Pluto may change of a machine that start has set up, as
// verify lists it: routes into KLIPS, and the notes by which stop takes them back.
var plutoChanges = regexp.MustCompile(`^(\S+ dev ipsec\d+ (scope link|metric 1024( pref medium)?)|route=ipsec\d+ \S+)\s*$`)

// TestNoBypassPluto has Pluto route, trap and forget connections: nothing of the
// machine changes but what verify lists, and it goes with the connections.
func TestNoBypassPluto(t *testing.T) {
	t.Parallel()
	g := newGateway(t, withPluto+strings.ReplaceAll(negotiated, "auto=route", "auto=add"), crooked)
	g.must(0, "setup", "start")
	before := g.state()
	changed := 0
	check := func(what string, allowed *regexp.Regexp) {
		t.Helper()
		for line := range strings.Lines(string(diff.Diff("before", []byte(before), "after", []byte(g.state())))) {
			switch {
			case strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "---"), !strings.HasPrefix(line, "+") && !strings.HasPrefix(line, "-"):
			case line[0] == '+' && allowed.MatchString(line[1:]):
				changed++
			default:
				t.Errorf("%s: Pluto has changed what verify does not list: %s", what, line)
			}
		}
	}
	for _, name := range []string{"trap", "pairs", "aside"} {
		g.must(0, "auto", "--route", name)
	}
	g.must(0, "auto", "--asynchronous", "--up", "trap")
	check("routed", plutoChanges)
	if changed < 8 {
		t.Errorf("Pluto has changed %d lines", changed)
	}
	for _, name := range []string{"trap", "pairs", "aside"} {
		g.must(0, "auto", "--delete", name)
	}
	check("deleted", regexp.MustCompile(`^route=ipsec\d+ \S+\s*$`)) // what stop need not find
	text := g.must(0, "verify")
	for _, effect := range []string{"pluto: routes into ipsec0", "pluto: notes in ipsec.info"} {
		if !strings.Contains(text, effect) {
			t.Errorf("verify does not list %q:\n%s", effect, text)
		}
	}
}
