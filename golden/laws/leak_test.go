package laws

import (
	"strings"
	"testing"
)

// TestRouteInTheClear has a route of the machine's own by which packets that a
// conn protects would leave: start and restart then refuse to do anything, and
// stop works.
func TestRouteInTheClear(t *testing.T) {
	t.Parallel()
	g := newGateway(t, setup+tunnel, "mkdir -p /var/run/pluto\n")
	refuses := func(verb string) {
		t.Helper()
		before := g.state()
		out := g.must(1, "setup", verb)
		for _, want := range []string{"/etc/ipsec.conf:", `conn "tunnel"`, "10.0.2.9/32 over eth0", "ip route del 10.0.2.9/32 via 192.0.2.9 dev eth0"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s does not say %q:\n%s", verb, want, out)
			}
		}
		same(t, verb, before, g.state())
	}
	const other = "10.0.2.9/32 via 192.0.2.9"
	g.Sh(t, "ip route add "+other)
	refuses("start")
	g.Sh(t, "ip route del "+other)
	stopped := g.state()
	g.must(0, "setup", "start")
	g.must(0, "setup", "restart")
	g.Sh(t, "ip route add "+other)
	refuses("restart")
	g.must(0, "setup", "status")
	g.must(0, "setup", "stop")
	g.Sh(t, "ip route del "+other)
	same(t, "stop", stopped, g.state())
}
