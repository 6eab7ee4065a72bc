package compile

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ipsec/conf/hook"
	"ipsec/plan"
)

// Names of the lines of ipsec.info. Lines whose name is a path are kernel
// settings with the value that they had before; lines of other names
// (defaultroutephys and the like) are for those who want to know.
const (
	infoConfig    = "config"    // the ipsec.conf that was started
	infoRunDir    = "rundir"    // "made": start made the run folder
	infoSubsys    = "subsys"    // the subsystem lock
	infoKlips     = "klips"     // "started"
	infoPluto     = "pluto"     // "started"
	infoInterface = "interface" // VIRTUAL PHYSICAL
	infoAddress   = "address"   // VIRTUAL PREFIX
	infoRoute     = "route"     // VIRTUAL DST [METRIC]
	infoUnroute   = "unroute"   // the same: it was taken back
	infoHook      = "hook"      // CONN SUFFIX COMMAND ENV…: an updown command that went up
	infoUnhook    = "unhook"    // the same: it went down
)

const made = "made"

// info is what ipsec.info says.
type info struct {
	rundir     bool
	subsys     bool
	interfaces []attachment
	addresses  []plan.DelAddr
	routes     []plan.DelRoute
	hooks      []hook.Note
	settings   []string // paths of kernel settings, in order
}

// parseInfo reads the lines of ipsec.info as data, passing over what it does
// not know and what no step could carry: a file cut short by a crash is read
// as far as it goes.
func parseInfo(lines []string) info {
	var in info
	up := make(map[string]int) // hooks that went up last, to their places
	for _, line := range lines {
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		words := strings.Fields(value)
		switch name {
		case infoConfig:
		case infoRunDir:
			in.rundir = value == made
		case infoSubsys:
			in.subsys = true
		case infoInterface:
			if len(words) == 2 && carried(plan.Detach{Virtual: words[0]}) {
				in.interfaces = append(in.interfaces, attachment{virtual: words[0], physical: words[1]})
			}
		case infoAddress:
			if a, ok := parseAddress(words); ok && carried(a) {
				in.addresses = append(in.addresses, a)
			}
		case infoRoute:
			if r, ok := parseRoute(words); ok && carried(r) {
				in.routes = append(in.routes, r)
			}
		case infoUnroute:
			if r, ok := parseRoute(words); ok {
				in.routes = slices.DeleteFunc(in.routes, func(set plan.DelRoute) bool { return set == r })
			}
		case infoHook:
			if h, ok := hook.ParseNote(words); ok && plan.Validate(unroute(h, name)) == nil {
				if _, twice := up[value]; !twice {
					up[value] = len(in.hooks)
					in.hooks = append(in.hooks, h)
				}
			}
		case infoUnhook:
			if at, ok := up[value]; ok {
				delete(up, value)
				in.hooks[at] = hook.Note{}
			}
		default:
			if isSetting(name) && carried(plan.Restore{Paths: []string{name}}) {
				in.settings = append(in.settings, name)
			}
		}
	}
	in.hooks = slices.DeleteFunc(in.hooks, func(h hook.Note) bool { return h.Command == "" })
	return in
}

// carried reports whether a step can carry op.
func carried(op plan.Op) bool { return plan.Validate(ignored(op, "")) == nil }

// isSetting reports whether path is a kernel setting of the network.
func isSetting(path string) bool {
	return strings.HasPrefix(path, "/proc/sys/net/") && !strings.Contains(path, "/../")
}

func parseAddress(words []string) (plan.DelAddr, bool) {
	if len(words) != 2 {
		return plan.DelAddr{}, false
	}
	p, err := netip.ParsePrefix(words[1])
	return plan.DelAddr{Link: words[0], Prefix: p}, err == nil
}

func parseRoute(words []string) (plan.DelRoute, bool) {
	if len(words) < 2 || len(words) > 3 {
		return plan.DelRoute{}, false
	}
	dst, err := netip.ParsePrefix(words[1])
	if err != nil {
		return plan.DelRoute{}, false
	}
	r := plan.DelRoute{Link: words[0], Dst: dst}
	if len(words) == 3 {
		if r.Metric, err = strconv.Atoi(words[2]); err != nil || r.Metric < 0 {
			return plan.DelRoute{}, false
		}
	}
	return r, true
}

func formatRoute(r plan.DelRoute) string {
	s := r.Link + " " + r.Dst.String()
	if r.Metric != 0 {
		s += " " + strconv.Itoa(r.Metric)
	}
	return s
}
