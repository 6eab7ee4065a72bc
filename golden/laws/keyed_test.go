package laws

import (
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipsec/golden/lab"
	"ipsec/pluto/whack/status"
)

// keyed is between two gateways what Pluto keys: networks of both families, and
// the gateways themselves. IKE SAs, and the Child SAs of net6, last for seconds only.
const keyed = `version 2.0

config setup
	interfaces="ipsec0=wan"

conn %default
	left=192.0.2.1
	right=192.0.2.2
	authby=secret
	keyexchange=ikev2
	dpddelay=1
	dpdtimeout=3
	dpdaction=hold
	ikelifetime=12s
	rekeymargin=3s
	rekeyfuzz=50%
	auto=start

conn host
	auto=route

conn net
	leftsubnet=10.0.1.0/24
	rightsubnet=10.0.2.0/24

conn net6
	leftsubnet=2001:db8:a::/64
	rightsubnet=2001:db8:b::/64
	keylife=8s

conn out
	rightsubnet=10.0.2.0/24

conn back
	leftsubnet=10.0.1.0/24
`

const preshared = "192.0.2.1 192.0.2.2 : PSK \"between two gateways\"\n"

// newKeyedLine makes a line whose gateways have keyed, and starts both.
func newKeyedLine(t *testing.T) (*line, phases) {
	t.Helper()
	l := newLine(t, keyed)
	l.west.secret(preshared)
	l.east.secret(preshared)
	l.before = l.west.state()
	l.all("without IPsec")
	lab.Until(t, "the capture sees what is in the clear", func() bool { return len(l.capture.Between(time.Time{}, time.Now())) > len(l.probes) })
	l.east.must(0, "setup", "start")
	up := l.startTimed()
	l.all("after start")
	return l, phases{{"start", up}}
}

// sas returns the SPIs of the SAs that Pluto has, of a kind, ike or child, and of a
// conn; "" for all conns.
func (g *gateway) sas(kind, conn string) (spis []string) {
	g.t.Helper()
	var d status.Document
	if err := json.Unmarshal([]byte(g.must(0, "whack", "--status", "--format", "json")), &d); err != nil {
		g.t.Fatal(err)
	}
	for _, sa := range d.SAs {
		if sa.Kind == kind && (conn == "" || sa.Connection == conn) {
			spis = append(spis, sa.SPIs...)
		}
	}
	return spis
}

// renewed waits until none of the SAs is left that sas returned before.
func (g *gateway) renewed(kind, conn string, before []string) {
	g.t.Helper()
	lab.UntilWithin(g.t, time.Minute, kind+" SAs "+conn+" have been renewed", func() bool {
		now := g.sas(kind, conn)
		return len(now) > 0 && !slices.ContainsFunc(now, func(spi string) bool { return slices.Contains(before, spi) })
	})
}

// secret gives a gateway an ipsec.secrets, which only root may read.
func (g *gateway) secret(text string) {
	g.t.Helper()
	if err := g.Do(func() error { return os.WriteFile("/etc/ipsec.secrets", []byte(text), 0o600) }); err != nil {
		g.t.Fatal(err)
	}
}

// lost returns how many probes have not arrived.
func (l *line) lost() (n int64) {
	for _, p := range l.probes {
		n += p.missing.Load()
	}
	return n
}

// plutos returns the processes of Pluto: the supervisor, and its worker.
func (g *gateway) plutos() (supervisor, worker int) {
	g.t.Helper()
	for _, pid := range g.pids() {
		line, err := os.ReadFile("/proc/" + pid + "/cmdline")
		if err != nil || !strings.Contains(string(line), "\x00pluto\x00") {
			continue
		}
		n, _ := strconv.Atoi(pid)
		if strings.Contains(string(line), "\x00--worker") {
			worker = n
		} else {
			supervisor = n
		}
	}
	return supervisor, worker
}

// killWorker kills Pluto's worker, and waits until there is another that answers.
func (g *gateway) killWorker() {
	g.t.Helper()
	_, old := g.plutos()
	if old == 0 || syscall.Kill(old, syscall.SIGKILL) != nil {
		g.t.Fatal("there is no worker")
	}
	lab.Until(g.t, "there is another worker", func() bool { _, now := g.plutos(); return now != 0 && now != old })
	g.must(0, "whack", "--status")
}

