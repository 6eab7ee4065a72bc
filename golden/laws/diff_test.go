package laws

import (
	"encoding/json"
	"strings"
	"testing"

	"ipsec/exec/diff"
	"ipsec/golden/lab"
)

// TestDiffNothing: after a start, and after a restart, there is no difference, whatever the configuration
// is; and to ask changes nothing.
func TestDiffNothing(t *testing.T) {
	lab.NeedRoot(t)
	for _, c := range []struct{ name, text, prepare string }{
		{"everything", everything, crooked + quietly},
		{"several", setup + "\tforwardcontrol=yes\n\tinterfaces=\"ipsec0=eth0 ipsec1=eth1\"\n" + tunnel + transport + tunnel6 + mixed + shunts, crooked},
		{"Pluto", "version 2.0\nconfig setup\n\tuniqueids=yes\n\tplutodebug=\"control parsing\"\n\tklipsdebug=\"tunnel esp\"\n\tnooffload=\"tso, xdp\"\n" + tunnel + negotiated, ""},
		{"a name", "version 2.0\nconfig setup\n\nconn named\n\tleft=192.0.2.1\n\tright=gate.example.org\n\tleftid=%myid\n\tauthby=secret\n\tauto=route\n", "echo 192.0.2.9 gate.example.org >> /etc/hosts\n"},
		{"all to the peer", "version 2.0\nconfig setup\n\nconn all\n\tleft=192.0.2.1\n\tleftsubnet=10.0.1.0/24\n\tright=192.0.2.2\n\trightsubnet=0.0.0.0/0\n\tauthby=secret\n\tauto=route\n", ""},
		{"IPv6 with anybody", "version 2.0\nconfig setup\n\nconn six\n\tleft=2001:db8:1::1\n\tright=%any\n\tauthby=secret\n\tauto=add\n", ""},
		{"no data plane", setup + "\tprotostack=none\n\tinterfaces=%none\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, c.text, c.prepare)
			if r := g.ipsec("setup", "diff"); r.status != 2 || !strings.Contains(r.stdout, "IPsec is not running") {
				t.Errorf("before a start: %d\n%s%s", r.status, r.stdout, r.stderr)
			}
			for _, verb := range []string{"start", "restart"} {
				g.must(0, "setup", verb)
				state := func() string { return express.ReplaceAllString(g.state(), "") + g.tables() }
				before := state()
				if r := g.ipsec("setup", "diff"); r.status != 0 || r.stdout != "no difference\n" {
					t.Errorf("after %s: %d\n%s%s", verb, r.status, r.stdout, r.stderr)
				}
				same(t, "diff", before, state())
			}
			if r := g.as(65534).ipsec("setup", "diff"); r.status != 0 || !strings.HasSuffix(r.stdout, "no difference\n") {
				t.Errorf("nobody: %d\n%s%s", r.status, r.stdout, r.stderr)
			}
			g.must(0, "setup", "stop")
		})
	}
}

// changing is a configuration that files and persons change: a conn with manual keys, one that Pluto routes, and one that
// it has loaded.
var changing = strings.Replace(setup, "pluto=no", "pluto=yes\n\tforwardcontrol=yes", 1) + tunnel + `
conn routed
	left=192.0.2.1
	right=192.0.2.3
	rightsubnet=10.9.0.0/24
	authby=secret
	auto=route

conn added
	left=192.0.2.1
	right=192.0.2.4
	authby=secret
	auto=add
`

