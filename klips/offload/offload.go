// Package offload names the ways in which the kernel hands over several packets
// in one piece, each of which is used where the kernel has it and nobody has
// turned it off.
package offload

import (
	"fmt"
	"slices"
	"strings"
)

// A Set is some of the ways.
type Set uint

// The ways.
const (
	TSO      Set = 1 << iota // the host sends TCP in pieces of up to 64 KB, which are cut here
	USO                      // and UDP
	Coalesce                 // the host receives TCP, and with USO UDP, joined here
	Segment                  // ESP in UDP is sent in pieces of up to 64 KB: UDP_SEGMENT
	GRO                      // and received: UDP_GRO
	Packet                   // raw ESP is sent as frames: AF_PACKET
	XDP                      // and sent and received past the kernel's stack: AF_XDP
	ways     = iota
)

// A Use says when raw ESP goes past netfilter, by XDP or Packet.
type Use uint8

// The uses.
const (
	Auto Use = iota // where no rule of netfilter could look at it
	On              // whatever rules there are
	Off             // by Packet as with Auto, and not by XDP
)

func uses() []string { return []string{"auto", "on", "off"} }

// String returns the name of the use.
func (u Use) String() string { return uses()[u] }

// ParseUse returns the use of that name.
func ParseUse(name string) (Use, error) {
	i := slices.Index(uses(), name)
	if i < 0 {
		return 0, fmt.Errorf("malformed %q: expected one of %s", name, strings.Join(uses(), ", "))
	}
	return Use(i), nil
}

// Gain says for a person what raw ESP gains by XDP where the kernel's stack carries it
// in place of that: the ratio of doc/performance.md, of one TCP flow.
const Gain = "AF_XDP would carry about 1.5 times as much"

// All is every way.
const All = Set(1<<ways - 1)

func names() [ways]string {
	return [...]string{"tso", "uso", "coalesce", "segment", "gro", "packet", "xdp"}
}

// Names returns the name of each way.
func Names() []string {
	list := names()
	return list[:]
}

// String returns the names in the Set, separated by commas.
func (s Set) String() string {
	var list []string
	for i, name := range names() {
		if s&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return strings.Join(list, ",")
}

// Describe says for a person which ways are used, and why others are not: without
// are those that somebody turned off, why has what is known of others.
func Describe(used, without Set, why map[Set]string) string {
	text := used.String()
	if used == 0 {
		text = "none"
	}
	rest, known := All&^used&^without, Set(0)
	for way := range why {
		known |= way
	}
	for _, rest := range []struct {
		set Set
		why string
	}{{All &^ used & without, "turned off"}, {rest &^ known, "the kernel does not offer it"}} {
		if rest.set != 0 {
			text += fmt.Sprintf("; not %s: %s", rest.set, rest.why)
		}
	}
	for way := Set(1); way <= All; way <<= 1 {
		if rest&known&way != 0 {
			text += fmt.Sprintf("; not %s: %s", way, why[way])
		}
	}
	return text
}

// Parse returns the ways of those names.
func Parse(list []string) (Set, error) {
	var s Set
next:
	for _, word := range list {
		if word == "all" {
			s |= All
			continue
		}
		for i, name := range names() {
			if word == name {
				s |= 1 << i
				continue next
			}
		}
		return 0, fmt.Errorf("unknown offload %q: expected all or some of %s", word, All)
	}
	return s, nil
}
