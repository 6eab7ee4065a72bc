package info

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

// today is an ipsec.info as gateways in the field have it.
const today = `config=/etc/ipsec.conf
rundir=made
klips=started
defaultroutephys=eth0
defaultroutevirt=ipsec0
defaultrouteaddr=192.0.2.1
defaultroutenexthop=192.0.2.254
interface=ipsec0 eth0
address=ipsec0 192.0.2.1/32
address=ipsec0 2001:db8:1::1/128
/proc/sys/net/ipv4/conf/all/rp_filter=1
/proc/sys/net/ipv4/ip_forward=0
pluto=started
subsys=/var/lock/subsys/ipsec
route=ipsec0 10.0.2.0/24
route=ipsec0 2001:db8:2::/48 1024
unroute=ipsec0 10.0.2.0/24
hook=net/1x2 -client /etc/up%20down%20--x=100%2525 PLUTO_VERSION=1.1 PLUTO_CONNECTION=net PLUTO_MY_ID=C=DE,%20O=x%20y PLUTO_MTU=1400
hook=old -host-v6 /etc/updown PLUTO_ME=::1
unhook=old -host-v6 /etc/updown PLUTO_ME=::1
`

// values is what today says, line by line.
func values() []Line {
	net := Hook{Conn: "net/1x2", Suffix: "-client", Command: "/etc/up down --x=100%25",
		Env: []string{"PLUTO_VERSION=1.1", "PLUTO_CONNECTION=net", "PLUTO_MY_ID=C=DE, O=x y", "PLUTO_MTU=1400"}}
	old := Hook{Conn: "old", Suffix: "-host-v6", Command: "/etc/updown", Env: []string{"PLUTO_ME=::1"}}
	four := Route{Dst: netip.MustParsePrefix("10.0.2.0/24"), Link: "ipsec0"}
	return []Line{
		Config("/etc/ipsec.conf"), RunDirMade{}, Klips,
		DefaultRoute{DefaultPhysical, "eth0"}, DefaultRoute{DefaultVirtual, "ipsec0"}, DefaultRoute{DefaultAddress, "192.0.2.1"}, DefaultRoute{DefaultNextHop, "192.0.2.254"},
		Interface{"ipsec0", "eth0"}, Address{"ipsec0", netip.MustParsePrefix("192.0.2.1/32")}, Address{"ipsec0", netip.MustParsePrefix("2001:db8:1::1/128")},
		Setting{"/proc/sys/net/ipv4/conf/all/rp_filter", "1"}, Setting{"/proc/sys/net/ipv4/ip_forward", "0"}, Pluto, Subsys("/var/lock/subsys/ipsec"),
		four, Route{Dst: netip.MustParsePrefix("2001:db8:2::/48"), Link: "ipsec0", Metric: 1024}, Unroute(four), net, old, Unhook(old),
	}
}

func TestToday(t *testing.T) {
	lines, complaints := split("info", []byte(today))
	if len(complaints) > 0 {
		t.Errorf("complaints %q", complaints)
	}
	want := values()
	if len(lines) != len(want) {
		t.Fatalf("%d lines, expected %d", len(lines), len(want))
	}
	var text strings.Builder
	for i, line := range lines {
		got, ok := Parse(line)
		if !ok || !reflect.DeepEqual(got, want[i]) {
			t.Errorf("%q is read as %#v, expected %#v", line, got, want[i])
		}
		text.WriteString(want[i].String() + "\n")
	}
	if text.String() != today {
		t.Errorf("written\n%s\nexpected\n%s", &text, today)
	}
	stands := append(want[:14:14], want[15], want[17]) // without the route and the hook that were undone
	if got := StandingOf(lines).Lines(); !reflect.DeepEqual(got, stands) {
		t.Errorf("stand %q\nexpected %q", got, stands)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, line := range []string{
		"", "half a li", "=x", "colour=blue", "defaultroute=x", "defaultroutemac=x", "phys=eth0", "rundir=", "klips=dead",
		"interface=ipsec0", "interface=ipsec0 eth0 eth1", "address=ipsec0", "address=ipsec0 192.0.2.1",
		"route=ipsec0 10.0.2", "route=ipsec0 10.0.2.0/24 x", "route=ipsec0 10.0.2.0/24 -7", "route=ipsec0 10.0.2.0/24 7 7", "unroute=ipsec0",
		"hook=net", "hook=net -client", "hook=net -client /x LD_PRELOAD=y", "unhook=net -client", "route=ipsec0 10.0.2.0/24\n", "config=\x00",
	} {
		if l, ok := Parse(line); ok {
			t.Errorf("%q is read as %#v", line, l)
		}
	}
}

func TestStanding(t *testing.T) {
	up, down := "hook=net -client /etc/updown", "unhook=net -client /etc/updown"
	for _, c := range []struct {
		name, lines, want string
	}{
		{"once", up + "|" + up, up},
		{"up and down", up + "|" + down, ""},
		{"up, down and up", up + "|" + down + "|" + up, up},
		{"down alone", down, ""},
		{"down for another conn", up + "|unhook=old -client /etc/updown", up},
		{"a route with a metric is another one", "route=ipsec0 10.0.0.0/8|unroute=ipsec0 10.0.0.0/8 7", "route=ipsec0 10.0.0.0/8"},
		{"the first value of a setting", "/proc/x=1|/proc/x=2|/proc/y=3", "/proc/x=1|/proc/y=3"},
		{"the order of the file", "route=ipsec0 10.0.0.0/8|" + up + "|klips=started|unroute=ipsec0 10.0.0.0/8|route=ipsec0 10.0.0.0/8", up + "|klips=started|route=ipsec0 10.0.0.0/8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := StandingOf(strings.Split(c.lines, "|"))
			var got []string
			for _, l := range s.Lines() {
				got = append(got, l.String())
				if !s.Has(l) {
					t.Errorf("%q does not stand", l)
				}
			}
			if strings.Join(got, "|") != c.want {
				t.Errorf("stand %q, expected %q", got, c.want)
			}
		})
	}
	s := StandingOf([]string{"/proc/x=1", "/proc/x=2"})
	if value, ok := s.Setting("/proc/x"); value != "1" || !ok {
		t.Errorf("found %q, %v", value, ok)
	}
	if value, ok := s.Setting("/proc/y"); ok {
		t.Errorf("found %q", value)
	}
}

// TestHookWords has words that have blanks of any kind come back as they were: a
// hook that is not read is never undone.
func TestHookWords(t *testing.T) {
	want := Hook{Conn: "net", Suffix: "-client", Command: "/etc/up\tdown  %20 %", Env: []string{"PLUTO_MY_ID=C=DE, O=x\u00a0y", "PLUTO_PEER_CA="}}
	if got, ok := Parse(want.String()); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("%q is read as %#v", want.String(), got)
	}
}

func TestBelow(t *testing.T) {
	for path, want := range map[string]bool{
		"/proc/sys/net/ipv4/ip_forward": true, "/proc/sys/net/ipv4/conf/a=b/rp_filter": true,
		"/etc/passwd": false, "/proc/sys/net/": false, "/proc/sys/net/../kernel/x": false, "/proc/sys/net/ipv4/..": false, "/proc/sys/net//x": false, "/proc/sys/network": false,
	} {
		if got := (Setting{Path: path}).Below(SettingsDir); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
