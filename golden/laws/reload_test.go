package laws

import (
	"slices"
	"strings"
	"testing"

	"ipsec/golden/lab"
)

// world returns what is on a machine but for the order in which it came and the notes of how: what two ways to
// one configuration have in common.
func (g *gateway) world() string {
	g.t.Helper()
	var lines []string
	notes := false
	for line := range strings.Lines(g.state()) {
		if strings.HasPrefix(line, "# ") {
			notes = strings.HasSuffix(line, "/ipsec.info\n")
		}
		if !notes {
			lines = append(lines, line)
		}
	}
	for line := range strings.Lines(g.tables()) {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// reloads returns changes of a file or by a person, and what of a reload's lines is to be there; "" of now and happens is
// nothing.
func reloads() []reloadCase {
	return []reloadCase{
		{"nothing", "", "", ""},
		{"another network", "10.9.0.0/24", "10.8.0.0/24", ""},
		{"another algorithm", "\tauto=add", "\tesp=aes256gcm16!\n\tauto=add", ""},
		{"another identity", "\tauto=route", "\trightid=@east\n\tauto=route", ""},
		{"another name", "conn added", "conn other", ""},
		{"another name, routed", "conn routed", "conn other", ""},
		{"another peer", "right=192.0.2.3", "right=192.0.2.9", ""},
		{"another name and peer", "conn routed\n\tleft=192.0.2.1\n\tright=192.0.2.3", "conn other\n\tleft=192.0.2.1\n\tright=192.0.2.9", ""},
		{"several networks", "rightsubnet=10.9.0.0/24", "rightsubnets={10.9.0.0/24 10.8.0.0/24}", ""},
		{"another SPI", "spi=0x200", "spi=0x280", ""},
		{"another window", "spi=0x200", "spi=0x200\n\tespreplay_window=128", ""},
		{"another key", "espenckey=0x0ddba110", "espenckey=0x0ddba11f", ""},
		{"another far network, manual", "10.0.2.0/24", "10.0.5.0/24", ""},
		{"no manual conn", "auto=manual", "auto=ignore", ""},
		{"AF_XDP whatever rules there are", "pluto=yes", "pluto=yes\n\toffload=xdp", ""},
		{"another MTU", "pluto=yes", "pluto=yes\n\toverridemtu=1300", ""},
		{"no forwarding", "forwardcontrol=yes", "forwardcontrol=no", ""},
		{"not to be routed any more", "\tauto=route", "\tauto=add", ""},
		{"to be routed", "\tauto=add", "\tauto=route", ""},
		{"another interface", "pluto=yes", "pluto=yes\n\tinterfaces=\"ipsec0=eth0 ipsec1=eth1\"", ""},
		{"a conn less", "conn added\n\tleft=192.0.2.1\n\tright=192.0.2.4\n\tauthby=secret\n\tauto=add", "", ""},
		{"a route taken away", "", "", "ip route del 10.0.2.0/24"},
		{"a route of Pluto taken away", "", "", "ip route del 10.9.0.0/24"},
		{"a link down and up", "", "", "ip link set ipsec0 down; ip link set ipsec0 up"},
		{"a link down", "", "", "ip link set ipsec0 down"},
		{"a link gone", "", "", "ip link del ipsec0"},
		{"an address gone", "", "", "ip addr flush dev ipsec0"},
		{"forwarding off", "", "", "sysctl -qw net.ipv4.ip_forward=0"},
		{"the filter back", "", "", "sysctl -qw net.ipv4.conf.eth0.rp_filter=1"},
		{"the filter of all", "", "", "sysctl -qw net.ipv4.conf.all.rp_filter=1"},
		{"a conn deleted", "", "", bin + "/ipsec whack --name added --delete"},
		{"a conn unrouted", "", "", bin + "/ipsec whack --name routed --unroute"},
		{"a conn routed", "", "", bin + "/ipsec whack --name added --route"},
		{"an eroute deleted", "", "", bin + "/ipsec eroute --clear"},
		{"SAs deleted", "", "", bin + "/ipsec spi --clear"},
		{"an eroute by hand", "", "", bin + "/ipsec eroute --add --eraf inet --src 10.0.1.0/24 --dst 10.77.0.0/16 --said %drop"},
		{"an SA by hand", "", "", bin + "/ipsec spi --said tun0x777@192.0.2.7 --ip4 --src 192.0.2.1 --dst 192.0.2.7"},
		{"manual becomes automatic", "\tauto=manual\n", "\tauthby=secret\n\tauto=route\n", ""},
	}
}

type reloadCase struct{ name, old, now, happens string }

// TestReload: a reload makes of what runs what a start by the file of now would make, and leaves no difference; and
// the way back does, too.
func TestReload(t *testing.T) {
	lab.NeedRoot(t)
	text := changing
	for _, c := range reloads() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.old != "" && !strings.Contains(text, c.old) {
				t.Fatalf("the file has no %q", c.old)
			}
			g := newGateway(t, text, "")
			g.must(0, "setup", "start")
			first := g.world()
			changed := strings.Replace(text, c.old, c.now, 1)
			g.write("/etc/ipsec.conf", changed)
			if c.happens != "" {
				g.Sh(t, c.happens)
			}
			g.reload("forth")
			if strings.Contains(c.happens, ".all.rp_filter") {
				return // which a reload leaves in force for the links of others, and a restart does not
			}
			reloaded := g.world()
			g.must(0, "setup", "restart")
			same(t, "after a restart with the file of now, expected what the reload has made", reloaded, g.world())
			g.write("/etc/ipsec.conf", text)
			g.reload("back")
			same(t, "after a reload with the first file, expected what the start had made", first, g.world())
			g.must(0, "setup", "stop")
		})
	}
}

