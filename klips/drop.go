package klips

// A DropReason is why a packet was dropped.
type DropReason int

// The reasons for which packets are dropped.
const (
	DropMalformed  DropReason = iota // no IP packet, or headers that contradict each other
	DropNoEroute                     // no eroute covers it
	DropShunt                        // by a %drop, %reject or %hold
	DropHeld                         // its flow waits for an SA, and has a packet that waits already
	DropFragment                     // a fragment without the ports that its flow depends on
	DropNoSA                         // its SPI, or its eroute, names no SA
	DropSA                           // its SA is past its lifetime, or cannot carry it
	DropReplay                       // its sequence number has been seen, or is too old to tell
	DropAuth                         // its ICV is wrong
	DropPolicy                       // it came out of an SA that it may not come out of
	DropCongestion                   // RFC 6040: marked as congested outside, and not ECN-capable inside
	DropTooBig                       // longer than the path lets through, and not to be cut
	DropWire                         // the physical interface refused it
	DropDevice                       // the virtual interface refused it
	DropRead                         // an error of a socket, for want of memory, say
	DropLate                         // the kernel had no room for it, as those before had not been read
	DropReasons                      // how many there are
)

// String says which packets they are, as it goes on after "packets".
func (r DropReason) String() string { return dropReasons()[r] }

func dropReasons() [DropReasons]string {
	return [...]string{
		"malformed", "without an eroute", "stopped by a %drop, %reject or %hold", "of flows that wait for an SA",
		"fragments whose flow cannot be told", "without an SA", "that their SA could not carry", "replayed", "not authentic",
		"against the inbound policy", "marked as congested that cannot be", "too big", "refused by the physical interface",
		"refused by the virtual interface", "lost to errors of a socket", "that came faster than they were read",
	}
}

// ParseDropReason returns the reason that String has those words for.
func ParseDropReason(words string) (r DropReason, ok bool) {
	for i, w := range dropReasons() {
		if w == words {
			return DropReason(i), true
		}
	}
	return 0, false
}

// Drop counts the packets that were dropped for one reason.
type Drop struct {
	Reason  DropReason
	Packets uint64
}