// kill kills a process and waits until it is gone.
func (g *gateway) kill(pids ...int) {
	g.t.Helper()
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			g.t.Fatalf("failed to kill %d: %v", pid, err)
		}
	}
	for _, pid := range pids {
		lab.Until(g.t, "a process that was killed is gone", func() bool {
			text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
			return err != nil || len(text) == 0
		})
	}
}

// killAll kills all processes of a gateway.
func (g *gateway) killAll() {
	g.t.Helper()
	lab.Until(g.t, "all that was killed is gone", func() bool {
		for _, pid := range g.pids() {
			n, _ := strconv.Atoi(pid)
			_ = syscall.Kill(n, syscall.SIGKILL) // which may just have ended
		}
		return len(g.processes()) == 0
	})
}

// TestNothingInTheClearKeyed is TestNothingInTheClear where Pluto has the keys:
// from the moment that the connections are routed until stop takes the interfaces
// away, whatever happens to our processes.
func TestNothingInTheClearKeyed(t *testing.T) {
	t.Parallel()
	l, p := newKeyedLine(t)
	west, east := l.west, l.east

	p.begin("worker killed")
	missing := l.lost()
	before := west.sas("child", "net6")
	west.killWorker()
	west.renewed("child", "net6", before)
	l.all("after the worker was killed")
	if n := l.lost() - missing; n > 0 {
		t.Errorf("%d packets were lost when Pluto's worker was killed", n)
	}
	for _, name := range []string{"host", "net", "net6", "out", "back"} {
		if text := west.must(0, "auto", "--status"); !strings.Contains(text, `"`+name+`": `) {
			t.Errorf("the new worker knows nothing of conn %s:\n%s", name, text)
		}
	}

	p.begin("supervisor killed")
	missing = l.lost()
	supervisor, worker := west.plutos()
	west.kill(supervisor)
	lab.Until(t, "its worker ends with it", func() bool { return syscall.Kill(worker, 0) != nil })
	if r := west.ipsec("setup", "status"); r.status != 1 || !strings.Contains(r.stdout, "pluto") {
		t.Errorf("status without Pluto: %d\n%s", r.status, r.stdout)
	}
	l.all("after the supervisor was killed")
	if n := l.lost() - missing; n > 0 {
		t.Errorf("%d packets were lost when Pluto was killed", n)
	}
	p.begin("restart after Pluto was killed")
	west.must(0, "setup", "restart")
	l.all("after a restart after Pluto was killed")

	p.begin("KLIPS killed")
	west.Sh(t, "kill -9 $(cat /var/run/pluto/klips.pid); flock /var/run/pluto/klips.pid true")
	some := l.probes[0].received.Load()
	l.more(30)
	if now := l.probes[0].received.Load(); now > some+5 {
		t.Errorf("%d probes came through without KLIPS", now-some)
	}
	p.begin("restart after KLIPS was killed")
	west.must(0, "setup", "restart")
	l.all("after a restart after KLIPS was killed")

	p.begin("restarts killed")
	for _, at := range []int{3, 9, 16, 24, 32, 40} {
		restart := west.pace(bin+"/ipsec", "setup", "--show", "restart")
		for range at {
			restart.next()
		}
		restart.settle()
		l.more(3)
		restart.kill(os.Kill)
	}
	p.begin("the last restart")
	west.must(0, "setup", "restart")
	l.all("after restarts that were killed")

	p.begin("stop")
	p.check(t, l.capture, l.stopTimed())
	same(t, "before start and after stop", l.before, west.state())
	east.must(0, "setup", "stop")
}

