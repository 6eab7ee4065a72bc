package laws

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
	"golang.org/x/sys/unix"

	"ipsec/golden/lab"
)

// look prints the state of a machine: links, addresses, routes, rules,
// settings of the kernel and files, once it has settled. Numbers of links are
// left out, the order of the routes of IPv6, and whether a link has a carrier
// and an address is tentative. Without -4, ip lists all tables of IPv6, too.
const look = lab.Settle + `
echo "# links and addresses"
ip -d addr | sed -E 's/ (valid|preferred)_lft [^ ]+//g; s/^[0-9]+: //; s/ tentative//; s/NO-CARRIER,//; s/,LOWER_UP//; s/ state [A-Z]+//; s/ +$//; /^ *$/d'
echo "# routes and rules"
ip -4 route show table all | sed 's/ linkdown//'; ip -6 route show table all | sed 's/ linkdown//' | sort
ip rule; ip -6 rule
echo "# settings"
cd /proc/sys/net && grep -rs "" ipv4/ip_forward ipv4/conf ipv6/conf | grep -v stable_secret | sort
echo "# files"
find /var/run/ /var/lock/ /etc/ipsec* -path '*/.lab' -prune -o ! -type d -printf '%p %y %m %u %l\n' -o -path '*pluto*' -printf '%p %y %m %u\n' | sort -u
for f in /var/run/pluto/* /var/run/*.log; do
	test -f "$f" || continue
	echo "# $f"
	case $f in
	*.pid) sed -E 's/^[0-9]+$/PID/' "$f" ;;
	*) cat "$f" ;;
	esac
done
true
`

// state returns the state of a machine, so that two of them can be compared. While KLIPS runs, AF_XDP may come and go
// by itself; once it has ended, nothing of that may be left.
func (g *gateway) state() string {
	g.t.Helper()
	text := g.Sh(g.t, look) + "# processes\n" + strings.Join(g.processes(), "\n") + "\n"
	if strings.Contains(text, "klips --nofork") {
		text = express.ReplaceAllString(text, "")
	}
	return text
}

// express matches what AF_XDP adds to a link.
var express = regexp.MustCompile(` xdpgeneric/id:\d+|\n +prog/xdp .*`)

// processes returns the arguments of what runs in the gateway's network.
func (g *gateway) processes() []string {
	g.t.Helper()
	var list []string
	for _, p := range g.pids() {
		if line, err := os.ReadFile("/proc/" + p + "/cmdline"); err == nil && len(line) > 0 {
			_, args, _ := strings.Cut(strings.TrimRight(string(line), "\x00"), "\x00")
			list = append(list, strings.ReplaceAll(args, "\x00", " "))
		}
	}
	slices.Sort(list)
	return list
}

// pids returns the processes in the gateway's network, but for this one.
func (g *gateway) pids() []string {
	g.t.Helper()
	var mine unix.Stat_t
	if err := g.Do(func() error { return unix.Stat("/proc/thread-self/ns/net", &mine) }); err != nil {
		g.t.Fatal(err)
	}
	spaces, err := filepath.Glob("/proc/[0-9]*/ns/net")
	if err != nil {
		g.t.Fatal(err)
	}
	var pids []string
	for _, space := range spaces {
		var its unix.Stat_t
		pid := strings.Split(space, "/")[2]
		if unix.Stat(space, &its) == nil && its.Ino == mine.Ino && pid != fmt.Sprint(os.Getpid()) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// tables returns what KLIPS holds, without counters and times.
func (g *gateway) tables() string {
	g.t.Helper()
	var b strings.Builder
	for _, name := range []string{"tncfg", "spi", "spigrp", "eroute", "klipsdebug"} {
		r := g.ipsec(name)
		fmt.Fprintf(&b, "# ipsec %s: %d\n", name, r.status)
		text := r.stdout
		if name == "eroute" {
			text = packets.ReplaceAllString(text, "N ")
		} else {
			text = counters.ReplaceAllString(text, "")
		}
		b.WriteString(text)
	}
	b.WriteString(g.connections())
	return b.String()
}

var (
	packets  = regexp.MustCompile(`(?m)^\d+ +`)
	counters = regexp.MustCompile(` (ooo_errs|seq|auth_errs|policy_errs|other_errs|idle)=\d+|\w+\(\d+,0,0\)`)
)

// same fails the test where two states differ.
func same(t testing.TB, what, before, after string) bool {
	t.Helper()
	if before == after {
		return true
	}
	t.Errorf("%s:\n%s", what, shorten(diff.Diff("before", []byte(before), "after", []byte(after))))
	return false
}

// shorten leaves out the lines of a difference that are the same.
func shorten(d []byte) string {
	var b strings.Builder
	for line := range strings.Lines(string(d)) {
		if strings.HasPrefix(line, "+") || strings.HasPrefix(line, "-") {
			b.WriteString(line)
		}
	}
	return b.String()
}
