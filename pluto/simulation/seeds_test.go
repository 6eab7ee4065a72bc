package simulation

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestSeeds runs the scenarios of the seeds from 1 on: as many as SEEDS says, or the
// one that SEED names.
func TestSeeds(t *testing.T) {
	first, last := uint64(1), uint64(200)
	if text := os.Getenv("SEEDS"); text != "" {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			t.Fatalf("SEEDS: %v", err)
		}
		last = n
	}
	if text := os.Getenv("SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("SEED: %v", err)
		}
		first, last = n, n
	}
	for seed := first; seed <= last; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, seed)
			w.live()
			if first == last {
				t.Log(strings.Join(w.lines, "\n"))
			}
			if t.Failed() {
				t.Logf("replay it by: SEED=%d go test ./pluto/simulation -run TestSeeds -v", seed)
			}
		})
	}
}

// TestReplay runs a seed twice: the same must happen.
func TestReplay(t *testing.T) {
	for _, seed := range []uint64{3, 9, 14} {
		a, b := newWorld(t, seed), newWorld(t, seed)
		a.live()
		b.live()
		for i := range a.lines {
			if i >= len(b.lines) || a.lines[i] != b.lines[i] {
				t.Fatalf("seed %d: line %d differs:\n%s\n%s", seed, i, a.lines[i], b.lines[min(i, len(b.lines)-1)])
			}
		}
		if len(a.lines) != len(b.lines) || len(a.lines) < 10 {
			t.Errorf("seed %d: %d and %d lines", seed, len(a.lines), len(b.lines))
		}
	}
}
