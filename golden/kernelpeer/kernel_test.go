package kernelpeer

import (
	"os"
	"testing"
	"time"

	"ipsec/golden/guest"
	"ipsec/golden/lab"
	"ipsec/golden/report"
)

const tap = "tap0" // the device that is the other end of the guest's link

// pair is us and the guest.
type pair struct {
	*lab.Machine
	guest *guest.Guest
}

// Neighbours are set, so that no neighbour discovery runs into policies.
const (
	ourNetwork = `
sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
ip tuntap add tap0 mode tap
ip -batch - <<-.
	link set tap0 address 02:00:00:00:00:01 up
	addr add 10.99.0.1/24 dev tap0
	addr add 2001:db8:99::1/64 dev tap0 nodad
	neigh replace 10.99.0.2 lladdr 02:00:00:00:00:02 dev tap0 nud permanent
	neigh replace 2001:db8:99::2 lladdr 02:00:00:00:00:02 dev tap0 nud permanent
	addr add 10.1.1.1/32 dev lo
	addr add 2001:db8:a::1/128 dev lo nodad
.
`
	theirNetwork = `
ip -batch - <<-.
	link set lo up
	link set vec0 address 02:00:00:00:00:02
	link set vec0 up
	addr add 10.99.0.2/24 dev vec0
	addr add 2001:db8:99::2/64 dev vec0 nodad
	neigh replace 10.99.0.1 lladdr 02:00:00:00:00:01 dev vec0 nud permanent
	neigh replace 2001:db8:99::1 lladdr 02:00:00:00:00:01 dev vec0 nud permanent
	addr add 10.1.2.1/32 dev lo
	addr add 2001:db8:b::1/128 dev lo nodad
	route add 10.1.1.0/24 via 10.99.0.1 src 10.1.2.1
	route add 2001:db8:a::/64 via 2001:db8:99::1 src 2001:db8:b::1
.
`
)

// newPair boots the guest, beside a machine of ours.
func newPair(t *testing.T) pair {
	t.Helper()
	lab.NeedTUN(t)
	guest.Need(t)
	m := lab.New(t, "gw")
	m.Sh(t, ourNetwork)
	p := pair{Machine: m, guest: guest.Boot(t, m, tap, guest.Options{Memory: 128, Encapsulate: true})}
	p.guest.Sh(t, theirNetwork)
	return p
}

// start brings a pairing up on both sides. It comes down with the test. More
// is for config setup.
func (pr pair) start(t *testing.T, p pairing, more string) {
	t.Helper()
	if err := pr.Do(func() error { return os.WriteFile("/etc/ipsec.conf", []byte(p.conf(more)), 0o600) }); err != nil {
		t.Fatal(err)
	}
	pr.batch(t, p.xfrm())
	t.Cleanup(func() {
		pr.ipsec(t, "setup", "stop")
		pr.guest.Sh(t, "ip xfrm policy flush; ip xfrm state flush")
	})
	out := pr.ipsec(t, "setup", "start")
	if p.esn {
		out = pr.Run(t, "/bin/sh", "-ec", bin+`/ipsec manual --showonly --up peer | sed 's/ --\(esp\|ah\) / --esn&/' | sh`)
	}
	if table := pr.ipsec(t, "spi"); len(ourSAs(table)) != 2*len(p.protocols()) {
		t.Fatalf("these are the SAs:\n%s%s", out, table)
	}
}

// ipsec runs our binary.
func (pr pair) ipsec(t testing.TB, args ...string) string {
	t.Helper()
	return pr.Run(t, bin+"/ipsec", args...)
}

// batch has the guest's ip do commands.
func (pr pair) batch(t testing.TB, commands string) {
	t.Helper()
	pr.guest.Sh(t, "ip -batch - <<-.\n"+commands+".\n")
}

// xfrmStat returns the guest's counters of errors that are not 0.
func (pr pair) xfrmStat(t testing.TB) map[string]int {
	t.Helper()
	return xfrmStat(pr.guest.Sh(t, "cat /proc/net/xfrm_stat"))
}

func TestKernel(t *testing.T) {
	pr := newPair(t)
	var r outcomes
	for _, p := range matrix {
		t.Run(p.name, func(t *testing.T) {
			row := &row{name: p.name}
			r.rows = append(r.rows, row)
			pr.start(t, p, "")
			pr.exchange(t, p, row)
		})
	}
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			pr.start(t, c.pairing, c.setup)
			c.check(t, pr, c.pairing)
			r.checks = append(r.checks, line{c.name, c.what, !t.Failed()})
		})
	}
	if report.Whole() {
		r.document().Compare(t, "../../doc/interop-kernel.md")
	}
}

// eventually waits until there is no error any more.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	lab.Eventually(t, 10*time.Second, try)
}
