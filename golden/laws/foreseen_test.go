package laws

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"ipsec/exec/shell"
	"ipsec/plan"
	"ipsec/pluto/whack/status"
)

// TestForeseen: what the plan of a start promises of conns that Pluto routes is what Pluto says after the
// run: those that the plan says are not routed are not, and all others are; Pluto refuses to initiate none but those
// of which the plan says so. After the start, and after a restart
// with another file, there is no difference. -seed says which host.
func TestForeseen(t *testing.T) {
	first, hosts := int64(1), int64(8)
	if *seed != 0 {
		first, hosts = *seed, 1
	}
	refused, routed := 0, 0
	t.Run("hosts", func(t *testing.T) {
		for n := first; n < first+hosts; n++ {
			r := rand.New(rand.NewSource(n))
			text, routes := "version 2.0\n\nconfig setup\n\tinterfaces=\"ipsec0=eth0 ipsec1=eth1\"\n", ""
			pick := func(words ...string) string { return words[r.Intn(len(words))] }
			for i := range 3 + r.Intn(6) {
				text += fmt.Sprintf("\nconn c%d\n\tleft=%s\n\tauthby=secret\n\tauto=%s\n\tright=%s\n\ttype=%s\n", i,
					pick("192.0.2.1", "192.0.2.1", "10.0.1.1"), pick("route", "route", "start"), pick("192.0.2.2", "192.0.2.3", "198.51.100.7", "%any"), pick("tunnel", "tunnel", "tunnel", "passthrough", "drop"))
				if net := pick("10.0.1.0/24", "10.0.1.0/25", "2001:db8:a::/64", ""); net != "" {
					text += "\tleftsubnet=" + net + "\n"
				}
				if net := pick("10.5.0.0/16", "10.5.0.0/16", "10.5.1.0/24", "2001:db8:b::/64", "0.0.0.0/0", ""); net != "" {
					text += "\trightsubnet=" + net + "\n"
				}
			}
			text += "\nconn named\n\tleft=192.0.2.1\n\tleftsubnet=10.0.1.0/24\n\tright=gate.example.org\n\trightsubnet=2001:db8:b::/64\n\tauthby=secret\n\tauto=route\n"
			for range r.Intn(3) {
				routes += "ip route replace " + pick("10.5.0.0/17 via 10.0.1.9 dev eth1", "10.5.1.0/24 via 192.0.2.77", "10.5.1.128/25 via 10.0.1.9 dev eth1 metric 7", "198.51.100.0/24 via 192.0.2.78") + "\n"
			}
			t.Run(fmt.Sprintf("seed %d", n), func(t *testing.T) {
				g := newGateway(t, text, routes)
				p, err := shell.Lift("plan", g.must(0, "setup", "--showonly", "--format", "sh", "start"))
				if err != nil {
					t.Fatal(err)
				}
				promised := make(map[string]bool) // whether a conn that is loaded is routed
				for _, node := range p.Nodes {
					if step, ok := node.(plan.Step); ok {
						switch op := step.Op.(type) {
						case plan.AddConn:
							promised[op.Name] = false
						case plan.RouteConn:
							promised[op.Name] = step.OnFail.Kind == plan.FailWarn
						}
					}
				}
				said := g.must(0, "setup", "start")
				if strings.Contains(said, "cannot route") || strings.Contains(said, "cannot initiate") {
					t.Errorf("a refusal that the plan did not foresee:\n%s", said)
				}
				var d status.Document
				if err := json.Unmarshal([]byte(g.must(0, "whack", "--status", "--format", "json")), &d); err != nil {
					t.Fatal(err)
				}
				if len(d.Connections) != len(promised) {
					t.Errorf("Pluto has %d connections, the plan has %d", len(d.Connections), len(promised))
				}
				for _, c := range d.Connections {
					is := c.Routing != "unrouted"
					if is {
						routed++
					} else {
						refused++
					}
					if is != promised[c.Name] {
						t.Errorf("%s is %s, and the plan promised that it is routed: %v\n%s\n%s\nstart said\n%s", c.Name, c.Routing, promised[c.Name], text, routes, said)
					}
				}
				if r := g.ipsec("setup", "diff"); r.status != 0 || r.stdout != "no difference\n" {
					t.Errorf("diff ends with %d and says\n%s%s\n%s\n%s", r.status, r.stdout, r.stderr, text, routes)
				}
				other := strings.NewReplacer("10.5.0.0/16", "10.5.128.0/17", "10.0.1.0/25", "10.0.1.128/25", "conn c1", "conn d1", "auto=route\n\tright=192.0.2.2", "auto=add\n\tright=192.0.2.2", "type=drop", "type=reject", "192.0.2.3", "192.0.2.4").Replace(text)
				g.write("/etc/ipsec.conf", other)
				g.must(0, "setup", "restart")
				if r := g.ipsec("setup", "diff"); r.status != 0 || r.stdout != "no difference\n" {
					t.Errorf("after a restart with another file diff ends with %d and says\n%s%s\n%s\nTHEN\n%s\n%s", r.status, r.stdout, r.stderr, text, other, routes)
				}
				g.must(0, "setup", "stop")
			})
		}
	})
	if *seed == 0 && (refused < 5 || routed < 5) {
		t.Errorf("%d conns are refused, %d routed: the hosts are all alike", refused, routed)
	}
}
