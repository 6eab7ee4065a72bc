package laws

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipsec/golden/lab"
)

// everything is a configuration with a step of every kind that needs no Pluto.
const everything = setup + `
	interfaces="ipsec0=eth0 ipsec1=eth1"
	forwardcontrol=yes
	klipsdebug=tunnel
` + tunnel + transport + tunnel6 + mixed + shunts + updown

// crooked makes settings that are not what any program would set them to.
const crooked = `
sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.eth1.rp_filter=2 \
	net.ipv4.conf.default.rp_filter=0 net.ipv4.conf.far0.rp_filter=0 \
	net.ipv4.conf.eth1.forwarding=1 net.ipv4.conf.all.accept_redirects=0 net.ipv4.conf.far1.accept_redirects=0 \
	net.ipv6.conf.far0.forwarding=1
mkdir -p /var/lock/subsys
`

// quietly is an updown command that leaves nothing behind.
const quietly = updownScript + `
sed -i 's,/var/run/updown.log,/dev/null,' /etc/updown
`

// steps returns the lines of a paced command.
func steps(t *testing.T, prepare string, args ...string) []string {
	g := newGateway(t, everything, crooked+quietly+prepare)
	p := g.pace(bin+"/ipsec", args...)
	var lines []string
	for line, ok := p.next(); ok; line, ok = p.next() {
		lines = append(lines, line)
	}
	if status := p.wait(); status != 0 {
		t.Fatalf("exit status %d", status)
	}
	return lines
}

// TestUndoKilledStart kills start before, in and after each of its steps; then
// stop brings back what was, and says with its status whether the subsystem
// seemed to run.
func TestUndoKilledStart(t *testing.T) {
	draw := random(t)
	lines := steps(t, "", "setup", "--show", "start")
	n := len(lines)
	klips := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, " ipsec klips ") })
	if n < 30 || klips < 0 {
		t.Fatalf("start has %d lines, and KLIPS in line %d", n, klips)
	}
	var points []int
	for i := range n {
		points = append(points, i)
	}
	points = append(points, slices.Repeat([]int{klips + 1}, 8)...)
	for number, i := range points {
		exactly, delay := i%2 == 0, time.Duration(draw.Int63n(int64(3*time.Millisecond)))
		if number >= n { // KLIPS takes longer than other steps
			exactly, delay = false, time.Duration(draw.Int63n(int64(30*time.Millisecond)))
		}
		rundir := ""
		if draw.Intn(2) == 0 {
			rundir = "mkdir -p /var/run/pluto\n"
		}
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, everything, crooked+quietly+rundir)
			before := g.state()
			p := g.pace(bin+"/ipsec", "setup", "--show", "start")
			var line string
			for range i {
				line, _ = p.next()
			}
			if exactly {
				p.settle()
			} else {
				time.Sleep(delay) // where the kill falls does not matter
			}
			p.kill(os.Kill)
			g.stopAfterAccident(fmt.Sprintf("killed after %q, exactly %t, delay %v, run folder %t", line, exactly, delay, rundir != ""), before)
		})
	}
}

// stopAfterAccident stops, and checks that the state is the one before the start and
// the exit status the one of the man page.
func (g *gateway) stopAfterAccident(what, before string) {
	g.t.Helper()
	want := 1
	if g.exists("/var/run/pluto/ipsec_setup.pid") {
		want = 0
	}
	if g.Sh(g.t, "test ! -d /var/run/pluto || cat /var/run/pluto/ipsec.info 2>&1 | grep -q rundir= || echo folder") != "" {
		before = withRunFolder(before)
	}
	r := g.ipsec("setup", "stop")
	if strings.Contains(r.stdout, "KLIPS is not running") {
		r.status = want // it lived, but was ending, and is gone now; one that is dead is not asked
	}
	if r.status != want || want == 1 != strings.Contains(r.stdout, "does not appear to be running") {
		g.t.Errorf("%s: stop ends with %d, want %d:\n%s%s", what, r.status, want, r.stdout, r.stderr)
	}
	same(g.t, what, before, g.state())
	if text := g.must(0, "setup", "status"); !strings.HasPrefix(text, "IPsec stopped\n") {
		g.t.Errorf("%s: status says\n%s", what, text)
	}
}

