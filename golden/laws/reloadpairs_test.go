package laws

import (
	"strings"
	"testing"

	"ipsec/golden/lab"
)

// forthAndBack starts with the file one, reloads by the other and back: each time what is there is what a start
// makes, and there is no difference.
func (g *gateway) forthAndBack(one, other string) {
	g.t.Helper()
	defer func() {
		if g.t.Failed() {
			g.t.Log("FROM\n" + one + "TO\n" + other)
		}
	}()
	before := g.state()
	start := func(text string) string {
		g.t.Helper()
		g.write("/etc/ipsec.conf", text)
		g.must(0, "setup", "start")
		g.agrees("start")
		return g.world()
	}
	reload := func(text string) string {
		g.t.Helper()
		g.write("/etc/ipsec.conf", text)
		verb := "reload"
		if r := g.ipsec("setup", "--showonly", "reload"); strings.Contains(r.stdout+r.stderr, "--disruptive") {
			verb = "force-reload"
		}
		plan := g.ipsec("setup", "--showonly", verb)
		if r := g.ipsec("setup", verb); r.status != 0 {
			g.t.Errorf("%s: %d\n%s%s\n%s", verb, r.status, r.stdout, r.stderr, plan.stdout)
		}
		if !g.agrees(verb) {
			g.t.Log(plan.stdout)
		}
		return g.world()
	}
	first := start(one)
	second := reload(other)
	same(g.t, "after the way back, expected what the start had made", first, reload(one))
	g.must(0, "setup", "stop")
	same(g.t, "after a stop, expected what was before", before, g.state())
	same(g.t, "after a reload, expected what a start makes", start(other), second)
	g.must(0, "setup", "stop")
}

// agrees fails the test where there is a difference after a verb.
func (g *gateway) agrees(verb string) bool {
	g.t.Helper()
	r := g.ipsec("setup", "diff")
	if r.status != 0 {
		g.t.Errorf("after %s: %d\n%s%s", verb, r.status, r.stdout, r.stderr)
	}
	return r.status == 0
}

