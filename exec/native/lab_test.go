package native

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"ipsec/conf/info"
	"ipsec/golden/lab"
	"ipsec/klips/process"
	"ipsec/klips/tun"
	"ipsec/plan"
)

// settingsOf returns all of the kernel's settings of that name.
func settingsOf(t *testing.T, name string) string {
	t.Helper()
	entries, err := os.ReadDir("/proc/sys/net/ipv4/conf")
	if err != nil {
		t.Fatal(err)
	}
	var out string
	for _, entry := range entries {
		out += fmt.Sprintf("%s=%s", entry.Name(), contents(t, "/proc/sys/net/ipv4/conf/"+entry.Name()+"/"+name))
	}
	return out
}

// On a real kernel: the filter in force is gone where it is to go, stays
// where it is not, holds for links to come, and comes back.
func TestRPFilterInKernel(t *testing.T) {
	lab.Isolated(t, func(t *testing.T) {
		b := newBench(t, "")
		b.settings = "/proc/sys/net/"
		works(t, b.Run(t.Context(), plan.Run{Words: `set -e
			for v in va vb vc; do ip link add $v type veth peer name p$v; ip link set $v up; ip link set p$v up; done
			ip addr add 192.0.2.1/24 dev va
			cd /proc/sys/net/ipv4/conf
			echo 0 > default/rp_filter; echo 0 > va/rp_filter; echo 2 > vb/rp_filter; echo 1 > all/rp_filter`}))
		before := settingsOf(t, "rp_filter")
		works(t, b.RPFilter(t.Context(), plan.RPFilter{Value: "0", Links: []string{"va"}}))
		all := strings.TrimSpace(contents(t, "/proc/sys/net/ipv4/conf/all/rp_filter"))
		effective := func(link string) string {
			return max(all, strings.TrimSpace(contents(t, "/proc/sys/net/ipv4/conf/"+link+"/rp_filter")))
		}
		works(t, b.Run(t.Context(), plan.Run{Words: "ip link add later type veth peer name plater"}))
		for link, want := range map[string]string{"va": "0", "vb": "2", "vc": "1", "pva": "1", "lo": "1", "later": "1"} {
			if got := effective(link); got != want {
				t.Errorf("in force on %s: %s, want %s", link, got, want)
			}
		}
		works(t, b.Run(t.Context(), plan.Run{Words: "ip link del later"}))
		works(t, b.Restore(t.Context(), plan.Restore{Paths: settingNames(t, b.paths.Info())}))
		if after := settingsOf(t, "rp_filter"); after != before {
			t.Errorf("after:\n%s\nbefore:\n%s", after, before)
		}
	})
}

// settingNames returns the kernel settings that ipsec.info has, in order, as
// stop does.
func settingNames(t *testing.T, path string) []string {
	t.Helper()
	lines, _, err := info.Read(path)
	works(t, err)
	var names []string
	for _, line := range info.StandingOf(lines).Lines() {
		if s, ok := line.(info.Setting); ok {
			names = append(names, s.Path)
		}
	}
	return names
}

// Writing ip_forward changes other settings; restoring in order takes all of
// it back.
func TestForwardingComesBack(t *testing.T) {
	lab.Isolated(t, func(t *testing.T) {
		b := newBench(t, "")
		b.settings = "/proc/sys/net/"
		conf := b.settings + "ipv4/conf/"
		works(t, b.Run(t.Context(), plan.Run{Words: `set -e
			ip link add va type veth peer name vb
			cd /proc/sys/net/ipv4; echo 0 > ip_forward; echo 1 > conf/va/forwarding; echo 1 > conf/all/accept_redirects`}))
		before := settingsOf(t, "forwarding") + settingsOf(t, "accept_redirects")
		paths := []string{b.settings + "ipv4/ip_forward", conf + "default/forwarding", conf + "va/forwarding", conf + "vb/forwarding", conf + "lo/forwarding", conf + "all/accept_redirects"}
		works(t, b.Save(t.Context(), plan.Save{Paths: paths}))
		works(t, b.Write(t.Context(), plan.Write{Path: paths[0], Text: "1"}))
		if got := settingsOf(t, "forwarding"); !strings.Contains(got, "vb=1") {
			t.Errorf("forwarding is not on: %s", got)
		}
		works(t, b.Restore(t.Context(), plan.Restore{Paths: paths}))
		if after := settingsOf(t, "forwarding") + settingsOf(t, "accept_redirects"); after != before {
			t.Errorf("after:\n%s\nbefore:\n%s", after, before)
		}
	})
}