// TestDiff: what the configuration has changed, and what somebody has, is named, each thing once.
func TestDiff(t *testing.T) {
	lab.NeedRoot(t)
	text := changing
	for _, c := range []struct {
		name, old, now, happens string
		want                    []string
	}{
		{"a comment", "conn added", "# a comment\n\nconn added", "", nil},
		{"another network", "10.9.0.0/24", "10.8.0.0/24", "", []string{"+ route 10.8.0.0/24 dev ipsec0", "~ conn routed: right.subnets is 10.9.0.0/24, wanted 10.8.0.0/24", "- route 10.9.0.0/24 dev ipsec0"}},
		{"another algorithm", "\tauto=add", "\tesp=aes256gcm16!\n\tauto=add", "", []string{"~ conn added: child is "}},
		{"another name", "conn added", "conn other", "", []string{"+ conn other", "- conn added"}},
		{"another SPI", "spi=0x200", "spi=0x280", "", []string{"+ SA tun0x280@192.0.2.2", "+ SA esp0x280@192.0.2.2", "+ SA tun0x280@192.0.2.1", "+ SA esp0x280@192.0.2.1",
			"~ eroute 10.0.1.0/24 -> 10.0.2.0/24: tun0x200@192.0.2.2, wanted tun0x280@192.0.2.2", "- SA tun0x200@192.0.2.1", "- SA esp0x200@192.0.2.1", "- SA tun0x200@192.0.2.2", "- SA esp0x200@192.0.2.2"}},
		{"another key", "espauthkey=0x0ddba110", "espauthkey=0x0ddba11f", "", []string{"~ SA esp0x200@192.0.2.2: it has other keys than ipsec.conf (/etc/ipsec.conf:", "~ SA esp0x200@192.0.2.1: it has other keys than ipsec.conf (/etc/ipsec.conf:"}},
		{"another key to one side", "spi=0x200", "rightespenckey=0x0ddba11f_0ddba111_0ddba112_0ddba113_0ddba114_0ddba115\n\tspi=0x200", "", []string{"~ SA esp0x200@192.0.2.2: it has other keys than ipsec.conf (/etc/ipsec.conf:"}},
		{"the same key, written otherwise", "espauthkey=0x0ddba110_0ddba111", "espauthkey=0x0ddba1100DDBA111", "", nil},
		{"another key and algorithm", "esp=3des-md5-96", "esp=aes192-md5-96", "", []string{"~ SA esp0x200@192.0.2.2: src 192.0.2.1 3des md5-96 window 64, wanted src 192.0.2.1 aes md5-96 window 64", "~ SA esp0x200@192.0.2.1: "}},
		{"an option of Pluto", "pluto=yes", "pluto=yes\n\tuniqueids=yes", "", []string{"~ pluto: "}},
		{"an option of KLIPS", "pluto=yes", "pluto=yes\n\thidetos=no", "", []string{"~ klips: --fragicmp --hidetos, wanted --fragicmp"}},
		{"AF_XDP whatever rules there are", "pluto=yes", "pluto=yes\n\toffload=xdp", "", []string{"+ --xdp on of ipsec0"}},
		{"another MTU", "pluto=yes", "pluto=yes\n\toverridemtu=1300", "", []string{"~ interface ipsec0: on eth0 mtu 1379 up, wanted on eth0 mtu 1300 up"}},
		{"a route taken away", "", "", "ip route del 10.0.2.0/24", []string{"! route 10.0.2.0/24 dev ipsec0: it was there, and is gone"}},
		{"a route of Pluto taken away", "", "", "ip route del 10.9.0.0/24", []string{"! route 10.9.0.0/24 dev ipsec0: it was there, and is gone"}},
		{"a route by hand", "", "", "ip route add 172.16.0.0/12 dev ipsec0", []string{"! route 172.16.0.0/12 dev ipsec0: no plan has set it"}},
		{"a link down", "", "", "ip link set eth1 down; ip link set eth1 up; ip link set ipsec0 mtu 1400", []string{"~ interface ipsec0: on eth0 mtu 1400 up, wanted on eth0 mtu 1379 up"}},
		{"forwarding off", "", "", "sysctl -qw net.ipv4.ip_forward=0", []string{"! /proc/sys/net/ipv4/ip_forward: 0, start sets 1"}},
		{"the filter back", "", "", "sysctl -qw net.ipv4.conf.eth0.rp_filter=1", []string{"! /proc/sys/net/ipv4/conf/eth0/rp_filter: 1, start sets 0"}},
		{"a conn deleted", "", "", bin + "/ipsec whack --name added --delete", []string{"+ conn added"}},
		{"not to be routed any more", "\tauto=route", "\tauto=add", "", []string{"- route 10.9.0.0/24 dev ipsec0", "- routing of conn routed: a start would not route it"}},
		{"a route by hand beside a conn", "", "", "ip route add 192.0.2.4/32 dev ipsec0", []string{"! route 192.0.2.4/32 dev ipsec0: no plan has set it"}},
		{"the filter of all", "", "", "sysctl -qw net.ipv4.conf.all.rp_filter=1", []string{"! /proc/sys/net/ipv4/conf/all/rp_filter: 1, start sets 0"}},
		{"a conn unrouted", "", "", bin + "/ipsec whack --name routed --unroute", []string{"! route 10.9.0.0/24 dev ipsec0: it was there, and is gone", "! routing of conn routed: Pluto has not routed it"}},
		{"an eroute deleted", "", "", bin + "/ipsec eroute --clear", []string{"+ eroute 10.0.1.0/24 -> 10.0.2.0/24", "! eroute 192.0.2.1/32 -> 10.9.0.0/24: Pluto has set it, and it is gone"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, text, "")
			g.must(0, "setup", "start")
			if c.old != "" {
				g.write("/etc/ipsec.conf", strings.Replace(text, c.old, c.now, 1))
			}
			if c.happens != "" {
				g.Sh(t, c.happens)
			}
			r := g.ipsec("setup", "diff")
			var report diff.Report
			if err := json.Unmarshal([]byte(g.ipsec("setup", "--format", "json", "diff").stdout), &report); err != nil {
				t.Fatal(err)
			}
			status := 2
			if len(c.want) == 0 {
				status = 0
			}
			if r.status != status || len(report.Changes) != len(c.want) {
				t.Errorf("status %d, %d changes, expected %d and %d:\n%s%s", r.status, len(report.Changes), status, len(c.want), r.stdout, r.stderr)
			}
			for _, want := range c.want {
				if !strings.Contains("\n"+r.stdout, "\n"+want) {
					t.Errorf("expected %q in\n%s", want, r.stdout)
				}
			}
			g.write("/etc/ipsec.conf", text)
			g.Sh(t, "ip route del 172.16.0.0/12 2>/dev/null || ip route del 192.0.2.4/32 2>/dev/null || :") // which a restart leaves: it is not ours
			g.must(0, "setup", "restart")
			if r := g.ipsec("setup", "diff"); r.status != 0 {
				t.Errorf("after a restart by the first file: %d\n%s", r.status, r.stdout)
			}
			g.must(0, "setup", "stop")
		})
	}
}

// TestDiffFails: what cannot be compared is status 1, never 2, which says that there is a difference.
func TestDiffFails(t *testing.T) {
	t.Parallel()
	g := newGateway(t, setup+tunnel, "")
	g.must(0, "setup", "start")
	for _, words := range [][]string{{"--show", "diff"}, {"--showonly", "diff"}, {"--format", "sh", "diff"}, {"--plan", "x", "diff"}, {"--facts", "x", "diff"}, {"--config", "/nowhere", "diff"}} {
		g.must(1, append([]string{"setup"}, words...)...)
	}
	g.write("/etc/ipsec.conf", "conn nonsense nonsense\n")
	g.must(1, "setup", "diff")
	g.must(0, "setup", "stop")
}
