package laws

import (
	"strings"
	"testing"
	"time"
)

// betweenPlutos is what between is, with keys that the gateways negotiate.
func betweenPlutos(auto string) string {
	conn := func(name string, lines ...string) string {
		return "\nconn " + name + "\n\t" + strings.Join(append(lines, "auto="+auto), "\n\t") + "\n"
	}
	return "version 2.0\n\nconfig setup\n\tinterfaces=\"ipsec0=wan\"\n\nconn %default\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tauthby=secret\n" +
		conn("host") +
		conn("net", "leftsubnet=10.0.1.0/24", "rightsubnet=10.0.2.0/24") +
		conn("net6", "leftsubnet=2001:db8:a::/64", "rightsubnet=2001:db8:b::/64") +
		conn("out", "rightsubnet=10.0.2.0/24") +
		conn("back", "leftsubnet=10.0.1.0/24")
}

// TestNothingInTheClearNegotiated is TestNothingInTheClear with Pluto: from the
// moment that west's conns are routed until its stop takes the interfaces away,
// no packet passes in the clear, negotiated or not, and whatever dies.
func TestNothingInTheClearNegotiated(t *testing.T) {
	t.Parallel()
	l := newLine(t, betweenPlutos("route"))
	west, east := l.west, l.east
	for _, g := range []*gateway{west, east} {
		g.write("/etc/ipsec.secrets", "192.0.2.1 192.0.2.2 : PSK \"published with this program\"\n")
		g.Sh(t, "chmod 600 /etc/ipsec.secrets")
	}
	before := west.state()
	l.all("without IPsec")
	east.must(0, "setup", "start")
	up := west.startTimed()
	l.all("after start")
	p := phases{{"start", up}}

	p.begin("Pluto's worker killed")
	west.Sh(t, "kill -9 $(ps -o pid= --ppid $(cat /var/run/pluto/pluto.pid))")
	time.Sleep(100 * time.Millisecond)
	l.all("after Pluto's worker was killed")

	p.begin("restart")
	west.must(0, "setup", "restart")
	l.all("after restart")

	p.begin("Pluto killed")
	west.Sh(t, "kill -9 $(cat /var/run/pluto/pluto.pid); flock /var/run/pluto/pluto.pid true")
	l.all("without Pluto")
	p.begin("restart after Pluto was killed")
	west.must(0, "setup", "restart")
	l.all("after a restart after Pluto was killed")

	p.begin("KLIPS killed")
	west.Sh(t, "kill -9 $(cat /var/run/pluto/klips.pid); flock /var/run/pluto/klips.pid true")
	time.Sleep(100 * time.Millisecond) // some probes are sent in it
	p.begin("restart after KLIPS was killed")
	west.must(0, "setup", "restart")
	l.all("after a restart after KLIPS was killed")

	p.begin("taken down")
	west.must(0, "auto", "--down", "net")
	l.all("after one was taken down, and came up by its packets")

	p.begin("stop")
	end := west.stopTimed()
	p.check(t, l.capture, end)
	east.must(0, "setup", "stop")
	same(t, "before start and after stop", before, west.state())
}
