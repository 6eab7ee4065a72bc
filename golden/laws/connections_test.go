package laws

import (
	"encoding/json"
	"fmt"
	"strings"

	"ipsec/pluto/whack/status"
)

// connections returns what Pluto holds, if it lives: without SAs, which the peer
// has a say in, and without times and counts.
func (g *gateway) connections() string {
	g.t.Helper()
	if !g.exists("/var/run/pluto/pluto.ctl") {
		return "no Pluto\n"
	}
	r := g.ipsec("whack", "--status", "--format", "json")
	var d status.Document
	if err := json.Unmarshal([]byte(r.stdout), &d); err != nil {
		return fmt.Sprintf("# ipsec whack: %d\n%s%s", r.status, r.stdout, r.stderr)
	}
	d.Time, d.SAs, d.HalfOpen = "", nil, 0
	for i := range d.Connections {
		c := &d.Connections[i]
		c.Attempts, c.LastError, c.LastErrorTime, c.Retry = 0, "", "", ""
		c.IKESA, c.ChildSA, c.ErouteOwner = 0, 0, 0
	}
	text, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		g.t.Fatal(err)
	}
	return "# ipsec whack --status\n" + string(text) + "\n"
}

// negotiated are conns for Pluto of each kind; no peer answers.
var negotiated = strings.NewReplacer("ENDS", "\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tauthby=secret").Replace(`
conn added
	left=192.0.2.1
	right=%any
	authby=secret
	auto=add

conn trapENDS
	leftsubnet=10.0.1.0/24
	rightsubnet=10.0.20.0/24,10.0.21.0/24
	auto=route

conn pairsENDS
	leftsubnets={10.0.1.0/24 10.0.3.0/24}
	rightsubnet=10.0.22.0/24
	auto=route

conn aside
	left=192.0.2.1
	right=192.0.2.2
	type=drop
	rightsubnet=10.0.23.0/24
	auto=route

conn old
	left=192.0.2.1
	right=192.0.2.2
	authby=secret
	keyexchange=ikev1
	auto=add

conn elsewhere2
	left=203.0.113.1
	right=203.0.113.2
	authby=secret
	auto=route
`)
