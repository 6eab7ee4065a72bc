package laws

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// TestConfirmKilled kills a reload that waits for a confirmation before, in and after each of its steps, and the
// process that holds the way back at any moment: what ran before comes back.
func TestConfirmKilled(t *testing.T) {
	draw := random(t)
	g, _ := confirming(t)
	p := g.pace(bin+"/ipsec", "setup", "--show", "reload", "--confirm", "300")
	n := 0
	for _, ok := p.next(); ok; _, ok = p.next() {
		n++
	}
	if status := p.wait(); status != 0 || n < 10 {
		t.Fatalf("reload ends with %d after %d lines", status, n)
	}
	g.must(0, "setup", "stop")
	for i := range n {
		delay := time.Duration(draw.Int63n(int64(300 * time.Millisecond)))
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			g, before := confirming(t)
			p := g.pace(bin+"/ipsec", "setup", "--show", "reload", "--confirm", "2")
			var line string
			for range i {
				line, _ = p.next()
			}
			p.settle()
			armed := g.exists("/var/run/pluto/confirm.ctl")
			if i%2 == 0 || !armed {
				p.kill(os.Kill)
			}
			if armed {
				g.Sh(t, "kill -9 $(cat /var/run/pluto/confirm.pid)")
				time.Sleep(delay) // where the next kill falls does not matter
				g.Sh(t, "kill -9 $(cat /var/run/pluto/confirm.pid) || :")
			}
			what := fmt.Sprintf("reload killed after %q, delay %v", line, delay)
			lab.UntilWithin(t, time.Minute, what+", nothing waits", func() bool { return !g.holding() })
			if i%2 != 0 && armed {
				p.wait()
			}
			if !g.exists("/etc/ipsec.d/confirmed") {
				same(t, what, before, g.world())
			} else {
				g.back(what, before)
			}
			if text := g.must(0, "setup", "status"); strings.Contains(text, "but...") {
				t.Errorf("%s: %s", what, text)
			}
			g.must(0, "setup", "stop")
		})
	}
}
