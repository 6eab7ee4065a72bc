package laws

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"ipsec/golden/lab"
)

// TestUndoKilledWithPluto kills stop, or restart, at each fourth of its steps,
// and stops: whatever Pluto was doing, all is as it was before the start.
func TestUndoKilledWithPluto(t *testing.T) {
	t.Parallel()
	text := withPluto + negotiated
	for _, verb := range []string{"stop", "restart"} {
		for at := 1; at < 60; at += 4 {
			t.Run(fmt.Sprintf("%s/%d", verb, at), func(t *testing.T) {
				t.Parallel()
				g := newGateway(t, text, crooked)
				before := g.state()
				g.must(0, "setup", "start")
				p := g.pace(bin+"/ipsec", "setup", "--show", verb)
				var line string
				for range at {
					line, _ = p.next()
				}
				p.settle()
				p.kill(os.Kill)
				g.stopAfterAccident(fmt.Sprintf("%s killed after %q", verb, line), before)
			})
		}
	}
}

// TestPlutoCrash kills the worker where nothing is to be started again
// (plutorestartoncrash=no): Pluto ends with it, and status says so.
func TestPlutoCrash(t *testing.T) {
	t.Parallel()
	g := newGateway(t, "version 2.0\n\nconfig setup\n\tplutorestartoncrash=no\n"+tunnel+negotiated, "")
	before := g.state()
	g.must(0, "setup", "start")
	supervisor, worker := g.plutos()
	g.kill(worker)
	lab.Until(t, "Pluto has ended", func() bool { now, _ := g.plutos(); return now == 0 })
	if text := g.must(1, "setup", "status"); supervisor == 0 || !strings.Contains(text, "no pluto is running") {
		t.Errorf("status says\n%s", text)
	}
	if r := g.ipsec("auto", "--status"); r.status != 1 || !strings.Contains(r.stderr, "Pluto is not running") {
		t.Errorf("ipsec auto ends with %d and says %s", r.status, r.stderr)
	}
	g.must(0, "setup", "stop")
	same(t, "before start and after stop", before, g.state())
}

// TestPlutoWait has a start with plutowait=yes return when the tunnels are up,
// and one without a peer be interrupted.
func TestPlutoWait(t *testing.T) {
	t.Parallel()
	l := newLine(t, keyed)
	for _, g := range []*gateway{l.west, l.east} {
		g.secret(preshared)
	}
	l.before = l.west.state()
	l.east.must(0, "setup", "start")
	waits := strings.Replace(keyed, "config setup\n", "config setup\n\tplutowait=yes\n\tprepluto=\"touch /var/run/before.log\"\n\tpostpluto=\"touch /var/run/after.log\"\n", 1)
	l.west.write("/etc/ipsec.conf", waits)
	out := l.west.must(0, "setup", "start")
	for _, name := range []string{"net", "net6", "out", "back"} {
		if text := l.west.must(0, "auto", "--status"); !regexp.MustCompile(`"` + name + `": .*; erouted; eroute owner: #\d`).MatchString(text) {
			t.Errorf("conn %s is not up after a start that waits:\n%s\n%s", name, out, text)
		}
	}
	if !l.west.exists("/var/run/before.log") || !l.west.exists("/var/run/after.log") {
		t.Error("prepluto and postpluto have not run")
	}
	l.west.must(0, "setup", "stop")
	l.east.must(0, "setup", "stop")
	l.west.Sh(t, "rm /var/run/before.log /var/run/after.log")
	same(t, "before start and after stop", l.before, l.west.state())

	start := l.west.command(bin+"/ipsec", "setup", "start")
	if err := l.west.Start(start); err != nil {
		t.Fatal(err)
	}
	lab.Until(t, "Pluto has been started", func() bool { return l.west.exists("/var/run/after.log") })
	lab.Until(t, "start waits for a peer", func() bool { return strings.Contains(l.west.ipsec("auto", "--status").stdout, "STATE_V2_PARENT_I1") })
	if err := start.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if _ = start.Wait(); start.ProcessState.ExitCode() != 1 {
		t.Errorf("a start that is interrupted ends with %d", start.ProcessState.ExitCode())
	}
	l.west.Sh(t, "rm -f /var/run/before.log /var/run/after.log")
	same(t, "before start and after one that was interrupted", l.before, l.west.state())
}

// TestSilenceOfHostKey makes a host key, and listens for its private numbers.
func TestSilenceOfHostKey(t *testing.T) {
	t.Parallel()
	g := newGateway(t, "", "")
	log := g.syslog()
	g.must(0, "newhostkey", "--bits", "2048", "--output", "/etc/ipsec.secrets")
	public := regexp.MustCompile(`leftrsasigkey=\S+`).FindString(g.must(0, "showhostkey", "--left"))
	private := regexp.MustCompile(`(PrivateExponent|Prime1|Prime2|Exponent1|Exponent2|Coefficient): 0x([0-9a-f]+)`).FindAllStringSubmatch(g.Sh(t, "cat /etc/ipsec.secrets"), -1)
	if public == "" || len(private) != 6 {
		t.Fatalf("public key %q, %d private numbers", public, len(private))
	}
	text := "version 2.0\n\nconfig setup\n\tplutodebug=\"all private\"\n\nconn key\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tauthby=rsasig\n\t" + public +
		"\n\t" + strings.Replace(public, "left", "right", 1) + "\n\tauto=start\n"
	g.write("/etc/ipsec.conf", text)
	watch := g.watch()
	var heard strings.Builder
	for _, args := range [][]string{
		{"setup", "--show", "start"}, {"setup", "--showonly", "--format", "sh", "restart"}, {"auto", "--status"}, {"auto", "--listall"}, {"whack", "--status", "--format", "json"},
		{"auto", "--rereadall"}, {"auto", "--asynchronous", "--up", "key"}, {"showhostkey", "--left"}, {"verify"}, {"look"}, {"setup", "status"}, {"setup", "--show", "stop"},
	} {
		r := g.ipsec(args...)
		heard.WriteString(r.stdout + r.stderr)
	}
	all := heard.String() + strings.Join(log.take(), "\n") + watch() + g.state()
	if !strings.Contains(all, `"key"`) {
		t.Errorf("nothing is said of conn key:\n%s", all)
	}
	for _, number := range private {
		digits := strings.TrimLeft(number[2], "0")
		if at := strings.Index(strings.ToLower(all), digits[8:24]); at >= 0 {
			t.Errorf("%s is told: …%s…", number[1], all[max(0, at-100):at])
		}
	}
}