// TestReloadPairs: pairs of files between which a reload once left something else than a start.
func TestReloadPairs(t *testing.T) {
	lab.NeedRoot(t)
	const (
		head = "version 2.0\n\nconfig setup\n"
		auto = "\n\tleft=192.0.2.1\n\tauthby=secret\n\tauto=route\n"
		wide = "\nconn wide" + auto + "\tright=192.0.2.3\n\trightsubnet=10.0.0.0/13\n"
		east = "\nconn east" + auto + "\tright=192.0.2.4\n\tleftsubnet=10.0.1.0/24\n\trightsubnet=10.5.0.0/16\n"
		west = "\nconn west" + auto + "\tright=192.0.2.5\n\tleftsubnet=10.0.1.0/24\n\trightsubnet=10.5.0.0/16\n"
		same = "\nconn same" + auto + "\tright=192.0.2.6\n\tleftsubnet=10.0.1.0/24\n\trightsubnet=10.0.2.0/24\n"
		both = "\tinterfaces=\"ipsec0=eth0 ipsec1=eth1\"\n"
	)
	hooked := func(net string) string {
		return "\nconn hooked" + ends + keys3DES + "\tspi=0x800\n\tleftupdown=/etc/updown\n\tleftsubnet=10.0.1.0/24\n\trightsubnet=" + net + "\n"
	}
	by := func(net string) string { return strings.Replace(tunnel, "10.0.2.0/24", net, 1) }
	added := strings.NewReplacer("auto=route", "auto=add").Replace
	for _, c := range []struct{ name, one, other string }{
		{"a route below the network of a conn that goes, too", head + wide + tunnel, head + added(wide)},
		{"one in the place of another that is routed", head + added(west) + east, head + west + east},
		{"an interface less, and nothing else to restore", head + both + "\trp_filter=%unchanged\n" + wide, head + "\tinterfaces=\"ipsec0=eth0\"\n\trp_filter=%unchanged\n" + wide},
		{"another name of an interface", head + "\tinterfaces=\"ipsec2=eth0\"\n" + wide, head + wide},
		{"Pluto begins", head + "\tpluto=no\n" + tunnel, head + wide + tunnel},
		{"a stronger filter", head + wide, head + "\trp_filter=1\n" + wide},
		{"a filter left alone", head + wide, head + "\trp_filter=%unchanged\n" + wide},
		{"a network that another has by hand, and that is routed no more", head + added(strings.Replace(east, "leftsubnet=10.0.1.0/24", "leftsubnet=10.0.1.0/25", 1)) + by("10.5.0.0/16"), head + strings.Replace(east, "leftsubnet=10.0.1.0/24", "leftsubnet=10.0.1.0/25", 1) + by("10.5.0.0/16")},
		{"networks exchanged with a command", head + hooked("10.5.0.0/16") + by("10.6.0.0/16"), head + hooked("10.6.0.0/16") + by("10.5.0.0/16")},
		{"a command whose conn becomes one of Pluto", head + hooked("10.5.0.0/16"), head + added(strings.Replace(east, "conn east", "conn hooked", 1))},
		{"the command learns something", head + hooked("10.5.0.0/16"), head + hooked("10.5.0.0/16\n\trightid=@east")},
		{"networks exchanged, of one metric", head + east + strings.Replace(wide, "10.0.0.0/13", "0.0.0.0/0", 1), head + strings.Replace(wide, "10.0.0.0/13", "10.5.0.0/16\n\tmetric=5", 1) + strings.Replace(east, "10.5.0.0/16", "0.0.0.0/0", 1)},
		{"no interface any more", head + wide, head + "\tinterfaces=%none\n" + wide},
		{"the interface of a conn goes", head + both + strings.Replace(east, "192.0.2.1", "10.0.1.1", 1), head + strings.Replace(east, "192.0.2.1", "10.0.1.1", 1)},
		{"by hand what one that waits may have once", head + strings.Replace(wide, "192.0.2.1", "203.0.113.5", 1) + by("10.5.0.0/16"), head + strings.Replace(wide, "192.0.2.1", "203.0.113.5", 1)},
		{"no command any more", head + updown, head + tunnel},
		{"two by hand for the same packets", head + tunnel, head + tunnel + strings.NewReplacer("conn tunnel", "conn twice", "0x200", "0x240", "192.0.2.2", "192.0.2.3").Replace(tunnel)},
		{"one by hand and one by Pluto for the same packets", head + tunnel + same, head + same},
		{"one network over two interfaces", head + both + wide, head + both + wide + strings.NewReplacer("conn wide", "conn inside", "192.0.2.1", "10.0.1.1", "192.0.2.3", "10.0.1.77").Replace(wide)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			newGateway(t, "", crooked+quietly).forthAndBack(c.one, c.other)
		})
	}
}

// TestReloadPeers: what a peer has brought up stays up, and its routes stay where they are.
func TestReloadPeers(t *testing.T) {
	t.Parallel()
	const far = `version 2.0

config setup
	interfaces="ipsec0=wan"

conn %default
	left=192.0.2.1
	right=192.0.2.2
	authby=secret

conn host
	leftsubnet=10.0.1.0/24
	auto=start
`
	l := newLine(t, far)
	l.west.secret(preshared)
	l.east.secret(preshared)
	l.west.write("/etc/ipsec.conf", strings.NewReplacer("right=192.0.2.2", "right=%any", "auto=start", "auto=add").Replace(far))
	l.west.must(0, "setup", "start")
	l.east.must(0, "setup", "start")
	lab.Until(t, "the peer is up", func() bool { return len(l.west.sas("child", "host")) > 0 })
	const routes = "ip route show dev ipsec0"
	was, sas := l.west.Sh(t, routes), l.west.sas("child", "host")
	if !strings.Contains(was, "192.0.2.2") {
		t.Fatalf("there is no route to the peer:\n%s", was)
	}
	l.west.agrees("the peer is up")
	l.west.must(0, "setup", "reload")
	same(t, "a reload of nothing", was, l.west.Sh(t, routes))
	if now := l.west.sas("child", "host"); strings.Join(now, " ") != strings.Join(sas, " ") {
		t.Errorf("the SAs of the peer were %v, and are %v", sas, now)
	}
	l.west.must(0, "setup", "stop")
	l.east.must(0, "setup", "stop")
}
