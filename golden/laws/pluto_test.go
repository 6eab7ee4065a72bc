package laws

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const withPluto = "version 2.0\n\nconfig setup\n\tforwardcontrol=yes\n" + tunnel

// TestUndoKilledStartPluto kills start before, in and after each of the steps
// that need Pluto; then stop brings back what was.
func TestUndoKilledStartPluto(t *testing.T) {
	t.Parallel()
	text := withPluto + negotiated
	g := newGateway(t, text, crooked)
	p := g.pace(bin+"/ipsec", "setup", "--show", "start")
	var points []int
	started := false
	for i := 0; ; i++ {
		line, ok := p.next()
		if !ok {
			break
		}
		started = started || strings.Contains(line, " ipsec pluto ")
		if started {
			points = append(points, i, i+1)
		}
	}
	if status := p.wait(); status != 0 || len(points) < 16 {
		t.Fatalf("exit status %d, %d points", status, len(points))
	}
	for number, i := range points {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, text, crooked)
			before := g.state()
			p := g.pace(bin+"/ipsec", "setup", "--show", "start")
			var line string
			for range i {
				line, _ = p.next()
			}
			if number%2 == 0 {
				p.settle()
			}
			p.kill(os.Kill)
			g.stopAfterAccident(fmt.Sprintf("killed after %q (%d)", line, number), before)
		})
	}
}

// TestPlutoAccidents lets things happen to Pluto and stops: whatever it was,
// the machine is as it was before the start.
func TestPlutoAccidents(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, accident string }{
		{"killed", `kill -9 $(cat /var/run/pluto/pluto.pid); flock /var/run/pluto/pluto.pid true`},
		{"its worker killed", `kill -9 $(ps -o pid= --ppid $(cat /var/run/pluto/pluto.pid))`},
		{"both killed", `w=$(ps -o pid= --ppid $(cat /var/run/pluto/pluto.pid)); kill -9 $w $(cat /var/run/pluto/pluto.pid); flock /var/run/pluto/pluto.pid true`},
		{"KLIPS killed under it", `kill -9 $(cat /var/run/pluto/klips.pid); flock /var/run/pluto/klips.pid true; ipsec auto --up trap --asynchronous || true`},
		{"all killed", `w=$(ps -o pid= --ppid $(cat /var/run/pluto/pluto.pid)); kill -9 $w $(cat /var/run/pluto/pluto.pid) $(cat /var/run/pluto/klips.pid)`},
		{"an interface taken away", `ip link del ipsec0`},
		{"a route of its taken away", `ip route del 10.0.20.0/24`},
		{"no configuration", `rm /etc/ipsec.conf`},
		{"frozen", `kill -STOP $(cat /var/run/pluto/pluto.pid)`},
		{"its socket gone", `rm /var/run/pluto/pluto.ctl`},
		{"shut down", `ipsec whack --shutdown >/dev/null; flock /var/run/pluto/pluto.pid true`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, withPluto+negotiated, crooked)
			before := g.state()
			g.must(0, "setup", "start")
			g.Sh(t, "PATH="+bin+":$PATH\n"+c.accident)
			if r := g.ipsec("setup", "stop"); r.status != 0 {
				t.Errorf("stop ends with %d\n%s%s", r.status, r.stdout, r.stderr)
			}
			g.write("/etc/ipsec.conf", withPluto+negotiated)
			same(t, "before the start and after the stop", withRunFolder(before), withRunFolder(g.state()))
		})
	}
}

// TestPlutoStatus has setup status tell an illicit Pluto and an orphaned one.
func TestPlutoStatus(t *testing.T) {
	t.Parallel()
	g := newGateway(t, withPluto, "")
	g.must(0, "setup", "start")
	if text := g.must(0, "setup", "status"); !strings.Contains(text, "\npluto pid ") {
		t.Errorf("status says\n%s", text)
	}
	// Another that has the same run folder and a lock file of its own.
	g.Sh(t, `kill -STOP $(cat /var/run/pluto/pluto.pid); mv /var/run/pluto/pluto.pid /var/run/pluto.was; rm -f /var/run/pluto/pluto.ctl`)
	if text := g.must(1, "setup", "status"); !strings.Contains(text, "an orphaned pluto is running (pid ") {
		t.Errorf("status says\n%s", text)
	}
	g.Sh(t, `echo 1 > /var/run/pluto/pluto.pid`)
	if text := g.must(1, "setup", "status"); !strings.Contains(text, "an illicit pluto is running (pid ") {
		t.Errorf("status says\n%s", text)
	}
	g.Sh(t, `rm /var/run/pluto/pluto.pid; mv /var/run/pluto.was /var/run/pluto/pluto.pid; kill -CONT $(cat /var/run/pluto/pluto.pid)`)
	g.must(0, "setup", "stop")
}
