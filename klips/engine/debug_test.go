package engine

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"ipsec/klips"
	"ipsec/klips/said"
)

// debugged sends packets of all kinds between two gateways that have those
// flags on, and returns what west and east log at the next sweep.
func debugged(t *testing.T, flags ...string) (lines []string) {
	t.Helper()
	n, west, east := pair(t, klips.Settings{})
	for _, g := range []*gateway{west, east} {
		g.log = func(line string) { lines = append(lines, line) }
		g.must(g.SetDebug(flags))
	}
	all := tunnel()
	all.protos = []said.Proto{said.IPIP, said.COMP, said.ESP, said.AH}
	all.up(west, east, 0x1001)
	var last []byte
	n.Alter = func(p []byte) [][]byte {
		last = bytes.Clone(p)
		return [][]byte{p}
	}
	west.device.Send(udp("10.1.0.1:1", "10.2.0.1:2", 1000))
	receive(t, east.device.Received)
	west.device.Send(udp("10.1.0.1:1", "10.3.0.1:2", 100))
	west.drops(klips.DropNoEroute, 1)
	last[len(last)-1] ^= 1
	n.Deliver(last)
	east.drops(klips.DropReplay, 1)
	west.wire.Hooks().PathMTU(addr("192.1.2.45"), 0x1001, 1300)
	west.must(west.ClearSAs())
	west.Debug(klips.TopicPFKey, "pfkey: a message")
	lines = nil // what Sweep says of drops does not count here
	for _, g := range []*gateway{west, east} {
		g.stats.last = g.now()
		g.Sweep()
	}
	return lines
}

// TestDebug has each flag of klipsdebug(8) say what it names, and nothing else.
func TestDebug(t *testing.T) {
	cases := map[string][]string{
		"tunnel":      {"tunnel: 10.1.0.1 -> 10.2.0.1, protocol 17, ports 1 to 2, 1028 bytes: sent as 192.1.2.23 -> 192.1.2.45, protocol 51", "10.3.0.1, protocol 17, ports 1 to 2, 128 bytes: dropped as one without an eroute"},
		"tunnel-xmit": {"tunnel: 10.1.0.1 -> 10.2.0.1"},
		"netlink":     {"netlink: packets to 192.1.2.45 may have 1300 bytes"},
		"xform":       {`xform: esp0x1001@192.1.2.45: encryption "aesgcm16"`},
		"eroute":      {"eroute: set 10.1.0.0/16 -> 10.2.0.0/16 => tun0x1001@192.1.2.45: good"},
		"spi":         {"spi: add esp0x1001@192.1.2.45: good", "spi: group [", "spi: clear"},
		"radij":       {"takes 10.1.0.0/16 -> 10.2.0.0/16 => tun", "has no eroute"},
		"esp":         {"esp: esp0x1001@192.1.2.45 sealed", "opened"},
		"ah":          {"ah: ah0x1001@192.1.2.45 protected", "verified", "sequence number seen before"},
		"rcv":         {"rcv: 192.1.2.23 -> 192.1.2.45, protocol 51,", ": good", "dropped as one replayed"},
		"pfkey":       {"pfkey: a message"},
		"ipcomp":      {"comp: comp0x1001@192.1.2.45 compressed 1028 bytes: good", "expanded"},
		"verbose":     {},
	}
	for _, flag := range klips.Topics().Names {
		want, ok := cases[flag]
		if !ok {
			t.Errorf("no case has %s", flag)
		}
		t.Run(flag, func(t *testing.T) {
			lines := debugged(t, flag)
			text := strings.Join(lines, "\n")
			for _, w := range want {
				if !strings.Contains(text, w) {
					t.Errorf("missing %q", w)
				}
			}
			head, _, _ := strings.Cut(flag, "-")
			for _, line := range lines {
				if !strings.HasPrefix(line, strings.TrimPrefix(head, "ip")+": ") {
					t.Errorf("unexpected %q", line)
				}
			}
			if t.Failed() || flag == "verbose" != (lines == nil) {
				t.Errorf("got:\n%s", text)
			}
		})
	}
	if lines := debugged(t); lines != nil {
		t.Errorf("without flags: %q", lines)
	}
	text := strings.Join(debugged(t, append(klips.Topics().Names, "all")...), "\n")
	if !strings.Contains(text, "ttl 64") || strings.Contains(text, hex.EncodeToString(key(4, 1))) || strings.Contains(text, string(key(4, 1))) {
		t.Errorf("all:\n%s", text)
	}
}

// TestDebugFlood sees that a flood of packets is none of lines.
func TestDebugFlood(t *testing.T) {
	_, west, _ := pair(t, klips.Settings{Debug: []string{"all"}})
	var lines []string
	west.log = func(line string) { lines = append(lines, line) }
	for range 500 {
		west.device.Send(udp("10.1.0.1:1", "10.2.0.1:2", 10))
	}
	west.drops(klips.DropNoEroute, 500)
	west.stats.last = west.now().Add(time.Minute)
	west.Sweep()
	if len(lines) != debugLines+1 || !strings.HasSuffix(lines[debugLines], "more lines left out") {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}