// withRunFolder returns a state with an empty run folder. Nobody can tell who made
// it, after a kill between making it and noting that.
func withRunFolder(state string) string {
	const folder = "/var/run/pluto d 755 root\n"
	if strings.Contains(state, folder) {
		return state
	}
	lines := strings.SplitAfter(state, "\n")
	at := slices.Index(lines, "# files\n") + 1
	for lines[at] < folder && lines[at][0] == '/' {
		at++
	}
	return strings.Join(slices.Insert(lines, at, folder), "")
}

// TestUndoKilledStop kills stop at random, and stops again.
func TestUndoKilledStop(t *testing.T) {
	draw := random(t)
	n := len(steps(t, bin+"/ipsec setup start >/dev/null\n", "setup", "--show", "stop"))
	for i := range n {
		exactly, delay := i%2 == 0, time.Duration(draw.Int63n(int64(3*time.Millisecond)))
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, everything, crooked+quietly)
			before := g.state()
			g.must(0, "setup", "start")
			p := g.pace(bin+"/ipsec", "setup", "--show", "stop")
			var line string
			for range i {
				line, _ = p.next()
			}
			if exactly {
				p.settle()
			} else {
				time.Sleep(delay) // where the kill falls does not matter
			}
			p.kill(os.Kill)
			g.stopAfterAccident(fmt.Sprintf("stop killed after %q", line), before)
		})
	}
}

// TestUndoKilledRestart kills restart at random; then stop.
func TestUndoKilledRestart(t *testing.T) {
	draw := random(t)
	for i := range 12 {
		at, delay := draw.Intn(60), time.Duration(draw.Int63n(int64(3*time.Millisecond)))
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, everything, crooked+quietly)
			before := g.state()
			g.must(0, "setup", "start")
			// The configuration that stop finds is another one.
			g.write("/etc/ipsec.conf", setup+tunnel+shunts)
			p := g.pace(bin+"/ipsec", "setup", "--show", "restart")
			var line string
			for range at {
				line, _ = p.next()
			}
			time.Sleep(delay) // where the kill falls does not matter
			p.kill(os.Kill)
			g.write("/etc/ipsec.conf", everything)
			g.stopAfterAccident(fmt.Sprintf("restart killed after %q", line), before)
		})
	}
}

// TestUndoAccidents are things that happen between start and stop.
func TestUndoAccidents(t *testing.T) {
	for _, c := range []struct {
		name, happens string
		status        int // of the stop that follows
		says          string
	}{
		{"nothing", ``, 0, "...IPsec stopped"},
		{"KLIPS killed", `kill -9 $(cat /var/run/pluto/klips.pid)`, 0, "KLIPS died"},
		{"no lock", `rm /var/run/pluto/ipsec_setup.pid`, 1, "does not appear to be running"},
		{"no lock and no KLIPS", `kill -9 $(cat /var/run/pluto/klips.pid); rm /var/run/pluto/ipsec_setup.pid`, 1, "doing cleanup anyway"},
		{"no configuration", `rm /etc/ipsec.conf`, 0, "ipsec.conf"},
		{"a broken configuration", `echo 'conn nonsense nonsense' > /etc/ipsec.conf`, 0, "ipsec.conf"},
		{"a dead Pluto", `echo 1 > /var/run/pluto/pluto.pid`, 0, "Pluto died"},
		{"an interface taken away", `ip link del ipsec0`, 0, ""},
		{"an address taken away", `ip addr del 192.0.2.1/32 dev ipsec0`, 0, ""},
		{"a route taken away", `ip route del 10.0.2.0/24`, 0, ""},
		{"an interface down", `ip link set ipsec0 down`, 0, ""},
		{"half a line of info", `printf 'interface=ips' >> /var/run/pluto/ipsec.info`, 0, ""},
		{"numbers of others", `for f in klips pluto ipsec_setup; do echo 1 > /var/run/pluto/$f.pid; done`, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, everything, crooked+quietly)
			conf := "cp /etc/ipsec.conf /etc/ipsec.conf.kept; "
			before := g.state()
			g.must(0, "setup", "start")
			g.Sh(t, conf+c.happens)
			r := g.ipsec("setup", "stop")
			g.Sh(t, "mv /etc/ipsec.conf.kept /etc/ipsec.conf")
			if r.status != c.status || !strings.Contains(r.stdout, c.says) {
				t.Errorf("stop ends with %d and says\n%s%s\nwant %d, %q", r.status, r.stdout, r.stderr, c.status, c.says)
			}
			same(t, c.name, before, g.state())
			g.must(1, "setup", "stop")
			same(t, "a second stop", before, g.state())
		})
	}
}

