package ikebench

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

const head = `# Performance of Pluto

Pluto, with KLIPS beside it, and charon of strongSwan, with the ESP of its
kernel-libipsec inside, measured by turns: "make bench" does so and writes this file.
The other end is our own IKEv2 in the process that measures, which counts for neither.
PSK, x25519, aes128gcm16; each handshake is a whole one, with the tunnel's SAs, eroute
and route set. Handshakes are counted by the CPU time of all processes of the one that is
measured, which is what one core can do; memory by what is resident, at the moment when the last
tunnel is up. A start is that of charon with "swanctl --load-all", or "ipsec setup start". Medians.

`

// document is what doc/performance-ike.md says.
func document(all []outcome) string {
	var b strings.Builder
	b.WriteString(head)
	b.WriteString("| | unit | charon | ours | ratio | goal | |\n|---|---|---:|---:|---:|---|---|\n")
	for _, o := range all {
		goal := fmt.Sprintf("× %.3g", o.goal)
		if o.limit > 0 {
			goal = fmt.Sprintf("below %.3g %s", o.limit, o.unit)
		}
		met := "met"
		if !o.met() {
			met = "not met"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | × %.2f | %s | %s |\n", o.name, o.unit, short(o.median(0)[0].value), short(o.median(1)[0].value), o.ratio(), goal, met)
	}
	b.WriteString("\nA ratio above 1 is better than charon.\n\n")
	for _, o := range all {
		if parts := o.median(1)[1:]; len(parts) > 0 {
			fmt.Fprintf(&b, "- %s:", o.name)
			for i, p := range parts {
				if i > 0 {
					b.WriteString(";")
				}
				fmt.Fprintf(&b, " %s %.3g", p.what, p.value)
			}
			b.WriteString("\n")
		}
	}
	fmt.Fprintf(&b, "\n%d tunnels for the memory, %d handshakes, %d rounds; %s, %d processors (%s), Linux %s, %s, load %s.\n",
		*tunnels, *count, *rounds, time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), processor(), kernel(), runtime.Version(), loadOf())
	return b.String()
}

// short writes a number with three digits or more.
func short(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

func first(path, prefix string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return strings.TrimSpace(strings.TrimLeft(rest, "\t :"))
		}
	}
	return "unknown"
}

func processor() string { return first("/proc/cpuinfo", "model name") }
func kernel() string    { return first("/proc/sys/kernel/osrelease", "") }
func loadOf() string    { return strings.Join(strings.Fields(first("/proc/loadavg", ""))[:1], "") }