// TestNothingInTheClearRestarted restarts step by step with a file by which the same packets are led by other, narrower
// routes, and then with one by which a conn is not routed any more: its route is gone, and nothing else.
func TestNothingInTheClearRestarted(t *testing.T) {
	t.Parallel()
	l, p := newKeyedLine(t)
	west, east := l.west, l.east
	narrower := strings.NewReplacer("rightsubnet=10.0.2.0/24", "rightsubnet=10.0.2.0/25", "rightsubnet=2001:db8:b::/64", "rightsubnet=2001:db8:b::/80").Replace(keyed)
	west.write("/etc/ipsec.conf", narrower)
	p.begin("restart with narrower networks")
	restart := west.pace(bin+"/ipsec", "setup", "--show", "restart")
	for ok := true; ok; _, ok = restart.next() {
		restart.settle()
		l.more(2) // in each state
	}
	if status := restart.wait(); status != 0 {
		t.Errorf("restart ends with %d", status)
	}
	l.all("after a restart with narrower networks")
	if routes := west.Sh(t, "ip route show 10.0.2.0/24; ip -6 route show 2001:db8:b::/64"); routes != "" {
		t.Errorf("the restart has left a route:\n%s", routes)
	}

	p.begin("restart without a route")
	west.write("/etc/ipsec.conf", strings.Replace(narrower, "leftsubnet=10.0.1.0/24\n\trightsubnet", "auto=add\n\tleftsubnet=10.0.1.0/24\n\trightsubnet", 1)+"\nconn unrouted\n\trightsubnet=10.0.77.0/24\n\tauto=route\n")
	west.must(0, "setup", "restart")
	l.all("after a restart without one conn routed") // its packets go by the route of another
	west.write("/etc/ipsec.conf", narrower+"\nconn unrouted\n\trightsubnet=10.0.77.0/24\n\tauto=add\n")
	west.must(0, "setup", "restart")
	if routes := west.Sh(t, "ip route show 10.0.77.0/24"); routes != "" {
		t.Errorf("the restart has left a route:\n%s", routes)
	}
	if r := west.ipsec("setup", "diff"); r.status != 0 {
		t.Errorf("after the restart there is a difference:\n%s", r.stdout)
	}

	p.begin("stop")
	p.check(t, l.capture, l.stopTimed())
	same(t, "before start and after stop", l.before, west.state())
	east.must(0, "setup", "stop")
}

// TestNothingInTheClearDead kills the peer, waits until we have noticed, which takes
// as long as retransmissions go on, and starts it again.
func TestNothingInTheClearDead(t *testing.T) {
	t.Parallel()
	l, p := newKeyedLine(t)
	west, east := l.west, l.east
	p.begin("peer killed")
	east.killAll()
	lab.UntilWithin(t, 2*time.Minute, "it is found out that the peer is dead", func() bool {
		return !strings.Contains(west.must(0, "auto", "--status"), "eroute owner; ")
	})
	p.begin("peer restarted")
	east.must(0, "setup", "restart")
	l.all("after the peer was killed")
	p.begin("stop")
	p.check(t, l.capture, l.stopTimed())
	same(t, "before start and after stop", l.before, west.state())
	east.must(0, "setup", "stop")
}

// TestNothingInTheClearNegotiated has negotiations go wrong.
func TestNothingInTheClearNegotiated(t *testing.T) {
	t.Parallel()
	l, p := newKeyedLine(t)
	west, east := l.west, l.east

	p.begin("keys renewed")
	missing := l.lost()
	ike, child := west.sas("ike", ""), west.sas("child", "net6")
	west.renewed("child", "net6", child)
	west.renewed("ike", "", ike)
	if n := l.lost() - missing; n > 0 {
		t.Errorf("%d packets were lost when keys were renewed", n)
	}

	p.begin("down")
	for _, name := range []string{"net", "host"} {
		west.must(0, "auto", "--down", name)
	}
	l.all("after auto --down, by what traps packets")
	p.begin("down at the peer")
	for _, name := range []string{"net", "host"} {
		east.must(0, "auto", "--down", name)
	}
	l.all("after auto --down of the peer")

	p.begin("replace")
	for _, name := range []string{"net", "host", "net6"} {
		west.must(0, "auto", "--replace", name)
	}
	l.all("after auto --replace")

	p.begin("wrong secret")
	west.secret(strings.Replace(preshared, "two", "too", 1))
	west.must(0, "setup", "restart")
	for _, name := range []string{"net", "net6", "out", "back"} {
		if r := west.ipsec("auto", "--up", name); r.status == 0 {
			t.Errorf("%s is up with a wrong secret:\n%s", name, r.stdout)
		}
	}
	p.begin("right secret")
	west.secret(preshared)
	west.must(0, "auto", "--rereadsecrets")
	for _, name := range []string{"host", "net", "net6", "out", "back"} {
		west.must(0, "auto", "--up", name)
	}
	l.all("with the right secret again")

	p.begin("stop")
	p.check(t, l.capture, l.stopTimed())
	same(t, "before start and after stop", l.before, west.state())
	east.must(0, "setup", "stop")
}
