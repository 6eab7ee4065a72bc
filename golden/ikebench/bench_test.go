package ikebench

import (
	"os"
	"slices"
	"testing"
)

// A line is one thing that is measured of each subject.
type line struct {
	name, unit string
	lower      bool    // is better
	goal       float64 // how many times better than charon; 0 for none
	limit      float64 // that ours is to stay below, in the unit; 0 for none
	take       func(b testing.TB, s subject) []figure
	part       string // a figure of it that is a line of its own in the table; "" for none
}

// A figure is what a measurement gave. Where there are several, the first is that
// of the line, and the others say what it is made of.
type figure struct {
	what  string
	value float64
}

func lines() []line {
	return []line{
		{"handshakes as responder", "a CPU second", false, 1.5, 0, responder, ""},
		{"handshakes as initiator", "a CPU second", false, 1.5, 0, initiator, ""},
		{"memory of an established tunnel, IKE and ESP", "kB", true, 2, 0, memory, ikeDaemon},
		{"from the start to the first answered ping", "ms", true, 0, 150, firstPing, ""},
		{"a start with 10,000 conns", "s", true, 0, 2, load, ""},
	}
}

// subjects are the two that are compared: charon and ours.
func subjects() [2]subject { return [2]subject{&charonSubject{}, &plutoSubject{}} }

// An outcome is what the rounds of a line gave, of charon and of ours.
type outcome struct {
	line
	rounds [2][][]figure
}

// median returns the median round of subject i.
func (o outcome) median(i int) []figure {
	sorted := slices.SortedFunc(slices.Values(o.rounds[i]), func(a, b []figure) int {
		if a[0].value < b[0].value {
			return -1
		}
		return 1
	})
	return sorted[len(sorted)/2]
}

// of returns the outcome of a part of the line.
func (o outcome) of(part string) outcome {
	p := o
	p.name = part
	for i := range p.rounds {
		p.rounds[i] = nil
		for _, round := range o.rounds[i] {
			at := slices.IndexFunc(round, func(f figure) bool { return f.what == part })
			p.rounds[i] = append(p.rounds[i], round[at:at+1])
		}
	}
	return p
}

// ratio is how many times better ours is than charon.
func (o outcome) ratio() float64 {
	theirs, ours := o.median(0)[0].value, o.median(1)[0].value
	if o.lower {
		return theirs / ours
	}
	return ours / theirs
}

// met reports whether ours is what it is to be.
func (o outcome) met() bool {
	if o.limit > 0 {
		return o.median(1)[0].value < o.limit
	}
	return o.ratio() >= o.goal
}

// TestBench takes all measurements, alternating between the two subjects, so that
// other work of the machine affects both alike. IPSEC_BENCH says how: quick or
// full, which writes doc/performance-ike.md. It is not for every run of the tests.
func TestBench(t *testing.T) {
	mode := os.Getenv("IPSEC_BENCH")
	if mode == "" {
		t.Skip("set IPSEC_BENCH=quick or full, or use make bench")
	}
	if mode == "quick" {
		*rounds, *tunnels, *count = 1, 1000, 500
	}
	var all []outcome
	for _, line := range lines() {
		o := outcome{line: line}
		t.Run(line.name, func(t *testing.T) {
			for round := range *rounds {
				for i, s := range subjects() {
					t.Run(s.name(), func(t *testing.T) {
						o.rounds[i] = append(o.rounds[i], line.take(t, s))
						t.Logf("%d: %.4g %s %v", round, o.rounds[i][round][0].value, line.unit, o.rounds[i][round][1:])
					})
				}
			}
		})
		if len(o.rounds[0]) < *rounds || len(o.rounds[1]) < *rounds {
			continue // it has failed, or something is missing
		}
		t.Logf("%s: charon %.4g, ours %.4g %s: × %.2f", line.name, o.median(0)[0].value, o.median(1)[0].value, line.unit, o.ratio())
		all = append(all, o)
		if line.part != "" {
			all = append(all, o.of(line.part))
		}
	}
	if mode == "full" && !t.Failed() && len(all) > len(lines()) {
		if err := os.WriteFile("../../doc/performance-ike.md", []byte(document(all)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
