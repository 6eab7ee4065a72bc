package bench

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestBench runs the table. IPSEC_BENCH says how: quick, full, or the numbers of
// lines, as in 0,3. It is not for every run of the tests.
func TestBench(t *testing.T) {
	mode := os.Getenv("IPSEC_BENCH")
	if mode == "" {
		t.Skip("set IPSEC_BENCH=quick or full, or use make bench-quick")
	}
	pairs, long := 5, 5*time.Second
	if quick() {
		pairs, long = 3, 2*time.Second
	}
	if n, err := strconv.Atoi(os.Getenv("IPSEC_BENCH_PAIRS")); err == nil {
		pairs = n
	}
	l := &lineup{t: t, rigs: map[string]*rig{}}
	for i, line := range table() {
		if only := os.Getenv("IPSEC_BENCH_LINES"); only != "" && !slices.Contains(strings.Split(only, ","), strconv.Itoa(i)) {
			continue
		}
		if quick() && !line.quick {
			continue
		}
		ours, theirs := l.rig(line.ours), l.rig(line.theirs)
		result := finished{line: line}
		for range pairs {
			a := line.peer().take(t, theirs, long)
			b := line.take(t, ours, long)
			result.outcome.theirs, result.outcome.ours = append(result.outcome.theirs, a), append(result.outcome.ours, b)
			t.Logf("%d %s: %s %.3g, %s %.3g %s (CPU %.3g and %.3g): %.3g", i, line.name, theirs.name, a.value, ours.name, b.value, line.unit, a.cost, b.cost, b.value/a.value)
		}
		l.lines = append(l.lines, result)
	}
	t.Logf("the table:\n%s", l.text())
	if mode == "full" && os.Getenv("IPSEC_BENCH_LINES") == "" {
		if err := os.WriteFile("../../doc/performance.md", []byte(l.document()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// An outcome is what the pairs of a line gave.
type outcome struct{ ours, theirs []sample }

func median(sorted []float64) float64 { return sorted[len(sorted)/2] }

// ratio is the median of the pairs' ratios, ours to theirs.
func (o outcome) ratio() float64 {
	var r []float64
	for i := range o.ours {
		r = append(r, o.ours[i].value/o.theirs[i].value)
	}
	slices.Sort(r)
	return median(r)
}

// costRatio is how many times as much CPU time they take for the same.
func (o outcome) costRatio() float64 {
	var r []float64
	for i := range o.ours {
		if o.ours[i].cost > 0 {
			r = append(r, o.theirs[i].cost/o.ours[i].cost)
		}
	}
	if len(r) == 0 {
		return 0
	}
	slices.Sort(r)
	return median(r)
}
