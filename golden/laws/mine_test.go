package laws

import (
	"strings"
	"testing"
)

// TestMineOnly surrounds the subsystem with links, files and processes of others that
// look much like ours. They are still there after starts, stops and accidents.
func TestMineOnly(t *testing.T) {
	const foreign = `
ip tuntap add ipsec1 mode tun
ip link set ipsec1 up
ip tuntap add ipsec7 mode tun
ip link set ipsec7 alias "ipsec klips of somebody else"
ip link add ipsec9 type veth peer name ipsec10
ip addr add 192.0.2.1/32 dev ipsec1
ip addr add 192.0.2.77/32 dev eth1
ip route add 10.0.2.0/24 via 192.0.2.9 metric 50
ip route add 10.0.2.0/23 via 192.0.2.9
ip route add 10.0.99.0/24 dev ipsec1
ip route add 10.0.20.0/24 via 192.0.2.9 metric 50
ip route add 10.0.20.0/23 via 192.0.2.9
ip route add 10.0.21.0/24 via 192.0.2.9
ip -6 route add 2001:db8:b::/64 via 2001:db8:1::9
ip -6 route add 2001:db8:bb::/64 dev eth0
ip route add 10.0.2.0/24 via 192.0.2.8 table 220
ip rule add pref 220 table 220
mkdir -p /var/run/pluto /var/lock/subsys /etc/ipsec.d
sleep 1000 > /dev/null 2>&1 &
echo $! > /var/run/pluto/charon.pid
echo $! > /var/run/pluto/mine.info
echo mine > /var/run/pluto/ipsec.info.old
echo mine > /var/lock/subsys/network
echo mine > /etc/ipsec.d/policies
sysctl -qw net.ipv4.conf.ipsec1.rp_filter=1 net.ipv4.conf.ipsec1.forwarding=1
`
	// Conns of Pluto want the same networks as others have routes to.
	text := "version 2.0\n\nconfig setup\n\tforwardcontrol=yes\n" + tunnel + tunnel6 + shunts + negotiated
	for _, c := range []struct {
		name  string
		verbs []string
		stop  string
	}{
		{"stop", nil, ""},
		{"start", []string{"start"}, ""},
		{"restart", []string{"start", "restart"}, ""},
		{"KLIPS killed", []string{"start"}, "kill -9 $(cat /var/run/pluto/klips.pid)"},
		{"Pluto killed", []string{"start"}, "kill -9 $(cat /var/run/pluto/pluto.pid)"},
		{"files of numbers", []string{"start"}, "p=$(cat /var/run/pluto/charon.pid); kill -9 $(cat /var/run/pluto/klips.pid); for f in klips pluto ipsec_setup; do echo $p > /var/run/pluto/$f.pid; done"},
		{"info that lies", []string{"start"}, `cat >> /var/run/pluto/ipsec.info <<-.
			interface=ipsec1 eth1
			interface=ipsec7 eth1
			interface=eth1 eth0
			address=eth1 192.0.2.77/32
			route=eth0 10.0.2.0/23
			route=ipsec1 10.0.99.0/24
			/proc/sys/net/../../../var/lock/subsys/network=stolen
			/var/lock/subsys/network=stolen
			/etc/ipsec.d/policies=stolen
			/proc/sys/kernel/hostname=stolen
			subsys=../../../../var/lock/subsys/network
			.`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, text, foreign)
			before := g.state()
			for _, verb := range c.verbs {
				g.must(0, "setup", verb)
				now := g.state()
				for line := range strings.Lines(before) {
					if !strings.Contains(line, "ipv4/") && !strings.Contains(line, "ipv6/") && !strings.Contains(now, line) {
						t.Errorf("after %s there is no longer: %s", verb, line)
					}
				}
			}
			g.Sh(t, "true; "+c.stop)
			r := g.ipsec("setup", "stop")
			if !same(t, c.name, before, g.state()) {
				t.Logf("%s", r.stdout)
			}
		})
	}
}

// TestMineOnlyNames wants a name that is somebody else's: start fails, says so
// and takes back what it did.
func TestMineOnlyNames(t *testing.T) {
	for name, make := range map[string]string{
		"tun":   `ip tuntap add ipsec0 mode tun`,
		"veth":  `ip link add ipsec0 type veth peer name ipsec10`,
		"alias": `ip tuntap add ipsec0 mode tun; ip link set ipsec0 alias "ipsec klips "; ip addr add 192.0.2.1/32 dev ipsec0`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, setup+"\tforwardcontrol=yes\n"+tunnel, crooked+make)
			before := g.state()
			if out := g.must(1, "setup", "start"); !strings.Contains(out, "ipsec0") {
				t.Errorf("start does not name the interface:\n%s", out)
			}
			same(t, "a start that failed", before, g.state())
			g.must(1, "setup", "stop")
			same(t, "a stop after it", before, g.state())
		})
	}
}
