package laws

import (
	"strings"
	"testing"
)

// TestRoutesOfPassthrough has what a conn lets pass leave by the route that the host has for it, and not
// by another link, with manual keying as with automatic; and a conn that protects the networks around
// is not refused for the sake of that route.
func TestRoutesOfPassthrough(t *testing.T) {
	const conns = `config setup
	pluto=%pluto

conn all
	left=192.0.2.1
	right=198.51.100.2
	leftsubnet=10.0.1.0/24
	rightsubnet=0.0.0.0/0
%keying

conn far
	left=192.0.2.1
	right=198.51.100.2
	type=passthrough
	leftsubnet=10.0.1.0/24
	rightsubnet=10.5.0.0/16
%pass

conn here
	left=192.0.2.1
	right=198.51.100.2
	type=passthrough
	leftsubnet=10.0.1.0/24
	rightsubnet=10.0.1.0/24
%pass
`
	for name, words := range map[string]*strings.Replacer{
		"manual": strings.NewReplacer("%pluto", "no", "%pass", "\tauto=manual", "%keying", "\tauto=manual\n\tspi=0x200\n\tesp=3des-md5-96\n\tespenckey=0x"+strings.Repeat("0ddba110", 6)+"\n\tespauthkey=0x"+strings.Repeat("0ddba110", 4)),
		"route":  strings.NewReplacer("%pluto", "yes", "%pass", "\tauto=route\n\tauthby=never", "%keying", "\tauto=route\n\tauthby=secret"),
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, words.Replace(conns), "ip route add 10.5.0.0/16 via 10.0.1.9 dev eth1\n")
			before := g.state()
			if out := g.must(0, "setup", "start"); strings.Contains(out, "leave in the clear") || strings.Contains(out, "is not routed") {
				t.Errorf("start says:\n%s", out)
			}
			for to, link := range map[string]string{"10.5.0.1": "dev eth1", "10.5.200.1": "dev eth1", "10.0.1.7": "dev eth1", "10.6.0.1": "dev ipsec0", "8.8.8.8": "dev ipsec0"} {
				if got := g.Sh(t, "ip route get "+to); !strings.Contains(got, link) {
					t.Errorf("packets to %s leave by %s, expected %s", to, got, link)
				}
			}
			g.must(0, "setup", "stop")
			same(t, "stop", before, g.state())
		})
	}
}