// With KLIPS dead, its devices are taken away, and no others.
func TestLeftoverInterfaces(t *testing.T) {
	lab.NeedTUN(t)
	lab.Isolated(t, func(t *testing.T) {
		b := newBench(t, "")
		works(t, b.Run(t.Context(), plan.Run{Words: "ip tuntap add dev ipsec7 mode tun; ip link add ipsec8 type veth peer name p8"}))
		leave := func(name string) {
			device, err := tun.Open(name, 1400, 0, 1)
			if err != nil {
				t.Fatal(err)
			}
			works(t, device.Close())
		}
		holds := func(want bool) {
			t.Helper()
			got, err := b.Holds(plan.Alive{Parts: []plan.Part{plan.Klips, plan.Interfaces}})
			if got != want || err != nil {
				t.Errorf("interfaces alive: %v, %v; want %v", got, err, want)
			}
		}
		holds(false)
		leave("ipsec0")
		leave("ipsec1")
		leave("ipsec2")
		holds(true)
		works(t, b.Detach(t.Context(), plan.Detach{Virtual: "ipsec1"}))
		fails(t, b.Detach(t.Context(), plan.Detach{Virtual: "ipsec1"}), "ipsec1", "no such")
		fails(t, b.Detach(t.Context(), plan.Detach{Virtual: "ipsec7"}), "ipsec7", "not ours")
		fails(t, b.Detach(t.Context(), plan.Detach{Virtual: "lo"}), "not ours")

		// A KLIPS that lives does not know what one before it has left.
		lock, err := process.Hold(b.paths.KlipsPID())
		if err != nil {
			t.Fatal(err)
		}
		works(t, b.Detach(t.Context(), plan.Detach{Virtual: "ipsec2"}))
		works(t, b.ClearInterfaces(t.Context(), plan.ClearInterfaces{}))
		works(t, lock.Release())
		holds(false)
		works(t, b.ClearInterfaces(t.Context(), plan.ClearInterfaces{}))
		for _, name := range []string{"ipsec7", "ipsec8", "p8", "lo"} {
			works(t, b.Run(t.Context(), plan.Run{Words: "ip link show dev " + name + " >/dev/null"}))
		}
	})
}

// A route into a device of ours is there while the device is.
func TestAddressOfOurs(t *testing.T) {
	lab.NeedTUN(t)
	lab.Isolated(t, func(t *testing.T) {
		b := newBench(t, "")
		device, err := tun.Open("ipsec0", 1400, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer device.Remove()
		works(t, b.AddAddr(t.Context(), plan.AddAddr{Link: "ipsec0", Prefix: netip.MustParsePrefix("192.0.2.1/32")}))
		works(t, b.SetMTU(t.Context(), plan.SetMTU{Link: "ipsec0", MTU: 1379}))
		works(t, b.LinkUp(t.Context(), plan.LinkUp{Link: "ipsec0"}))
		route := plan.AddRoute{Dst: netip.MustParsePrefix("10.0.2.0/24"), Link: "ipsec0", Src: netip.MustParseAddr("192.0.2.1")}
		for range 2 { // as restart does
			works(t, b.AddRoute(t.Context(), route))
		}
		works(t, b.DelRoute(t.Context(), plan.DelRoute{Dst: route.Dst, Link: "ipsec0"}))
		fails(t, b.DelRoute(t.Context(), plan.DelRoute{Dst: route.Dst, Link: "ipsec0"}), "10.0.2.0/24", "ipsec0", "no such")
	})
}