// TestUndoInterrupted interrupts start; it takes back what it did by itself.
func TestUndoInterrupted(t *testing.T) {
	n := len(steps(t, "", "setup", "--show", "start"))
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		for _, at := range []int{4, 12, n / 2, n - 6} {
			t.Run(fmt.Sprintf("%v/%d", sig, at), func(t *testing.T) {
				t.Parallel()
				g := newGateway(t, everything, crooked+quietly)
				before := g.state()
				p := g.pace(bin+"/ipsec", "setup", "--show", "start")
				for range at {
					p.next()
				}
				p.settle()
				switch status := p.kill(sig); status {
				case 1:
				case 0: // it was done before it heard of the signal
					g.must(0, "setup", "status")
					g.must(0, "setup", "stop")
				default:
					t.Errorf("exit status %d, want 1", status)
				}
				if at <= 4 && g.exists("/var/run/pluto") { // before its running check it undoes nothing
					before = withRunFolder(before)
				}
				same(t, "interrupted", before, g.state())
			})
		}
	}
}

// TestUndoStaleLock starts where a power cut has left files behind.
func TestUndoStaleLock(t *testing.T) {
	for _, c := range []struct{ name, left string }{
		{"a lock alone", `mkdir -p /var/run/pluto; echo 1 > /var/run/pluto/ipsec_setup.pid`},
		{"an empty lock", `mkdir -p /var/run/pluto; : > /var/run/pluto/ipsec_setup.pid`},
		{"everything but what lives", bin + `/ipsec setup start > /dev/null; kill -9 $(cat /var/run/pluto/klips.pid); ip link del ipsec0; ip link del ipsec1`},
		{"a start killed early", `mkdir -p /var/run/pluto; echo 1 > /var/run/pluto/ipsec_setup.pid; printf 'conf' > /var/run/pluto/ipsec.info`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, everything, crooked+quietly)
			before := g.state()
			fresh := newGateway(t, everything, crooked+quietly)
			fresh.must(0, "setup", "start")
			g.Sh(t, c.left)
			if out := g.must(0, "setup", "start"); !strings.Contains(out, "cleaning up") {
				t.Errorf("start does not say that it cleans up:\n%s", out)
			}
			same(t, "KLIPS, fresh and after a stale lock", fresh.tables(), g.tables())
			g.must(0, "setup", "status")
			g.must(0, "setup", "stop")
			if !strings.Contains(c.left, "setup start") { // the folder was there
				before = withRunFolder(before)
			}
			same(t, "stop", before, g.state())
		})
	}
}

// TestUndoAlive starts where something is alive: it says what, and changes
// nothing.
func TestUndoAlive(t *testing.T) {
	for _, c := range []struct{ name, happens, says string }{
		{"all", ``, "IPsec is already running"},
		{"KLIPS alone", `rm /var/run/pluto/ipsec_setup.pid; ip link del ipsec0; ip link del ipsec1`, "KLIPS is running"},
		{"interfaces alone", `kill -9 $(cat /var/run/pluto/klips.pid)`, "virtual interfaces"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, everything, crooked+quietly)
			g.must(0, "setup", "start")
			g.Sh(t, c.happens)
			if strings.Contains(c.happens, "kill") {
				lab.Until(t, "KLIPS is gone", func() bool { return len(g.processes()) == 0 })
			}
			before := g.state()
			if out := g.must(1, "setup", "start"); !strings.Contains(out, c.says) {
				t.Errorf("start does not say %q:\n%s", c.says, out)
			}
			same(t, "a start that is refused", before, g.state())
		})
	}
}

// TestUndoFrozen stops while KLIPS no longer answers.
func TestUndoFrozen(t *testing.T) {
	t.Parallel()
	g := newGateway(t, everything, crooked+quietly)
	before := g.state()
	g.must(0, "setup", "start")
	for _, pid := range g.pids() {
		var number int
		fmt.Sscan(pid, &number)
		if err := unix.Kill(number, unix.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	begin := time.Now()
	r := g.ipsec("setup", "stop")
	t.Logf("stop took %v, status %d:\n%s", time.Since(begin), r.status, r.stdout)
	same(t, "KLIPS frozen", before, g.state())
}