// reload reloads, after which there is no difference.
func (g *gateway) reload(which string) {
	g.t.Helper()
	plan := g.ipsec("setup", "--showonly", "reload").stdout
	r := g.ipsec("setup", "reload")
	said := slices.DeleteFunc(strings.Split(r.stdout, "\n"), func(line string) bool { return line == "" || strings.Contains(line, "ipsec_setup: warning: ") })
	if r.status != 0 || !slices.Equal(said, []string{"ipsec_setup: Reloading IPsec..."}) {
		g.t.Errorf("%s: %d\n%s%s\n%s", which, r.status, r.stdout, r.stderr, plan)
	}
	if r := g.ipsec("setup", "diff"); r.status != 0 {
		g.t.Errorf("after the reload %s: %d\n%s%s\n%s", which, r.status, r.stdout, r.stderr, plan)
	}
}

// TestReloadKeys: keys that have changed at both ends take effect by a reload of each, those of one conn alone, and
// nothing leaves in the clear between.
func TestReloadKeys(t *testing.T) {
	t.Parallel()
	l := newLine(t, between)
	l.east.must(0, "setup", "start")
	p := phases{{"start", l.startTimed()}}
	l.all("after start")
	other := strings.Replace(between, "conn net\n", "conn net\n\tespenckey=0x0ddba11f_0ddba111_0ddba112_0ddba113_0ddba114_0ddba115\n", 1)
	net, net6 := l.probes[0], l.probes[2]
	lost := net6.missing.Load()
	for _, file := range []string{other, between} {
		p.begin("keys changed here")
		l.west.write("/etc/ipsec.conf", file)
		l.west.reload("of west")
		some := net.received.Load()
		l.more(30)
		if now := net.received.Load(); now > some+5 { // which were on their way
			t.Errorf("%d packets came through under the keys of before", now-some)
		}
		p.begin("keys changed there")
		l.east.write("/etc/ipsec.conf", file)
		l.east.reload("of east")
		l.all("with the same keys at both ends")
	}
	if n := net6.missing.Load() - lost; n > 0 {
		t.Errorf("%d packets of a conn whose keys are the same were lost", n)
	}
	p.begin("stop")
	p.check(t, l.capture, l.stopTimed())
	l.east.must(0, "setup", "stop")
}

// TestReloadRefused: what would interrupt all connections is refused, says what it is, and changes nothing.
func TestReloadRefused(t *testing.T) {
	t.Parallel()
	text := strings.Replace(setup, "pluto=no", "pluto=yes", 1) + tunnel
	g := newGateway(t, text, "")
	g.must(0, "setup", "start")
	before := g.world()
	g.write("/etc/ipsec.conf", strings.Replace(text, "pluto=yes", "pluto=yes\n\tuniqueids=yes\n\thidetos=no", 1))
	r := g.ipsec("setup", "reload")
	for _, want := range []string{"the arguments of klips change: less --hidetos", "the arguments of pluto change: more --uniqueids", "run it with --disruptive"} {
		if r.status != 1 || !strings.Contains(r.stdout, want) {
			t.Errorf("%d, expected %q:\n%s", r.status, want, r.stdout)
		}
	}
	same(t, "a reload that is refused", before, g.world())
	g.must(0, "setup", "reload", "--disruptive")
	if r := g.ipsec("setup", "diff"); r.status != 0 {
		t.Errorf("after a disruptive reload:\n%s", r.stdout)
	}
	g.must(0, "setup", "stop")
}
