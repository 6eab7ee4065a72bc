package limit

import (
	"net/netip"
	"testing"
	"time"
)

// TestReports has a burst pass, then one report a second, and the rest be counted once.
func TestReports(t *testing.T) {
	start := time.Unix(1000, 0)
	r := Reports{Burst: 3}
	passed := 0
	for ms := range 10_000 { // a thousand a second, for ten seconds
		if r.Allow(start.Add(time.Duration(ms) * time.Millisecond)) {
			passed++
		}
	}
	if passed != 3+9 {
		t.Errorf("%d reports passed, expected a burst of 3 and 9 more", passed)
	}
	if !r.Flooded() {
		t.Error("a flood is not noticed")
	}
	if n := r.Omitted(start.Add(9500 * time.Millisecond)); n != 0 {
		t.Errorf("%d are told while they go on", n)
	}
	if n := r.Omitted(start.Add(12 * time.Second)); n != 10_000-12 {
		t.Errorf("%d left out, expected %d", n, 10_000-12)
	}
	if n := r.Omitted(start.Add(20 * time.Second)); n != 0 || r.Flooded() {
		t.Errorf("%d are told again", n)
	}
}

func TestNeighbours(t *testing.T) {
	var n Neighbours
	add := func(text string) { n.Add(netip.MustParseAddr(text)) }
	add("192.0.2.1")
	add("192.0.2.2")
	add("2001:db8::1")
	add("2001:db8::ffff:2")
	add("2001:db8:0:1::1")
	for text, want := range map[string]int{"192.0.2.1": 1, "192.0.2.3": 0, "2001:db8::7": 2, "2001:db8:0:1::9": 1, "fe80::1%eth0": 0} {
		if got := n.Count(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %d, expected %d", text, got, want)
		}
	}
	for _, text := range []string{"192.0.2.1", "192.0.2.2", "2001:db8::9", "2001:db8::9", "2001:db8:0:1::1", "203.0.113.9"} {
		n.Remove(netip.MustParseAddr(text))
	}
	if len(n.counts) != 0 {
		t.Errorf("%v is kept of what is gone", n.counts)
	}
}
