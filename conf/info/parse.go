package info

import (
	"net/netip"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Valid reports whether a line can stand in ipsec.info: it is name=value, in
// UTF-8, without control characters other than tabs.
func Valid(line string) bool { return strings.Index(line, "=") > 0 && isText(line) }

func isText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\t' })
}

// Parse reads a line. It knows no more lines than this package has types, and
// returns false for one that it does not know or whose value is malformed, such
// as one that a crash has cut.
func Parse(line string) (Line, bool) {
	if !Valid(line) {
		return nil, false
	}
	if strings.HasPrefix(line, "/") {
		at := strings.LastIndexByte(line, '=') // the name of a link, and so a path, may have one
		return Setting{Path: line[:at], Value: line[at+1:]}, true
	}
	name, value, _ := strings.Cut(line, "=")
	switch name {
	case nameConfig:
		return Config(value), true
	case nameRunDir:
		return RunDirMade{}, value == made
	case nameSubsys:
		return Subsys(value), true
	case string(Klips), string(Pluto):
		return Started(name), value == started
	case nameInterface:
		words := strings.Fields(value)
		if len(words) != 2 {
			return nil, false
		}
		return Interface{Virtual: words[0], Physical: words[1]}, true
	case nameAddress:
		return parseAddress(value)
	case nameRoute:
		return parseRoute(value)
	case nameUnroute:
		r, ok := parseRoute(value)
		return Unroute(r), ok
	case nameHook:
		return parseHook(value)
	case nameUnhook:
		h, ok := parseHook(value)
		return Unhook(h), ok
	}
	switch of := DefaultRouteOf(strings.TrimPrefix(name, nameDefaultRoute)); of {
	case DefaultPhysical, DefaultVirtual, DefaultAddress, DefaultNextHop:
		return DefaultRoute{Of: of, Value: value}, strings.HasPrefix(name, nameDefaultRoute)
	}
	return nil, false
}

func parseAddress(value string) (Address, bool) {
	words := strings.Fields(value)
	if len(words) != 2 {
		return Address{}, false
	}
	p, err := netip.ParsePrefix(words[1])
	return Address{Link: words[0], Prefix: p}, err == nil
}

func parseRoute(value string) (Route, bool) {
	words := strings.Fields(value)
	if len(words) < 2 || len(words) > 3 {
		return Route{}, false
	}
	dst, err := netip.ParsePrefix(words[1])
	if err != nil {
		return Route{}, false
	}
	r := Route{Link: words[0], Dst: dst}
	if len(words) == 3 {
		if r.Metric, err = strconv.Atoi(words[2]); err != nil || r.Metric < 0 {
			return Route{}, false
		}
	}
	return r, true
}

// SettingsDir is the folder of the kernel settings of the network.
const SettingsDir = "/proc/sys/net/"

// Below reports whether the setting lies below a folder, whose name ends in /.
// Who may write to ipsec.info must not choose files for root to write to.
func (l Setting) Below(dir string) bool {
	return path.Clean(l.Path) == l.Path && strings.HasPrefix(l.Path, dir)
}
