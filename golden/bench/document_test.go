package bench

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// verdict says which of what is wanted is reached.
func (f finished) verdict() string {
	r := f.ratio()
	reached := func(want float64) bool { return r >= want && !f.lower || r <= want && f.lower }
	switch {
	case reached(f.goal):
		return "goal"
	case reached(f.gate):
		return "gate"
	}
	return "**missed**"
}

// figures returns the median, the least and the most of samples.
func figures(list []sample) string {
	var v []float64
	for _, s := range list {
		v = append(v, s.value)
	}
	slices.Sort(v)
	return fmt.Sprintf("%.3g (%.3g–%.3g)", median(v), v[0], v[len(v)-1])
}

// text is the table.
func (l *lineup) text() string {
	var b strings.Builder
	b.WriteString("| what | KLIPS | beside it | ratio | gate | goal | reached | by CPU time |\n|---|---|---|---|---|---|---|---|\n")
	for _, f := range l.lines {
		what := f.name
		if f.beside != nil {
			what += " beside " + f.beside.name
		}
		fmt.Fprintf(&b, "| %s, %s: %s | %s | %s: %s | %.2f | %.4g | %.4g | %s | %.2f |\n", what, f.unit, l.rigs[f.line.ours].name,
			figures(f.outcome.ours), l.rigs[f.line.theirs].name, figures(f.outcome.theirs), f.ratio(), f.gate, f.goal, f.verdict(), f.costRatio())
	}
	return b.String()
}

// document is doc/performance.md.
func (l *lineup) document() string {
	var b strings.Builder
	b.WriteString(`# Performance

Written by ` + "`make bench`" + `. Two gateways and a client behind each, in network namespaces of one machine, on veth pairs with an
MTU of 1500; the MTU inside every tunnel is 1420. KLIPS is what ` + "`ipsec setup start`" + ` brings up, with a replay window of 4096 and
everything else on; wireguard-go and strongSwan have their defaults. Each figure is the median of runs that alternate, with the
least and the most in brackets; the ratio is the median of the ratios of the pairs. A ratio of a round trip is good when it is
small. "By CPU time" is how many times as much time of the processor, user and system, the peer's daemons take for the same; it
depends less on what else the machine does. All processes share the machine's processors with both clients, so that absolute
figures say little.

`)
	b.WriteString(l.text())
	b.WriteByte('\n')
	for _, name := range []string{"gcm-udp", "many-udp"} {
		if r := l.rigs[name]; r != nil {
			fmt.Fprintf(&b, "Memory of a daemon of %s, after the runs: %d MB.\n", r.name, r.memory(l.t)>>20)
		}
	}
	var missed []string
	for _, f := range l.lines {
		if v := f.verdict(); v != "goal" {
			missed = append(missed, fmt.Sprintf("%s of %s (%.2f, goal %.4g)", f.name, l.rigs[f.line.ours].name, f.ratio(), f.goal))
		}
	}
	if missed != nil {
		fmt.Fprintf(&b, "\nThe goal is missed for: %s.\n", strings.Join(missed, "; "))
	}
	b.WriteString(`
For raw ESP the kernel has neither UDP_SEGMENT nor UDP_GRO: each packet would go through its stack by itself. KLIPS goes round that
by AF_XDP, as it does here, while there are SAs of raw ESP and none in UDP: a program of it on a link makes the kernel copy every
large packet that comes there, those of ESP in UDP among them. Else, or where AF_XDP is not to be had, it sends by AF_PACKET, which
takes longer, and what that cannot take by a raw socket, which takes longer still.
`)
	fmt.Fprintf(&b, "\nMachine: %s.\n", machine())
	return b.String()
}

func machine() string {
	model := "processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, rest, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(rest)
				break
			}
		}
	}
	var name unix.Utsname
	_ = unix.Uname(&name)
	return fmt.Sprintf("%d × %s, Linux %s, %s, wireguard-go %s", runtime.NumCPU(), model, unix.ByteSliceToString(name.Release[:]), runtime.Version(), wireguardVersion)
}
