package compile

import (
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/conf/info"
	"ipsec/plan"
)

func TestReadInfo(t *testing.T) {
	h := info.Hook{Conn: "net", Suffix: "-client", Command: "/etc/up down --x=100%25", Env: []string{"PLUTO_ME=192.0.2.1", "PLUTO_MY_ID=C=DE, O=a b"}}
	other := info.Hook{Conn: "old", Suffix: "-host", Command: "/etc/updown"}
	got := readInfo([]string{
		"config=/etc/ipsec.conf",
		"rundir=made",
		"subsys=/var/lock/subsys/ipsec",
		"interface=ipsec0 eth0",
		"interface=ipsec0",
		"interface=../x eth0",
		"address=ipsec0 192.0.2.1/32",
		"address=ipsec0 192.0.2.1",
		"route=ipsec0 10.0.2.0/24",
		"route=ipsec0 10.0.3.0/24 7",
		"route=ipsec0 10.0.3.0/24 -7",
		"route=ipsec0 10.0.3.0/24 7 7",
		"/proc/sys/net/ipv4/ip_forward=0",
		"/proc/sys/net/../kernel/x=0",
		"/etc/passwd=0",
		h.String(),
		other.String(),
		h.String(),
		info.Unhook(other).String(),
		"hook=net -client /x LD_PRELOAD=y",
		"colour=blue",
		"half a li",
	})
	want := noted{
		rundir: true, subsys: true,
		interfaces: []info.Interface{{Virtual: "ipsec0", Physical: "eth0"}},
		addresses:  []plan.DelAddr{{Link: "ipsec0", Prefix: netip.MustParsePrefix("192.0.2.1/32")}},
		routes: []plan.DelRoute{
			{Link: "ipsec0", Dst: netip.MustParsePrefix("10.0.2.0/24")},
			{Link: "ipsec0", Dst: netip.MustParsePrefix("10.0.3.0/24"), Metric: 7},
		},
		hooks:    []info.Hook{h},
		settings: []string{"/proc/sys/net/ipv4/ip_forward"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("found\n%+v\nexpected\n%+v", got, want)
	}
}

// FuzzInfo has stop be possible whatever ipsec.info holds, and no step of it
// reach beyond the settings of the network.
func FuzzInfo(f *testing.F) {
	f.Add("interface=ipsec0 eth0\naddress=ipsec0 ::1/128\nroute=ipsec0 10.0.0.0/8 3\n/proc/sys/net/ipv4/ip_forward=1")
	f.Add("hook=net -client-v6 /etc/up%20down PLUTO_ME=::1\nunhook=net -client-v6 /etc/up%20down PLUTO_ME=::1")
	f.Add("/proc/sys/net/../../../etc/shadow=x\nhook=a b c%2520 PLUTO_X=%")
	f.Fuzz(func(t *testing.T, text string) {
		for _, path := range readInfo(strings.Split(text, "\n")).settings {
			if filepath.Clean(path) != path || !strings.HasPrefix(path, "/proc/sys/net/") {
				t.Errorf("%q is taken for a setting", path)
			}
		}
		c := newCompiler(plan.Stop, nil, plan.Facts{Running: plan.Running{Info: strings.Split(text, "\n")}, RunDir: true}, conf.DefaultPaths())
		r := &resolved{compiler: c}
		for _, n := range slices.Concat(c.stop(), r.unhook(), r.withdraw(), r.unattach()) {
			if err := plan.Validate(n); err != nil {
				t.Error(err)
			}
		}
	})
}
