package laws

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipsec/golden/lab"
)

// confirmFrom and confirmTo are two configurations, the second of which somebody may want to be rid of.
var (
	confirmFrom = strings.Replace(setup, "pluto=no", "pluto=yes", 1) + tunnel + `
conn routed
	left=192.0.2.1
	right=192.0.2.3
	rightsubnet=10.9.0.0/24
	authby=secret
	auto=route
`
	confirmTo = strings.NewReplacer("10.9.0.0/24", "10.8.0.0/24", "conn routed", "conn other").Replace(confirmFrom)
)

// confirming is a gateway that runs confirmFrom, whose file is confirmTo.
func confirming(t *testing.T) (g *gateway, before string) {
	g = newGateway(t, confirmFrom, "")
	g.must(0, "setup", "start")
	before = g.world()
	g.write("/etc/ipsec.conf", confirmTo)
	return g, before
}

// back waits until what ran before is there again, and nothing waits any more.
func (g *gateway) back(when, before string) {
	g.t.Helper()
	lab.UntilWithin(g.t, time.Minute, when+", what ran before is back", func() bool {
		return !strings.Contains(g.ipsec("setup", "status").stdout, "a change waits") && strings.Contains(g.ipsec("whack", "--status").stdout, `"routed"`) && g.ipsec("setup", "--config", "/etc/ipsec.d/confirmed", "diff").status == 0
	})
	if when != "" {
		same(g.t, when, withoutConfirmed(before), withoutConfirmed(g.world()))
	}
}

