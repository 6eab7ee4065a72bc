package laws

import (
	"os"
	"strings"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// between two gateways: networks of both families, and the gateways themselves.
const between = setup + `
	interfaces="ipsec0=wan"

conn %default
	left=192.0.2.1
	right=192.0.2.2
	auto=manual
` + keys3DES + `
conn host
	spi=0x200

conn net
	leftsubnet=10.0.1.0/24
	rightsubnet=10.0.2.0/24
	spi=0x210

conn net6
	leftsubnet=2001:db8:a::/64
	rightsubnet=2001:db8:b::/64
	spi=0x220

conn out
	rightsubnet=10.0.2.0/24
	spi=0x230

conn back
	leftsubnet=10.0.1.0/24
	spi=0x240
`

// TestNothingInTheClear captures what passes between two gateways, while those
// behind them and they themselves talk all the time: from the moment that the
// routes of west lead into KLIPS until stop takes the interfaces away, no
// packet passes in the clear, whatever happens to our processes.
func TestNothingInTheClear(t *testing.T) {
	t.Parallel()
	l := newLine(t, between)
	west, east, c, probes := l.west, l.east, l.capture, l.probes
	all := l.all
	before := l.before
	all("without IPsec")
	lab.Until(t, "the capture sees what is in the clear", func() bool { return len(c.Between(time.Time{}, time.Now())) > len(probes) })

	east.must(0, "setup", "start")
	up := l.startTimed()
	all("after start")
	phases := phases{{"start", up}}
	begin := phases.begin
	begin("restart")
	west.must(0, "setup", "restart")
	all("after restart")

	begin("KLIPS killed")
	west.Sh(t, "kill -9 $(cat /var/run/pluto/klips.pid); flock /var/run/pluto/klips.pid true")
	some := probes[0].received.Load()
	l.more(30)
	if now := probes[0].received.Load(); now > some+5 {
		t.Errorf("%d probes came through without KLIPS", now-some)
	}
	begin("restart after KLIPS was killed")
	west.must(0, "setup", "restart")
	all("after a restart after KLIPS was killed")

	begin("restarts killed")
	for _, at := range []int{3, 9, 16, 24} {
		p := west.pace(bin+"/ipsec", "setup", "--show", "restart")
		for range at {
			p.next()
		}
		p.settle()
		l.more(3)
		p.kill(os.Kill)
	}
	begin("the last restart")
	west.must(0, "setup", "restart")
	all("after restarts that were killed")

	begin("stop")
	end := l.stopTimed()
	phases.check(t, c, end)
	east.must(0, "setup", "stop")
	same(t, "before start and after stop", before, west.state())
}

// startTimed starts west, and returns when the last route was there.
func (l *line) startTimed() (up time.Time) {
	l.t.Helper()
	p := l.west.pace(bin+"/ipsec", "setup", "--show", "start")
	routed := false
	for line, ok := p.next(); ok; line, ok = p.next() {
		switch {
		case strings.Contains(line, " ip route replace "), strings.Contains(line, " ipsec whack ") && strings.Contains(line, " --route "):
			routed, up = true, time.Time{}
		case routed && up.IsZero():
			up = time.Now()
		}
	}
	if status := p.wait(); status != 0 || up.IsZero() {
		l.t.Fatalf("start ends with %d", status)
	}
	return up
}

// stopTimed stops west, and returns when it was just about to take the interfaces
// away: the pipe has room for that step's line once the line before is taken.
func (l *line) stopTimed() (end time.Time) {
	l.t.Helper()
	p := l.west.pace(bin+"/ipsec", "setup", "--show", "stop")
	var last time.Time // that a line was taken
	for {
		p.settle()
		l.more(2) // in each state
		now := time.Now()
		line, ok := p.next()
		if !ok {
			break
		}
		if strings.Contains(line, " ipsec tncfg --clear") {
			end = last
		}
		last = now
	}
	if status := p.wait(); status != 0 || end.IsZero() {
		l.t.Fatalf("stop ends with %d", status)
	}
	return end
}
