package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"ipsec/klips"
	"ipsec/klips/eroute"
	"ipsec/klips/packet"
	"ipsec/klips/said"
)

// A topic is what a flag of klipsdebug(8) asks to be told of.
type topic uint32

const (
	topicTunnel     topic = 1 << iota // packets out: what became of them
	topicTunnelXmit                   // of those, the ones that were sent
	topicNetlink                      // virtual and physical interfaces, MTU of paths
	topicXform                        // the algorithms of SAs
	topicEroute                       // eroutes set and taken away
	topicSPI                          // SAs set, changed, ended
	topicRadij                        // which eroute a packet takes
	topicESP
	topicAH
	topicRcv // packets in: what became of them
	topicPFKey
	topicIPCOMP
	topicVerbose // more of each packet
)

// topics are the names of the topics, in the order of their bits.
func topics() []string {
	return []string{"tunnel", "tunnel-xmit", "netlink", "xform", "eroute", "spi", "radij", "esp", "ah", "rcv", "pfkey", "ipcomp", "verbose"}
}

// debugLines is how many lines are kept from one sweep to the next, and so are
// logged in a second at most.
const debugLines = 50

// debug keeps what the flags of klipsdebug(8) ask for until the next sweep
// logs it, so that no packet waits for a log. Keys and payloads are never in it.
type debug struct {
	on atomic.Uint32 // topics

	mu    sync.Mutex
	lines []string
	lost  int
}

// set turns on the topics of those names, and "all" but verbose.
func (d *debug) set(flags []string) {
	var on topic
	for i, name := range topics() {
		if slices.Contains(flags, name) || name != "verbose" && slices.Contains(flags, "all") {
			on |= 1 << i
		}
	}
	d.on.Store(uint32(on))
}

// about reports whether any of the topics is asked for. What is said costs
// time and memory, so that a data path looks here first.
func (d *debug) about(t topic) bool { return topic(d.on.Load())&t != 0 }

// say keeps a line.
func (d *debug) say(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.lines) >= debugLines {
		d.lost++
		return
	}
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

// done says what a change of the tables was, and the error that it met.
func (d *debug) done(t topic, err error, format string, args ...any) {
	if d.about(t) {
		d.say(format+": %s", append(args, outcome(err))...)
	}
}

// transform says what a transform of an SA did with that many bytes, or its error.
func (d *debug) transform(t topic, id said.SAID, did string, size int, err error) {
	if d.about(t) {
		d.say("%v: %v %s %d bytes: %s", id.Proto, id, did, size, outcome(err))
	}
}

func outcome(err error) string {
	if err != nil {
		return err.Error()
	}
	return "good"
}

// take returns the lines since the last time.
func (d *debug) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	lines := d.lines
	if d.lost > 0 {
		lines = append(lines, fmt.Sprintf("klipsdebug: %d more lines left out", d.lost))
	}
	d.lines, d.lost = nil, 0
	return lines
}

// Debug logs a line soon where klipsdebug(8) has that flag on, and one of many
// where there are too many.
func (e *Engine) Debug(flag, line string) {
	if i := slices.Index(topics(), flag); i >= 0 && e.debug.about(1<<i) {
		e.debug.say("%s: %s", flag, line)
	}
}

// sent describes what became of a packet: so many packets, the first of them p.
func (d *debug) sent(p []byte, count int) string {
	h, err := packet.Parse(p)
	if err != nil {
		return "nothing"
	}
	if count > 1 {
		return fmt.Sprintf("%d fragments like %s", count, d.describe(&h))
	}
	return d.describe(&h)
}

// entryText says which eroute was found.
func entryText(entry *eroute.Entry, ok bool) string {
	switch {
	case !ok:
		return "cannot tell its eroute"
	case entry == nil:
		return "has no eroute"
	}
	return "takes " + erouteText(entry.Read())
}

func erouteText(r klips.Eroute) string { return fmt.Sprintf("%v -> %v => %v", r.Src, r.Dst, r.SAID) }

// describe says what the header of a packet shows.
func (d *debug) describe(h *packet.Header) string {
	if h.Version == 0 {
		return "no IP packet"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%v -> %v, protocol %d", h.Src, h.Dst, h.Proto)
	if h.Ports {
		fmt.Fprintf(&b, ", ports %d to %d", h.SrcPort, h.DstPort)
	}
	if h.Fragmented() {
		fmt.Fprintf(&b, ", fragment at %d", h.Offset)
	}
	fmt.Fprintf(&b, ", %d bytes", h.Total)
	if d.about(topicVerbose) {
		fmt.Fprintf(&b, ", id %#x, ttl %d, tos %#x, df %v", h.ID, h.TTL, h.TOS, h.DF)
	}
	return b.String()
}
