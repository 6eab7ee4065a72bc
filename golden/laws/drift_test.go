package laws

import (
	"strings"
	"testing"

	"ipsec/golden/lab"
)

// TestDriftByPluto: what Pluto takes away by itself, or is asked to, is not missed.
func TestDriftByPluto(t *testing.T) {
	lab.NeedRoot(t)
	text := strings.Replace(setup, "pluto=no", "pluto=yes", 1) + "\nconn routed\n\tleft=192.0.2.1\n\tright=192.0.2.3\n\trightsubnet=10.9.0.0/24\n\tauthby=secret\n\tauto=route\n"
	for _, words := range [][]string{{"--unroute", "routed"}, {"--delete", "routed"}, {"--replace", "routed"}, {"--down", "routed"}} {
		t.Run(words[0], func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, text, "")
			g.must(0, "setup", "start")
			g.ipsec(append([]string{"auto"}, words...)...)
			if r := g.ipsec("setup", "status"); r.status != 0 {
				t.Errorf("status ends with %d and says\n%s%s", r.status, r.stdout, r.stderr)
			}
			// To nobody, the Plutos of other tests may be of this machine, too.
			if r := g.as(65534).ipsec("setup", "status"); strings.Contains(r.stdout, "is gone") {
				t.Errorf("to nobody, status says\n%s%s", r.stdout, r.stderr)
			}
			g.must(0, "setup", "stop")
		})
	}
}

// TestDrift: status misses what somebody has taken away of what start made, also where nobody but
// the kernel knows, and is quiet again once it is back.
func TestDrift(t *testing.T) {
	lab.NeedRoot(t)
	for _, c := range []struct{ name, happens, says, back string }{
		{"a link taken away", "ip link del ipsec0", "the interface ipsec0 is gone", ""},
		{"a link down", "ip link set ipsec0 down", "the interface ipsec0 is down", ""},
		{"an address taken away", "ip addr del 192.0.2.1/32 dev ipsec0", "the address 192.0.2.1 of ipsec0 is gone", ""},
		{"a route taken away", "ip route del 10.0.2.0/24", "the route to 10.0.2.0/24 over ipsec0 is gone", "ip route add 10.0.2.0/24 dev ipsec0"},
		{"all routes taken away", "ip route flush dev ipsec0", "the route to 10.0.2.0/24 over ipsec0 is gone", ""},
		{"the physical link down", "ip link set eth0 down", "the interface eth0 is down, which ipsec0 is on", "ip link set eth0 up"},
		{"a route of a conn that Pluto has", "ip route del 10.9.0.0/24", "the route to 10.9.0.0/24 over ipsec0 is gone", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(setup, "pluto=no", "pluto=yes", 1) + tunnel + "\nconn routed\n\tleft=192.0.2.1\n\tright=192.0.2.3\n\trightsubnet=10.9.0.0/24\n\tauthby=secret\n\tauto=route\n"
			g := newGateway(t, text, "")
			g.must(0, "setup", "start")
			if r := g.ipsec("setup", "status"); r.status != 0 {
				t.Fatalf("status after start ends with %d and says\n%s%s", r.status, r.stdout, r.stderr)
			}
			g.Sh(t, c.happens)
			if r := g.ipsec("setup", "status"); r.status != 1 || !strings.Contains(r.stdout, "but...\n") || !strings.Contains(r.stdout, c.says+"\n") {
				t.Errorf("status ends with %d and says\n%s%s\nexpected 1 and %q", r.status, r.stdout, r.stderr, c.says)
			}
			if c.back != "" {
				g.Sh(t, c.back)
				if r := g.ipsec("setup", "status"); r.status != 0 {
					t.Errorf("once it is back, status ends with %d and says\n%s%s", r.status, r.stdout, r.stderr)
				}
			}
			g.must(0, "setup", "stop")
		})
	}
}
