package kernelpeer

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// sa is what either side counts of an SA.
type sa struct {
	id      string // PROTO@DST
	packets int
	errors  string // "" for none
}

var (
	ourLine   = regexp.MustCompile(`(?m)^(esp|ah|comp)\.?(?:0x)?[0-9a-f]+@(\S+) \S+: (.*)$`)
	ourErrors = regexp.MustCompile(`\w+_errs=\d+`)
	ourCount  = regexp.MustCompile(`packets\((\d+),`)

	theirLine   = regexp.MustCompile(`(?s)src \S+ dst (\S+)\n\s+proto (\w+) spi.*?(\d+)\(bytes\), (\d+)\(packets\).*?stats:\s+(replay-window \d+ replay \d+ failed \d+)`)
	theirNoErrs = "replay-window 0 replay 0 failed 0"
)

// ourSAs reads what "ipsec spi" prints.
func ourSAs(table string) map[string]sa {
	list := make(map[string]sa)
	for _, m := range ourLine.FindAllStringSubmatch(table, -1) {
		s := sa{id: m[1] + "@" + m[2], errors: strings.Join(ourErrors.FindAllString(m[3], -1), " ")}
		if count := ourCount.FindStringSubmatch(m[3]); count != nil {
			s.packets, _ = strconv.Atoi(count[1])
		}
		list[s.id] = s
	}
	return list
}

// theirSAs reads what "ip -s xfrm state" prints.
func theirSAs(table string) map[string]sa {
	list := make(map[string]sa)
	for _, m := range theirLine.FindAllStringSubmatch(table, -1) {
		s := sa{id: m[2] + "@" + m[1]}
		s.packets, _ = strconv.Atoi(m[4])
		if m[5] != theirNoErrs {
			s.errors = m[5]
		}
		list[s.id] = s
	}
	return list
}

// sameCounts compares what both sides counted. Each SA must have carried at
// least as many packets as it is told, without an error, and no more may have
// been taken than were sent. Not more than lost of those that were sent may not
// have been taken; less than 0 is any number.
func sameCounts(p pairing, ours, theirs map[string]sa, least, lost int) error {
	a := addresses[version(p.outer)]
	for _, dst := range []string{a.us, a.them} {
		for _, proto := range p.protocols() {
			id := proto + "@" + dst
			us, we := ours[id]
			them, they := theirs[id]
			switch {
			case !we || !they:
				return fmt.Errorf("%s is not there: ours %v, the kernel's %v", id, ours, theirs)
			case us.errors != "" || them.errors != "":
				return fmt.Errorf("%s: errors: ours %q, the kernel's %q", id, us.errors, them.errors)
			case proto == "comp": // only what shrinks counts, and each judges for itself
				if us.packets == 0 || them.packets == 0 {
					return fmt.Errorf("%s: nothing was compressed: ours %d packets, the kernel's %d", id, us.packets, them.packets)
				}
			case us.packets < least || them.packets < least:
				return fmt.Errorf("%s: we count %d packets and the kernel %d, expected %d at least", id, us.packets, them.packets, least)
			}
			sent, got := us.packets, them.packets
			if dst == a.us {
				sent, got = got, sent
			}
			if proto != "comp" && (got > sent || lost >= 0 && got < sent-lost) {
				return fmt.Errorf("%s: %d packets were sent and %d taken, expected about the same", id, sent, got)
			}
		}
	}
	return nil
}

// xfrmStat returns the counters of /proc/net/xfrm_stat that are not 0: each is
// of an error.
func xfrmStat(table string) map[string]int {
	list := make(map[string]int)
	for line := range strings.Lines(table) {
		if words := strings.Fields(line); len(words) == 2 {
			if n, err := strconv.Atoi(words[1]); err == nil && n != 0 {
				list[words[0]] = n
			}
		}
	}
	return list
}

// rise returns by how much counters have risen.
func rise(before, after map[string]int) map[string]int {
	list := make(map[string]int)
	for name, n := range after {
		if n != before[name] {
			list[name] = n - before[name]
		}
	}
	return list
}
