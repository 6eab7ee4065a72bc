package logger

import (
	"fmt"
	"strings"
)

// Priority is a facility and a severity in the numbers of RFC 3164, section
// 4.1.1: the facility times 8, plus the severity.
type Priority uint8

// Default is daemon.error, which syslog= stands for where it is not given.
const Default Priority = 3<<3 | 3

type name struct {
	text   string
	number Priority
}

// The names of syslog.conf(5). Where a number has two, the first is the one
// that String gives.
var (
	facilities = [...]name{
		{"kern", 0}, {"user", 1}, {"mail", 2}, {"daemon", 3}, {"auth", 4}, {"security", 4}, {"syslog", 5},
		{"lpr", 6}, {"news", 7}, {"uucp", 8}, {"cron", 9}, {"authpriv", 10}, {"ftp", 11},
		{"local0", 16}, {"local1", 17}, {"local2", 18}, {"local3", 19},
		{"local4", 20}, {"local5", 21}, {"local6", 22}, {"local7", 23},
	}
	severities = [...]name{
		{"emerg", 0}, {"panic", 0}, {"alert", 1}, {"crit", 2}, {"error", 3}, {"err", 3},
		{"warning", 4}, {"warn", 4}, {"notice", 5}, {"info", 6}, {"debug", 7},
	}
)

// ParsePriority reads facility.priority in the names of syslog.conf(5), in
// either case: daemon.error, local0.info. Empty text is Default.
func ParsePriority(text string) (Priority, error) {
	if text == "" {
		return Default, nil
	}
	facility, severity, ok := strings.Cut(text, ".")
	if !ok {
		return 0, fmt.Errorf("malformed priority %q: expected FACILITY.PRIORITY, like daemon.error", text)
	}
	f, err := find(facilities[:], "facility", facility, text)
	if err != nil {
		return 0, err
	}
	s, err := find(severities[:], "priority", severity, text)
	if err != nil {
		return 0, err
	}
	return f<<3 | s, nil
}

func find(names []name, what, wanted, text string) (Priority, error) {
	var known []string
	for _, n := range names {
		if strings.EqualFold(n.text, wanted) {
			return n.number, nil
		}
		known = append(known, n.text)
	}
	return 0, fmt.Errorf("malformed priority %q: unknown %s %q, expected one of %s", text, what, wanted, strings.Join(known, ", "))
}

// String returns facility.priority, as ParsePriority reads it, or the number
// where the facility has no name.
func (p Priority) String() string {
	for _, f := range facilities {
		for _, s := range severities {
			if f.number<<3|s.number == p {
				return f.text + "." + s.text
			}
		}
	}
	return fmt.Sprint(uint8(p))
}
