package compile

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/conf/hook"
	"ipsec/plan"
)

func TestParseInfo(t *testing.T) {
	h := hook.Note{Conn: "net", Suffix: "-client", Command: "/etc/up down --x=100%25", Env: []string{"PLUTO_ME=192.0.2.1", "PLUTO_MY_ID=C=DE, O=a b"}}
	other := hook.Note{Conn: "old", Suffix: "-host", Command: "/etc/updown"}
	got := parseInfo([]string{
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
		"hook=" + h.String(),
		"hook=" + other.String(),
		"hook=" + h.String(),
		"unhook=" + other.String(),
		"hook=net -client /x LD_PRELOAD=y",
		"colour=blue",
		"half a li",
	})
	want := info{
		rundir: true, subsys: true,
		interfaces: []attachment{{virtual: "ipsec0", physical: "eth0"}},
		addresses:  []plan.DelAddr{{Link: "ipsec0", Prefix: netip.MustParsePrefix("192.0.2.1/32")}},
		routes: []plan.DelRoute{
			{Link: "ipsec0", Dst: netip.MustParsePrefix("10.0.2.0/24")},
			{Link: "ipsec0", Dst: netip.MustParsePrefix("10.0.3.0/24"), Metric: 7},
		},
		hooks:    []hook.Note{h},
		settings: []string{"/proc/sys/net/ipv4/ip_forward"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("found\n%+v\nexpected\n%+v", got, want)
	}
}

// TestHookAgain has a conn that goes up, down and up be up.
func TestHookAgain(t *testing.T) {
	h := hook.Note{Conn: "net", Suffix: "-client", Command: "/etc/updown"}
	got := parseInfo([]string{"hook=" + h.String(), "unhook=" + h.String(), "hook=" + h.String()}).hooks
	if len(got) != 1 || got[0].Conn != "net" {
		t.Errorf("up are %+v", got)
	}
}

// FuzzInfo has stop be possible whatever ipsec.info holds, and no step of it
// reach beyond the settings of the network.
func FuzzInfo(f *testing.F) {
	f.Add("interface=ipsec0 eth0\naddress=ipsec0 ::1/128\nroute=ipsec0 10.0.0.0/8 3\n/proc/sys/net/ipv4/ip_forward=1")
	f.Add("hook=net -client-v6 /etc/up%20down PLUTO_ME=::1\nunhook=net -client-v6 /etc/up%20down PLUTO_ME=::1")
	f.Add("/proc/sys/net/../../../etc/shadow=x\nhook=a b c%2520 PLUTO_X=%")
	f.Fuzz(func(t *testing.T, text string) {
		in := parseInfo(strings.Split(text, "\n"))
		for _, path := range in.settings {
			if !isSetting(path) {
				t.Errorf("%q is taken for a setting", path)
			}
		}
		for _, h := range in.hooks {
			back, ok := hook.ParseNote(strings.Fields(h.String()))
			if !ok || !reflect.DeepEqual(back, h) {
				t.Errorf("%+v is read back as %+v", h, back)
			}
		}
		c := newCompiler(plan.Stop, nil, plan.Facts{Running: plan.Running{Info: strings.Split(text, "\n")}, RunDir: true}, conf.DefaultPaths())
		for _, n := range append(c.stop(), c.unwanted()...) {
			if err := plan.Validate(n); err != nil {
				t.Error(err)
			}
		}
	})
}
