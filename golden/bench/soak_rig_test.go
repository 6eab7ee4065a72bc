package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"ipsec/golden/lab"
)

const rightClient6 = "fd02::10"

// newBare returns a rig whose gateways run KLIPS in the foreground, with no SAs, and with
// IPv6 behind them. What their daemons print goes to a file.
func newBare(t testing.TB, bin string) *rig {
	t.Helper()
	r := newRig(t, "KLIPS")
	r.left.Sh(t, "ip addr add fd01::10/64 dev eth0 nodad; ip route add default via fd01::1")
	r.right.Sh(t, "ip addr add fd02::10/64 dev eth0 nodad; ip route add default via fd02::1")
	r.program = filepath.Base(bin)
	for i, m := range []*lab.Machine{r.west, r.east} {
		m.Sh(t, "mkdir -p /var/run/pluto")
		r.daemons = append(r.daemons, r.start(t, m, bin, "klips", "--nofork"))
		m.Until(t, "test -S /var/run/pluto/klips.ctl")
		m.Run(t, bin, "tncfg", "--attach", "--virtual", "ipsec0", "--physical", "wan")
		m.Sh(t, fmt.Sprintf("sysctl -qw net.ipv6.conf.all.forwarding=1; ip addr add fd0%d::1/64 dev lan nodad; ip link set ipsec0 mtu %d up", i+1, innerMTU))
		m.Sh(t, fmt.Sprintf("ip route add 10.0.%d.0/24 dev ipsec0; ip route add fd0%d::/64 dev ipsec0", 2-i, 2-i))
	}
	return r
}

// refused returns how many packets the queues between the gateways have dropped unseen
// by KLIPS: the queues of the link, and those between it and the stack.
func (r *rig) refused(t testing.TB) (n uint64) {
	t.Helper()
	for _, m := range []*lab.Machine{r.west, r.east} {
		out := m.Sh(t, `
cat /sys/class/net/wan/statistics/tx_dropped /sys/class/net/wan/statistics/rx_dropped
awk '{print $2}' /proc/net/softnet_stat | while read n; do printf '%d\n' 0x$n; done`)
		for _, word := range strings.Fields(out) {
			count, err := strconv.ParseUint(word, 10, 64)
			if err != nil {
				t.Fatalf("%v in %q", err, out)
			}
			n += count
		}
	}
	return n
}

// goroutines ends a daemon of newBare by SIGQUIT, so that it prints its goroutines,
// and returns the function that started each of them.
func (r *rig) goroutines(t testing.TB, m *lab.Machine, pid int) (made []string) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	lab.Until(t, "the daemon has ended", func() bool { return syscall.Kill(pid, 0) != nil })
	text, err := os.ReadFile(filepath.Join(r.work, m.Name+"-"+r.program+".log"))
	if err != nil {
		t.Fatal(err)
	}
	for part := range strings.SplitSeq(string(text), "\n\n") {
		if !strings.HasPrefix(part, "goroutine ") || strings.HasPrefix(part, "goroutine 0 ") {
			continue
		}
		by := "the program"
		if _, rest, ok := strings.Cut(part, "created by "); ok {
			by, _, _ = strings.Cut(rest, "\n")
			by, _, _ = strings.Cut(by, " in goroutine")
		}
		made = append(made, by)
	}
	if made == nil {
		t.Fatalf("%s told of no goroutines: %s", m.Name, text)
	}
	return made
}