// withoutConfirmed leaves out what a change that is not confirmed leaves behind.
func withoutConfirmed(world string) string {
	var b strings.Builder
	for line := range strings.Lines(world) {
		if !strings.Contains(line, "/etc/ipsec.d") && !strings.Contains(line, "confirm.") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestConfirm: a change that is confirmed stays, by whom it is confirmed matters, and no other is made meanwhile.
func TestConfirm(t *testing.T) {
	t.Parallel()
	g, _ := confirming(t)
	if r := g.ipsec("setup", "reload", "--confirm", "300"); r.status != 0 || !strings.Contains(r.stdout, `run "ipsec setup confirm" from a new login within 300 seconds`) {
		t.Fatalf("%d\n%s%s", r.status, r.stdout, r.stderr)
	}
	if text := g.must(0, "setup", "status"); !strings.Contains(text, "a change waits until ") {
		t.Errorf("status says\n%s", text)
	}
	if r := g.ipsec("setup", "confirm"); r.status != 1 || !strings.Contains(r.stdout, "this login began before the change") {
		t.Errorf("from an old login: %d\n%s", r.status, r.stdout)
	}
	g.must(0, "setup", "reload", "--confirm", "200")
	g.write("/etc/ipsec.conf", confirmFrom)
	for _, words := range [][]string{{"reload"}, {"restart"}, {"start"}, {"reload", "--confirm", "100"}} {
		if r := g.ipsec(append([]string{"setup"}, words...)...); r.status != 1 || !strings.Contains(r.stdout, "a change waits until ") {
			t.Errorf("%v: %d\n%s", words, r.status, r.stdout)
		}
	}
	g.write("/etc/ipsec.conf", confirmTo)
	if r := g.do("setsid", "-w", bin+"/ipsec", "setup", "confirm"); r.status != 0 {
		t.Errorf("from a new login: %d\n%s", r.status, r.stdout)
	}
	if r := g.ipsec("setup", "confirm"); r.status != 1 || !strings.Contains(r.stdout, "there is nothing to confirm") {
		t.Errorf("once more: %d\n%s", r.status, r.stdout)
	}
	if g.exists("/etc/ipsec.d/confirmed") || g.exists("/var/run/pluto/confirm.ctl") {
		t.Error("something waits")
	}
	if r := g.ipsec("setup", "diff"); r.status != 0 {
		t.Errorf("what runs is not what was confirmed:\n%s", r.stdout)
	}
	g.must(0, "setup", "stop")
}

// TestConfirmNot: what ran before comes back where nobody confirms the change, whatever becomes of those who wait.
func TestConfirmNot(t *testing.T) {
	for _, c := range []struct{ name, seconds, happens string }{
		{"nothing happens", "1", ""},
		{"the process dies", "300", "kill -9 $(cat /var/run/pluto/confirm.pid)"},
		{"its companion dies", "300", "kill -9 $(pgrep -P $(cat /var/run/pluto/confirm.pid))"},
		{"the run folder is removed", "2", "rm -r /var/run/pluto"},
		{"Pluto hangs", "2", "kill -STOP $(cat /var/run/pluto/pluto.pid) $(pgrep -P $(cat /var/run/pluto/pluto.pid))"},
		{"the process dies, another setup is at work, the companion dies", "300", "flock /var/run/pluto sleep 3 & kill -9 $(cat /var/run/pluto/confirm.pid); sleep 1; kill -9 $(cat /var/run/pluto/confirm.pid)"},
		{"the network is cut and comes back", "1", "ip link set far0 down; ip route del default; sleep 3; ip link set far0 up; ip route add default via 192.0.2.254"},
		{"by hand", "300", bin + "/ipsec setup revert"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g, before := confirming(t)
			g.must(0, "setup", "reload", "--confirm", c.seconds)
			if c.happens != "" {
				g.Sh(t, strings.Replace(c.happens, " /ipsec", " "+bin+"/ipsec", 1))
			}
			g.back(c.name, before)
			g.must(0, "setup", "stop")
			// The file is what it was, and nobody has confirmed it.
			if r := g.ipsec("setup", "start"); r.status != 0 || !strings.Contains(r.stdout, "has changes that nobody has confirmed") {
				t.Errorf("the next start: %d\n%s", r.status, r.stdout)
			}
			g.back("the next start", before)
			g.must(0, "setup", "confirm", "--force")
			g.must(0, "setup", "reload")
			g.reload("after a confirmation")
			g.must(0, "setup", "stop")
		})
	}
}

// TestConfirmHangs: a setup that hangs does not keep what ran before from coming back, natively and as a script.
func TestConfirmHangs(t *testing.T) {
	for _, sh := range shells {
		t.Run(sh, func(t *testing.T) {
			t.Parallel()
			g, before := confirming(t)
			g.write("/etc/ipsec.conf", strings.Replace(strings.Replace(confirmTo, "pluto=yes", "pluto=yes\n\tplutowait=yes", 1), "auto=route", "auto=start", 1))
			words := []string{bin + "/ipsec", "setup", "reload", "--confirm", "1"}
			if sh != "native" {
				g.write("/dev/shm/script", g.must(0, "setup", "--showonly", "--format", "sh", "reload", "--confirm", "1"))
				words = append(strings.Fields(sh), "/dev/shm/script")
			}
			if r := g.do(words[0], words[1:]...); r.status != -1 {
				t.Errorf("the reload has not been killed: %d\n%s%s", r.status, r.stdout, r.stderr)
			}
			g.back("after a setup that hangs", before)
			g.must(0, "setup", "stop")
		})
	}
}

// TestConfirmBoot: what a boot starts while a change waits is what was confirmed last, with its keys; and what was
// started or restarted without a confirmation is taken back as well.
func TestConfirmBoot(t *testing.T) {
	t.Parallel()
	g, before := confirming(t)
	g.must(0, "setup", "restart", "--confirm", "300")
	lab.Until(t, "all processes are gone", func() bool { // of the two that hold the way back, the other may start a third
		pids := g.pids()
		for _, pid := range pids {
			if n, err := strconv.Atoi(pid); err == nil {
				_ = unix.Kill(n, unix.SIGKILL)
			}
		}
		return len(pids) == 0
	})
	g.Sh(t, `rm -rf /var/run/pluto; ip link del ipsec0; sysctl -qw net.ipv4.conf.eth0.rp_filter=0`)
	if r := g.ipsec("setup", "start"); r.status != 0 || !strings.Contains(r.stdout, "has changes that nobody has confirmed") {
		t.Errorf("the boot: %d\n%s", r.status, r.stdout)
	}
	g.back("the boot", before)
	g.must(0, "setup", "reload")
	if g.exists("/etc/ipsec.d/confirmed") {
		t.Error("a reload by hand has not confirmed the file")
	}
	g.write("/etc/ipsec.conf", confirmFrom)
	g.must(0, "setup", "restart", "--confirm", "1")
	lab.UntilWithin(t, 30*time.Second, "what ran before the restart is back", func() bool {
		return !strings.Contains(g.ipsec("setup", "status").stdout, "a change waits") && strings.Contains(g.ipsec("whack", "--status").stdout, `"other"`)
	})
	g.must(0, "setup", "stop")
	g.must(0, "setup", "confirm")
	g.must(0, "setup", "start", "--confirm", "1")
	lab.UntilWithin(t, 30*time.Second, "the start is taken back", func() bool {
		return strings.HasPrefix(g.ipsec("setup", "status").stdout, "IPsec stopped\n") && !g.exists("/var/run/pluto/ipsec.info")
	})
}

// TestConfirmAccept: a change that is not accepted is taken back at once, and says so by its exit status.
func TestConfirmAccept(t *testing.T) {
	for _, sh := range shells {
		t.Run(sh, func(t *testing.T) {
			t.Parallel()
			g, before := confirming(t)
			run := func(args ...string) result {
				if sh == "native" {
					return g.ipsec(append([]string{"setup"}, args...)...)
				}
				g.write("/dev/shm/script", g.must(0, append([]string{"setup", "--showonly", "--format", "sh"}, args...)...))
				words := append(strings.Fields(sh), "/dev/shm/script")
				return g.do(words[0], words[1:]...)
			}
			r := run("reload", "--confirm", "300", "--accept", "ping 192.0.2.1", "--accept", "ping 192.0.2.77 from 192.0.2.1", "--accept", "ping 127.0.0.1")
			if r.status != 3 || !strings.Contains(r.stdout, "the change is not accepted, for this fails: ping 192.0.2.77 from 192.0.2.1") {
				t.Errorf("%d\n%s%s", r.status, r.stdout, r.stderr)
			}
			g.back("a change that is not accepted", before)
			r = run("reload", "--confirm", "300", "--accept", "ping 192.0.2.1")
			if r.status != 0 || !strings.Contains(g.must(0, "setup", "status"), "a change waits until") {
				t.Errorf("%d\n%s%s", r.status, r.stdout, r.stderr)
			}
			g.must(0, "setup", "confirm", "--force")
			g.must(0, "setup", "stop")
		})
	}
}
