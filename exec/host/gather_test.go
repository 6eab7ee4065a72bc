package host

import (
	"bytes"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"ipsec/conf"
	"ipsec/golden/lab"
	"ipsec/klips/process"
	"ipsec/klips/tun"
	"ipsec/plan"
)

// askedEnv makes this test binary print the facts, in a process of another user.
const askedEnv = "IPSEC_TEST_FACTS_OF"

func TestMain(m *testing.M) {
	if run := os.Getenv(askedEnv); run != "" {
		facts, err := Gather(pathsOf(run))
		if err == nil {
			err = Write(os.Stdout, facts)
		}
		if err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func pathsOf(run string) conf.Paths {
	paths := conf.DefaultPaths()
	paths.Run = run
	return paths
}

func sh(t *testing.T, script string) {
	t.Helper()
	if out, err := exec.Command("/bin/sh", "-ec", script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

func gather(t *testing.T, run string) plan.Facts {
	t.Helper()
	facts, err := Gather(pathsOf(run))
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

func text(t *testing.T, facts plan.Facts) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, facts); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGather(t *testing.T) {
	lab.Isolated(t, func(t *testing.T) {
		sh(t, `ip link add eth1 type veth peer name far1; ip link add eth0 type veth peer name far0
			for l in far0 eth1 eth0; do ip link set $l up; done
			ip link set eth0 mtu 1400
			ip addr add 192.0.2.9/24 brd + dev eth0; ip addr add 192.0.2.3/24 dev eth0
			ip addr add 2001:db8::1/64 dev eth0 nodad
			ip addr add 198.51.100.1 peer 198.51.100.9 dev eth1
			ip route add default via 192.0.2.1 dev eth0 metric 5
			ip route add default nexthop via 192.0.2.2 dev eth0 nexthop via 192.0.2.4 dev eth0
			ip route add 10.0.0.0/8 dev eth1 src 192.0.2.3
			ip route add 10.1.0.0/16 via inet6 2001:db8::7 dev eth0
			ip route add blackhole 10.2.0.0/16; ip route add 10.3.0.0/16 dev eth0 table 77
			ip -6 route add default via 2001:db8::ff dev eth0 metric 9`)
		facts := gather(t, "/run/none")
		p, a := netip.MustParsePrefix, netip.MustParseAddr
		links := []plan.Link{
			{Name: "eth0", MTU: 1400, Up: true, Addrs: []plan.Addr{
				{Prefix: p("192.0.2.9/24"), Broadcast: a("192.0.2.255")}, {Prefix: p("192.0.2.3/24")}, {Prefix: p("2001:db8::1/64")}}},
			{Name: "eth1", MTU: 1500, Up: true, Addrs: []plan.Addr{{Prefix: p("198.51.100.1/32"), Peer: a("198.51.100.9")}}},
			{Name: "far0", MTU: 1500, Up: true, Addrs: []plan.Addr{}},
			{Name: "far1", MTU: 1500, Addrs: []plan.Addr{}},
			{Name: "lo", MTU: 65536, Up: true, Loopback: true, Addrs: []plan.Addr{{Prefix: p("127.0.0.1/8")}, {Prefix: p("::1/128")}}},
		}
		if !reflect.DeepEqual(facts.Links, links) {
			t.Errorf("links %+v\nwant %+v", facts.Links, links)
		}
		routes := []plan.Route{
			{Dst: p("0.0.0.0/0"), Gateway: a("192.0.2.2"), Link: "eth0"},
			{Dst: p("0.0.0.0/0"), Gateway: a("192.0.2.4"), Link: "eth0"},
			{Dst: p("0.0.0.0/0"), Gateway: a("192.0.2.1"), Link: "eth0", Metric: 5},
			{Dst: p("10.0.0.0/8"), Link: "eth1", Src: a("192.0.2.3")},
			{Dst: p("10.1.0.0/16"), Gateway: a("2001:db8::7"), Link: "eth0"},
			{Dst: p("192.0.2.0/24"), Link: "eth0", Src: a("192.0.2.9")},
			{Dst: p("198.51.100.9/32"), Link: "eth1", Src: a("198.51.100.1")},
			{Dst: p("::/0"), Gateway: a("2001:db8::ff"), Link: "eth0", Metric: 9},
			{Dst: p("2001:db8::/64"), Link: "eth0", Metric: 256},
		}
		if !reflect.DeepEqual(facts.Routes, routes) {
			t.Errorf("routes %+v\nwant %+v", facts.Routes, routes)
		}
		if facts.Version != plan.FactsVersion || facts.Paths.Bin != "/usr/sbin" || facts.Host == "" || facts.RunDir || facts.SubsysDir || !facts.IPv6 {
			t.Errorf("%+v", facts)
		}
		if want := []string{"/dev/random", "/dev/urandom"}; !reflect.DeepEqual(facts.Randomness, want) {
			t.Errorf("randomness %q", facts.Randomness)
		}
		if facts.TUN != (len(facts.Stacks) > 0 && facts.Stacks[0] == "klips") || !facts.TUN {
			t.Errorf("TUN %v, stacks %q", facts.TUN, facts.Stacks)
		}
		if want := (plan.Running{Info: []string{}}); !reflect.DeepEqual(facts.Running, want) {
			t.Errorf("running %+v", facts.Running)
		}
		sh(t, "rm /dev/urandom /dev/net/tun; mkdir -p /var/lock/subsys /run/here")
		facts = gather(t, "/run/here")
		if len(facts.Randomness) != 1 || facts.TUN || slices.Contains(facts.Stacks, "klips") != facts.Modprobe || !facts.SubsysDir || !facts.RunDir {
			t.Errorf("%+v", facts)
		}
		back, err := Read(strings.NewReader(text(t, facts)))
		if err != nil || !reflect.DeepEqual(back, facts) {
			t.Errorf("read back %+v, %v", back, err)
		}
	})
}

// What start leaves on a machine changes nothing of the facts but Running.
func TestGatherWithoutOurs(t *testing.T) {
	lab.NeedTUN(t)
	lab.Isolated(t, func(t *testing.T) {
		sh(t, "ip link add eth0 type veth peer name far0; ip link set eth0 up; ip link set far0 up; ip addr add 192.0.2.1/24 dev eth0; mkdir /run/p")
		before := gather(t, "/run/p")
		device, err := tun.Open("ipsec0", 1400, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer device.Close()
		sh(t, `ip addr add 192.0.2.1/32 dev ipsec0; ip addr add 2001:db8::1/128 dev ipsec0; ip link set ipsec0 up
			ip route add 10.0.0.0/8 dev ipsec0; ip -6 route add 2001:db8:1::/48 dev ipsec0
			echo klips=started > /run/p/ipsec.info; touch /run/p/ipsec_setup.pid`)
		lock, err := process.Hold(pathsOf("/run/p").KlipsPID())
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Release()
		after := gather(t, "/run/p")
		if want := (plan.Running{Setup: true, Klips: true, Info: []string{"klips=started"}}); !reflect.DeepEqual(after.Running, want) {
			t.Errorf("running %+v, want %+v", after.Running, want)
		}
		after.Running = before.Running
		if !reflect.DeepEqual(after, before) {
			t.Errorf("after:\n%s\nbefore:\n%s", text(t, after), text(t, before))
		}
	})
}

// Nobody gets root's facts, and gathering them writes nothing.
func TestGatherAsNobody(t *testing.T) {
	lab.Isolated(t, func(t *testing.T) {
		sh(t, `ip link add eth0 type veth peer name far0; ip link set eth0 up; ip link set far0 up; ip addr add 192.0.2.1/24 dev eth0
			ip route add default via 192.0.2.7; mkdir -m 755 /run/p; echo klips=started > /run/p/ipsec.info`)
		lock, err := process.Hold(pathsOf("/run/p").KlipsPID())
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Release()
		binary, err := os.Open("/proc/self/exe")
		if err != nil {
			t.Fatal(err)
		}
		copied, err := os.OpenFile("/run/facts", os.O_CREATE|os.O_WRONLY, 0o755)
		if err == nil {
			_, err = io.Copy(copied, binary)
		}
		if err != nil {
			t.Fatal(err)
		}
		binary.Close()
		copied.Close()
		cmd := exec.Command("/run/facts")
		cmd.Dir = "/"
		cmd.Env = append(os.Environ(), askedEnv+"=/run/p")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		nobodys, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, stderr.String())
		}
		if roots := text(t, gather(t, "/run/p")); string(nobodys) != roots {
			t.Errorf("nobody's:\n%s\nroot's:\n%s", nobodys, roots)
		}
	})
}
