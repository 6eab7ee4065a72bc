package laws

import (
	"sync/atomic"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// line is two gateways with a host behind each, all of which send to those on the
// other side all the time, and a capture of what passes between the gateways.
type line struct {
	t          *testing.T
	west, east *gateway
	before     string // the state of west
	probes     []*probe
	sent       atomic.Int64 // how often each has sent
	capture    *lab.Capture
}

// newLine makes a line whose gateways have the configuration text.
func newLine(t *testing.T, text string) *line {
	t.Helper()
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
		g.write("/etc/ipsec.conf", text)
	}
	const forward = "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; "
	west.Sh(t, forward+"ip addr add 192.0.2.1/24 dev wan; ip addr add fe80::1/64 dev wan nodad; ip addr add fe80::1/64 dev lan nodad; ip addr add 2001:db8:1::1/64 dev wan nodad; ip addr add 10.0.1.1/24 dev lan; ip addr add 2001:db8:a::1/64 dev lan nodad; ip route add default via 192.0.2.2; ip -6 route add default via 2001:db8:1::2")
	east.Sh(t, forward+"ip addr add 192.0.2.2/24 dev wan; ip addr add fe80::2/64 dev wan nodad; ip addr add fe80::1/64 dev lan nodad; ip addr add 2001:db8:1::2/64 dev wan nodad; ip addr add 10.0.2.1/24 dev lan; ip addr add 2001:db8:b::1/64 dev lan nodad; ip route add default via 192.0.2.1; ip -6 route add default via 2001:db8:1::1")
	alice.Sh(t, "ip addr add 10.0.1.10/24 dev eth0; ip addr add fe80::10/64 dev eth0 nodad; ip addr add 2001:db8:a::10/64 dev eth0 nodad; ip route add default via 10.0.1.1; ip -6 route add default via 2001:db8:a::1")
	bob.Sh(t, "ip addr add 10.0.2.10/24 dev eth0; ip addr add fe80::10/64 dev eth0 nodad; ip addr add 2001:db8:b::10/64 dev eth0 nodad; ip route add default via 10.0.2.1; ip -6 route add default via 2001:db8:b::1")
	l := &line{t: t, west: west, east: east, before: west.state()}
	l.probes = []*probe{
		newProbe(t, alice, "10.0.1.10", "10.0.2.10"), newProbe(t, bob, "10.0.2.10", "10.0.1.10"),
		newProbe(t, alice, "2001:db8:a::10", "2001:db8:b::10"), newProbe(t, bob, "2001:db8:b::10", "2001:db8:a::10"),
		newProbe(t, west.Machine, "10.0.1.1", "10.0.2.1"), newProbe(t, east.Machine, "10.0.2.1", "10.0.1.1"),
		newProbe(t, west.Machine, "192.0.2.1", "192.0.2.2"), newProbe(t, east.Machine, "192.0.2.2", "192.0.2.1"),
	}
	l.capture = lab.CaptureOn(t, west.Machine, "wan", marker)
	startProbes(t, l.probes, &l.sent)
	return l
}

// all waits until every probe has come through some times.
func (l *line) all(when string) {
	l.t.Helper()
	var had []int64
	for _, p := range l.probes {
		had = append(had, p.received.Load())
	}
	for i, p := range l.probes {
		lab.Until(l.t, when+", "+p.name+" is answered", func() bool { return p.received.Load() >= had[i]+3 })
	}
}

// more waits until that many more probes of each have been sent.
func (l *line) more(count int64) {
	l.t.Helper()
	sent := l.sent.Load()
	lab.Until(l.t, "more probes are sent", func() bool { return l.sent.Load() >= sent+count })
}

// phase is a part of a test, from a moment on.
type phase struct {
	name string
	from time.Time
}

type phases []phase

func (p *phases) begin(name string) { *p = append(*p, phase{name, time.Now()}) }

// check fails the test for each phase in which something passed in the clear.
// The last ends at end.
func (p phases) check(t *testing.T, c *lab.Capture, end time.Time) {
	t.Helper()
	if esp := c.Count("esp"); esp < 100 {
		t.Errorf("%d packets of ESP were seen", esp)
	}
	for i, phase := range p {
		until := end
		if i+1 < len(p) {
			until = p[i+1].from
		}
		if leaks := c.Between(phase.from, until); len(leaks) > 0 {
			t.Errorf("%s: %d packets in the clear, the first %v after its begin: %s", phase.name, len(leaks), leaks[0].At.Sub(phase.from), leaks[0].Bytes)
		}
	}
}
