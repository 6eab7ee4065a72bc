package engine

import (
	"fmt"
	"strings"

	"ipsec/klips"
	"ipsec/klips/eroute"
	"ipsec/klips/packet"
	"ipsec/klips/said"
	"ipsec/logger/topic"
)

// debugLines is how many lines are kept from one sweep to the next, and so are
// logged in a second at most.
const debugLines = 50

// debug says what the topics of klipsdebug(8) ask for. It keeps the lines until
// the next sweep logs them, so that no packet waits for a log. Keys and payloads
// are never in them.
type debug struct {
	*topic.Log
	lines topic.Lines
}

func newDebug(flags []string) *debug {
	d := &debug{lines: topic.Lines{Limit: debugLines}}
	d.Log = topic.New(d.lines.Add)
	d.set(flags)
	return d
}

// set turns on the topics of those names, and all others off.
func (d *debug) set(flags []string) { d.Select(klips.Topics().Set(flags...)) }

// done says what a change of the tables was, and the error that it met.
func (d *debug) done(t topic.Set, err error, format string, args ...any) {
	if d.On(t) {
		d.Sayf(t, format+": %s", append(args, outcome(err))...)
	}
}

// transform says what a transform of an SA did with that many bytes, or its error.
func (d *debug) transform(t topic.Set, id said.SAID, did string, size int, err error) {
	if d.On(t) {
		d.Sayf(t, "%v: %v %s %d bytes: %s", id.Proto, id, did, size, outcome(err))
	}
}

func outcome(err error) string {
	if err != nil {
		return err.Error()
	}
	return "good"
}

// flush gives log the lines since the last time.
func (d *debug) flush(log func(string)) {
	lines, lost := d.lines.Take()
	for _, line := range lines {
		log(line)
	}
	if lost > 0 {
		log(fmt.Sprintf("klipsdebug: %d more lines left out", lost))
	}
}

// Debug logs a line at the next sweep where a topic of klipsdebug(8) is on,
// unless too many others came first.
func (e *Engine) Debug(t topic.Set, line string) { e.debug.Sayf(t, "%s", line) }

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
	if d.On(klips.TopicVerbose) {
		fmt.Fprintf(&b, ", id %#x, ttl %d, tos %#x, df %v", h.ID, h.TTL, h.TOS, h.DF)
	}
	return b.String()
}
