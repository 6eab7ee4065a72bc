package ikev2_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ipsec/pluto"
)

// TestRounds has two more rounds in the handshake of both ends: each part speaks and hears
// in each of them, and the keys that come out are the same.
func TestRounds(t *testing.T) {
	w := newWorld(t, subnets())
	var west, east []string
	w.west.Intermediate(2, &west, false)
	w.east.Intermediate(2, &east, false)
	w.up()
	w.check(1)
	if want := []string{"answered", "answered"}; !slices.Equal(west, want) {
		t.Errorf("west heard %v, expected %v", west, want)
	}
	if want := []string{"asked", "asked"}; !slices.Equal(east, want) {
		t.Errorf("east heard %v, expected %v", east, want)
	}
	if n := strings.Count(w.log(), "sent IKE_INTERMEDIATE request"); n != 2 {
		t.Errorf("%d reports of IKE_INTERMEDIATE\n%s", n, w.log())
	}
}

// TestRoundRefused has a part refuse, at either end: nothing comes up, and nothing is left.
func TestRoundRefused(t *testing.T) {
	for _, refuses := range []string{"west", "east"} {
		t.Run(refuses, func(t *testing.T) {
			w := newWorld(t, subnets())
			var heard []string
			w.west.Intermediate(1, &heard, refuses == "west")
			w.east.Intermediate(1, &heard, refuses == "east")
			w.west.Initiate(w.west.conns.All[0], nil)
			w.Run(5 * time.Minute)
			w.check(0)
			if w.west.last != pluto.Failed {
				t.Errorf("west ended %v\n%s", w.west.last, w.log())
			}
			if n := len(w.west.States()) + len(w.east.States()); n != 0 {
				t.Errorf("%d SAs are left\n%s", n, w.log())
			}
		})
	}
}

// TestOneRoundTooMany has a peer that goes on with IKE_AUTH where another round is due.
func TestOneRoundTooMany(t *testing.T) {
	w := newWorld(t, subnets())
	var heard []string
	w.east.Intermediate(1, &heard, false)
	w.west.Initiate(w.west.conns.All[0], nil)
	w.Run(5 * time.Minute)
	w.check(0)
	if len(heard) != 0 || !strings.Contains(w.log(), "before IKE_INTERMEDIATE") {
		t.Errorf("heard %v\n%s", heard, w.log())
	}
}
