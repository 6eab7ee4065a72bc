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
	lab.NeedTUN(t)
	west, east := &gateway{Machine: lab.New(t, "west"), t: t}, &gateway{Machine: lab.New(t, "east"), t: t}
	alice, bob := lab.New(t, "alice"), lab.New(t, "bob")
	for _, m := range []*lab.Machine{west.Machine, east.Machine, alice, bob} {
		m.Sh(t, "sysctl -qw net.ipv6.conf.default.addr_gen_mode=1") // no link-local addresses
	}
	lab.Connect(t, west.Machine, "wan", east.Machine, "wan")
	lab.Connect(t, west.Machine, "lan", alice, "eth0")
	lab.Connect(t, east.Machine, "lan", bob, "eth0")
	for _, g := range []*gateway{west, east} {
		g.write("/etc/ipsec.conf", between)
	}
	const forward = "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; "
	west.Sh(t, forward+"ip addr add 192.0.2.1/24 dev wan; ip addr add fe80::1/64 dev wan nodad; ip addr add fe80::1/64 dev lan nodad; ip addr add 2001:db8:1::1/64 dev wan nodad; ip addr add 10.0.1.1/24 dev lan; ip addr add 2001:db8:a::1/64 dev lan nodad; ip route add default via 192.0.2.2; ip -6 route add default via 2001:db8:1::2")
	east.Sh(t, forward+"ip addr add 192.0.2.2/24 dev wan; ip addr add fe80::2/64 dev wan nodad; ip addr add fe80::1/64 dev lan nodad; ip addr add 2001:db8:1::2/64 dev wan nodad; ip addr add 10.0.2.1/24 dev lan; ip addr add 2001:db8:b::1/64 dev lan nodad; ip route add default via 192.0.2.1; ip -6 route add default via 2001:db8:1::1")
	alice.Sh(t, "ip addr add 10.0.1.10/24 dev eth0; ip addr add fe80::10/64 dev eth0 nodad; ip addr add 2001:db8:a::10/64 dev eth0 nodad; ip route add default via 10.0.1.1; ip -6 route add default via 2001:db8:a::1")
	bob.Sh(t, "ip addr add 10.0.2.10/24 dev eth0; ip addr add fe80::10/64 dev eth0 nodad; ip addr add 2001:db8:b::10/64 dev eth0 nodad; ip route add default via 10.0.2.1; ip -6 route add default via 2001:db8:b::1")
	before := west.state()

	probes := []*probe{
		newProbe(t, alice, "10.0.1.10", "10.0.2.10"), newProbe(t, bob, "10.0.2.10", "10.0.1.10"),
		newProbe(t, alice, "2001:db8:a::10", "2001:db8:b::10"), newProbe(t, bob, "2001:db8:b::10", "2001:db8:a::10"),
		newProbe(t, west.Machine, "10.0.1.1", "10.0.2.1"), newProbe(t, east.Machine, "10.0.2.1", "10.0.1.1"),
		newProbe(t, west.Machine, "192.0.2.1", "192.0.2.2"), newProbe(t, east.Machine, "192.0.2.2", "192.0.2.1"),
	}
	c := lab.CaptureOn(t, west.Machine, "wan", marker)
	startProbes(t, probes)
	// all waits until every probe has come through some times.
	all := func(when string) {
		t.Helper()
		var had []int64
		for _, p := range probes {
			had = append(had, p.received.Load())
		}
		for i, p := range probes {
			until(t, when+", "+p.name+" is answered", func() bool { return p.received.Load() >= had[i]+3 })
		}
	}
	all("without IPsec")
	until(t, "the capture sees what is in the clear", func() bool { return len(c.Between(time.Time{}, time.Now())) > len(probes) })

	east.must(0, "setup", "start")
	up := west.startTimed()
	all("after start")
	type phase struct {
		name string
		from time.Time
	}
	phases := []phase{{"start", up}}
	begin := func(name string) { phases = append(phases, phase{name, time.Now()}) }
	begin("restart")
	west.must(0, "setup", "restart")
	all("after restart")

	begin("KLIPS killed")
	west.Sh(t, "kill -9 $(cat /var/run/pluto/klips.pid); flock /var/run/pluto/klips.pid true")
	some := probes[0].received.Load()
	time.Sleep(300 * time.Millisecond) // many probes are sent in it
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
		time.Sleep(30 * time.Millisecond) // some probes are sent in it
		p.kill(os.Kill)
	}
	begin("the last restart")
	west.must(0, "setup", "restart")
	all("after restarts that were killed")

	begin("stop")
	end := west.stopTimed()
	phases = append(phases, phase{"after", end})
	esp := c.Count("esp")
	if esp < 100 {
		t.Errorf("%d packets of ESP were seen", esp)
	}
	for i, p := range phases[:len(phases)-1] {
		if leaks := c.Between(p.from, phases[i+1].from); len(leaks) > 0 {
			t.Errorf("%s: %d packets in the clear, the first %v after its begin: %s", p.name, len(leaks), leaks[0].At.Sub(p.from), leaks[0].Bytes)
		}
	}
	east.must(0, "setup", "stop")
	same(t, "before start and after stop", before, west.state())
}

// startTimed starts, and returns when the last route was there.
func (g *gateway) startTimed() (up time.Time) {
	g.t.Helper()
	p := g.pace(bin+"/ipsec", "setup", "--show", "start")
	routed := false
	for line, ok := p.next(); ok; line, ok = p.next() {
		switch {
		case strings.Contains(line, " ip route replace "):
			routed, up = true, time.Time{}
		case routed && up.IsZero():
			up = time.Now()
		}
	}
	if status := p.wait(); status != 0 || up.IsZero() {
		g.t.Fatalf("start ends with %d", status)
	}
	return up
}

// stopTimed stops, and returns when it was just about to take the interfaces
// away: the pipe has room for that step's line once the line before is taken.
func (g *gateway) stopTimed() (end time.Time) {
	g.t.Helper()
	p := g.pace(bin+"/ipsec", "setup", "--show", "stop")
	var last time.Time // that a line was taken
	for {
		p.settle()
		time.Sleep(20 * time.Millisecond) // some probes are sent in each state
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
		g.t.Fatalf("stop ends with %d", status)
	}
	return end
}
