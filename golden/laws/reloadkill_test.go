package laws

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// Two configurations of one gateway, between which much changes.
var (
	reloadFrom = strings.Replace(everything, "pluto=no", "pluto=yes", 1) + negotiated
	reloadTo   = strings.NewReplacer("interfaces=\"ipsec0=eth0 ipsec1=eth1\"", "interfaces=\"ipsec0=eth0\"\n\toverridemtu=1400",
		"\tforwardcontrol=yes", "", "spi=0x200", "spi=0x280", "conn transport", "conn moved", "rightsubnet=10.0.6.0/24", "rightsubnet=10.0.66.0/24",
		"conn trap", "conn other", "10.0.22.0/24", "10.0.21.0/24").Replace(reloadFrom)
)

// TestReloadKilled kills a reload before, in and after each of its steps: another reload brings up what a start would,
// and a stop the state from before the start.
func TestReloadKilled(t *testing.T) {
	draw := random(t)
	g := newGateway(t, reloadTo, crooked+quietly)
	g.must(0, "setup", "start")
	want := g.world()
	g.write("/etc/ipsec.conf", reloadFrom)
	g.must(0, "setup", "restart")
	g.write("/etc/ipsec.conf", reloadTo)
	p := g.pace(bin+"/ipsec", "setup", "--show", "reload")
	n := 0
	for _, ok := p.next(); ok; _, ok = p.next() {
		n++
	}
	if status := p.wait(); status != 0 || n < 30 {
		t.Fatalf("reload ends with %d after %d lines", status, n)
	}
	if !same(t, "a reload, expected what a start makes", want, g.world()) {
		return
	}
	g.must(0, "setup", "stop")
	for i := range n {
		exactly, delay := i%2 == 0, time.Duration(draw.Int63n(int64(3*time.Millisecond)))
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, reloadFrom, crooked+quietly)
			before := g.state()
			g.must(0, "setup", "start")
			g.write("/etc/ipsec.conf", reloadTo)
			p := g.pace(bin+"/ipsec", "setup", "--show", "reload")
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
			what := fmt.Sprintf("reload killed after %q, exactly %t, delay %v", line, exactly, delay)
			if i%3 > 0 {
				g.must(0, "setup", "reload")
				same(t, what+", and a reload", want, g.world())
				if r := g.ipsec("setup", "diff"); r.status != 0 {
					t.Errorf("%s, and a reload: %s", what, r.stdout)
				}
			}
			g.stopAfterAccident(what, before)
		})
	}
}

// TestParityReload: a reload and its script in each shell leave one world.
func TestParityReload(t *testing.T) {
	const to, from = "cp /etc/to.conf /etc/ipsec.conf", "cp /etc/from.conf /etc/ipsec.conf"
	verbs := []verb{
		{"", "reload"}, {"", "start"}, {"", "reload"}, {to, "reload"}, {"ip link set ipsec0 down; ip addr flush dev ipsec0; sysctl -qw net.ipv4.conf.eth0.rp_filter=1", "reload"}, {from, "reload"},
		{"sed -i 's/klipsdebug=tunnel/klipsdebug=esp/' /etc/ipsec.conf", "reload"}, {"", "force-reload"}, {"kill -9 $(cat /var/run/pluto/klips.pid); flock /var/run/pluto/klips.pid true", "reload"}, {"", "stop"},
	}
	write := func(name, text string) string { return "cat > /etc/" + name + ".conf <<'END'\n" + text + "END\n" }
	parity(t, reloadFrom, crooked+quietly+write("to", reloadTo)+write("from", reloadFrom), verbs, func(t *testing.T, worlds []world) {
		for i, want := range []int{1, 0, 0, 0, 0, 0, 1, 0, 0, 0} {
			if worlds[i].status != want {
				t.Errorf("%s (verb %d): status %d, expected %d\n%s", verbs[i].name, i+1, worlds[i].status, want, worlds[i].log)
			}
		}
		same(t, "a reload of nothing", worlds[1].tables, worlds[2].tables)
	})
}

// TestReloadInTheClear: nothing leaves in the clear while connections change, and none of another is lost or
// negotiated anew.
func TestReloadInTheClear(t *testing.T) {
	t.Parallel()
	l, p := newKeyedLine(t)
	west := l.west
	text := strings.NewReplacer("ikelifetime=12s\n\trekeymargin=3s", "ikelifetime=1h\n\trekeymargin=3m", "\tkeylife=8s\n", "").Replace(keyed)
	for _, g := range []*gateway{west, l.east} {
		g.write("/etc/ipsec.conf", text)
		g.must(0, "setup", "reload")
	}
	l.all("after a reload that changes all")
	unchanged := west.sas("child", "net6")
	lost := l.probes[2].missing.Load() + l.probes[3].missing.Load()
	for i, change := range []struct{ name, old, now string }{
		{"nothing", "", ""},
		{"a lifetime", "conn net\n", "conn net\n\tkeylife=50m\n"},
		{"another name", "conn net\n", "conn other\n"},
		{"two names exchanged", "", ""},
		{"by hand keyed and back", "", ""},
		{"networks in halves", "rightsubnet=10.0.2.0/24", "rightsubnets={10.0.2.0/25 10.0.2.128/25}"},
		{"all networks", "rightsubnet=10.0.2.0/24", "rightsubnet=0.0.0.0/0"},
	} {
		changed := strings.Replace(text, change.old, change.now, 1)
		if strings.Contains(change.name, "networks") { // of all conns
			changed = strings.ReplaceAll(text, change.old, change.now)
		}
		if change.name == "two names exchanged" {
			changed = strings.NewReplacer("conn out", "conn back", "conn back", "conn out").Replace(text)
		}
		if change.name == "by hand keyed and back" {
			changed = strings.Replace(text, "conn net\n", "conn net\n\tauto=manual\n\tspi=0x200\n"+strings.Trim(keys3DES, "\n")+"\n", 1)
		}
		if i > 0 && changed == text {
			t.Fatalf("%s changes nothing", change.name)
		}
		for _, file := range []string{changed, text} {
			p.begin(change.name)
			west.write("/etc/ipsec.conf", file)
			step := west.pace(bin+"/ipsec", "setup", "--show", "reload")
			for ok := true; ok; _, ok = step.next() {
				step.settle()
				l.more(2) // in each state
			}
			if status := step.wait(); status != 0 {
				t.Errorf("%s: reload ends with %d", change.name, status)
			}
			l.more(20)
		}
		l.all("after reloads: " + change.name)
	}
	if now := west.sas("child", "net6"); strings.Join(now, " ") != strings.Join(unchanged, " ") {
		t.Errorf("the SAs of a conn that did not change were %v, and are %v", unchanged, now)
	}
	if n := l.probes[2].missing.Load() + l.probes[3].missing.Load() - lost; n > 0 {
		t.Errorf("%d packets of a conn that did not change were lost", n)
	}
	p.begin("stop")
	p.check(t, l.capture, l.stopTimed())
	same(t, "before start and after stop", l.before, west.state())
	l.east.must(0, "setup", "stop")
}
