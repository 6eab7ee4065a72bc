package native

import (
	"net/netip"
	"strings"
	"testing"

	"ipsec/exec"
	shellform "ipsec/exec/shell"
	"ipsec/golden/lab"
	"ipsec/plan"
)

// state is what ip(8) sees of a machine that has settled, without what differs
// from one to the next.
const state = lab.Settle + `ip -o -d link show; ip -o addr show; ip -d -4 route show table all; ip -d -6 route show table all | sort`

// stripped takes MAC addresses, indexes and link-local addresses out of state,
// and whether a link has its carrier yet, which the kernel says in its own time.
func stripped(text string) string {
	var out []string
	text = strings.NewReplacer("NO-CARRIER,", "", ",LOWER_UP", "", " linkdown", "").Replace(text)
	for line := range strings.Lines(text) {
		if strings.Contains(line, "fe80:") || strings.Contains(line, "multicast") {
			continue
		}
		words := strings.Fields(line)
		for i := range words {
			if i > 0 && words[i-1] == "link/ether" {
				words[i] = "MAC"
			}
			if i > 0 && words[i-1] == "state" {
				words[i] = "STATE"
			}
		}
		out = append(out, strings.Join(words, " "))
	}
	return strings.Join(out, "\n")
}

// Each op leaves what its shell twin leaves, and fails when that fails.
func TestLinkOpsLikeIP(t *testing.T) {
	lab.NeedProgram(t, "ip")
	prefix, addr := netip.MustParsePrefix, netip.MustParseAddr
	// An address is there soon where the kernel does not look for another of it.
	const setup = `echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad;
ip link add v0 type veth peer name v1; ip link set v1 up; ip addr add 192.0.2.1/24 dev v1;`
	const upped = setup + `ip link set v0 up; ip addr add 192.0.2.9/32 dev v0;`
	for _, c := range []struct {
		name, setup string
		op          plan.Op
		twin        string
	}{
		{"up", setup, plan.LinkUp{Link: "v0"}, "ip link set dev v0 up"},
		{"up again", upped, plan.LinkUp{Link: "v0"}, "ip link set dev v0 up"},
		{"up, no such link", setup, plan.LinkUp{Link: "v9"}, "ip link set dev v9 up"},
		{"MTU", setup, plan.SetMTU{Link: "v0", MTU: 1379}, "ip link set dev v0 mtu 1379"},
		{"MTU out of range", setup, plan.SetMTU{Link: "v0", MTU: 20}, "ip link set dev v0 mtu 20"},
		{"host address", setup, plan.AddAddr{Link: "v0", Prefix: prefix("192.0.2.1/32")}, "ip addr replace 192.0.2.1/32 dev v0"},
		{"address with a net", upped, plan.AddAddr{Link: "v0", Prefix: prefix("198.51.100.7/24")}, "ip addr replace 198.51.100.7/24 dev v0"},
		{"address again", upped, plan.AddAddr{Link: "v0", Prefix: prefix("192.0.2.9/32")}, "ip addr replace 192.0.2.9/32 dev v0"},
		{"IPv6 address", upped, plan.AddAddr{Link: "v0", Prefix: prefix("2001:db8::1/128")}, "ip addr replace 2001:db8::1/128 dev v0"},
		{"address, no such link", setup, plan.AddAddr{Link: "v9", Prefix: prefix("192.0.2.1/32")}, "ip addr replace 192.0.2.1/32 dev v9"},
		{"address back", upped, plan.DelAddr{Link: "v0", Prefix: prefix("192.0.2.9/32")}, "ip addr del 192.0.2.9/32 dev v0"},
		{"IPv6 address back", upped + "ip addr add 2001:db8::1/128 dev v0;", plan.DelAddr{Link: "v0", Prefix: prefix("2001:db8::1/128")}, "ip addr del 2001:db8::1/128 dev v0"},
		{"address back, none", upped, plan.DelAddr{Link: "v0", Prefix: prefix("192.0.2.8/32")}, "ip addr del 192.0.2.8/32 dev v0"},
		{"route", upped, plan.AddRoute{Dst: prefix("10.0.2.0/24"), Link: "v0"}, "ip route replace 10.0.2.0/24 dev v0"},
		{"route with all", upped, plan.AddRoute{Dst: prefix("10.0.2.0/24"), Link: "v0", Src: addr("192.0.2.1"), MTU: 1400, Metric: 7},
			"ip route replace 10.0.2.0/24 dev v0 src 192.0.2.1 mtu 1400 metric 7"},
		{"route again", upped + "ip route add 10.0.2.0/24 dev v0 mtu 1000;", plan.AddRoute{Dst: prefix("10.0.2.0/24"), Link: "v0", MTU: 1400}, "ip route replace 10.0.2.0/24 dev v0 mtu 1400"},
		{"half of all", upped, plan.AddRoute{Dst: prefix("0.0.0.0/1"), Link: "v0"}, "ip route replace 0.0.0.0/1 dev v0"},
		{"host route", upped, plan.AddRoute{Dst: prefix("10.0.2.9/32"), Link: "v0"}, "ip route replace 10.0.2.9/32 dev v0"},
		{"IPv6 route", upped, plan.AddRoute{Dst: prefix("2001:db8:2::/48"), Link: "v0", MTU: 1400}, "ip route replace 2001:db8:2::/48 dev v0 mtu 1400"},
		{"IPv6 route, metric", upped, plan.AddRoute{Dst: prefix("2001:db8:2::/48"), Link: "v0", Metric: 5}, "ip route replace 2001:db8:2::/48 dev v0 metric 5"},
		{"route, link down", setup, plan.AddRoute{Dst: prefix("10.0.2.0/24"), Link: "v0"}, "ip route replace 10.0.2.0/24 dev v0"},
		{"route, source not ours", upped, plan.AddRoute{Dst: prefix("10.0.2.0/24"), Link: "v0", Src: addr("203.0.113.1")}, "ip route replace 10.0.2.0/24 dev v0 src 203.0.113.1"},
		{"route back", upped + "ip route add 10.0.2.0/24 dev v0; ip route add 10.0.2.0/24 dev v0 metric 7;", plan.DelRoute{Dst: prefix("10.0.2.0/24"), Link: "v0", Metric: 7},
			"ip route del 10.0.2.0/24 dev v0 metric 7"},
		{"route of another link", upped + "ip route add 10.0.2.0/24 dev v1;", plan.DelRoute{Dst: prefix("10.0.2.0/24"), Link: "v0"}, "ip route del 10.0.2.0/24 dev v0"},
		{"route with gateway", upped + "ip route add 10.0.2.0/24 via 192.0.2.7 dev v1;", plan.DelRoute{Dst: prefix("10.0.2.0/24"), Link: "v0"}, "ip route del 10.0.2.0/24 dev v0"},
		{"IPv6 route back", upped + "ip route add 2001:db8:2::/48 dev v0;", plan.DelRoute{Dst: prefix("2001:db8:2::/48"), Link: "v0"}, "ip route del 2001:db8:2::/48 dev v0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			native, shell := lab.New(t, "native"), lab.New(t, "shell")
			native.Sh(t, c.setup)
			shell.Sh(t, c.setup)
			b := newBench(t, "")
			if line, err := shellform.Line(plan.Step{Op: c.op, OnFail: plan.OnFail{Kind: plan.FailIgnore}}); err != nil || line != c.twin+" || :" {
				t.Errorf("written as %q, %v; want %q", line, err, c.twin)
			}
			err := native.Do(func() error { return exec.Do(t.Context(), b.Executor, c.op) })
			out, twinErr := shell.Try("/bin/sh", "-c", c.twin)
			if (err == nil) != (twinErr == nil) {
				t.Errorf("native: %v; %s: %v %s", err, c.twin, twinErr, out)
			}
			if got, want := stripped(native.Sh(t, state)), stripped(shell.Sh(t, state)); got != want {
				t.Errorf("native:\n%s\n%s:\n%s", got, c.twin, want)
			}
		})
	}
}
