package laws

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// TestSeenByNetfilter has packets pass between two gateways all the time, while rules
// come and go that look at their ESP: each sees it, one that drops it does so, and
// where there is none ESP goes past netfilter, by AF_XDP.
func TestSeenByNetfilter(t *testing.T) {
	t.Parallel()
	lab.NeedXDP(t)
	for _, program := range []string{"nft", "iptables-legacy"} {
		lab.NeedProgram(t, program)
	}
	l := newLine(t, between)
	west, east := l.west, l.east
	says := func(g *gateway, want string) {
		t.Helper()
		var got result
		err := lab.Poll(time.Minute, func() error {
			if got = g.ipsec("verify"); !strings.Contains(got.stdout, want) {
				return fmt.Errorf("verify does not say %q", want)
			}
			return nil
		})
		if err != nil {
			t.Fatalf("%s: %v\n%s", g.Name, err, got.stdout)
		}
	}
	const past, seen = "raw ESP goes by AF_XDP", "could look at it"
	east.must(0, "setup", "start")
	west.must(0, "setup", "start")
	says(west, past)
	says(east, past)
	l.all("past netfilter")

	// As long as rules come and go AF_XDP stays away, so that this takes no time.
	for _, hook := range []string{"inet input", "inet prerouting", "inet output", "inet postrouting", "inet ingress device wan", "netdev ingress device wan", "netdev egress device wan"} {
		family, hook, _ := strings.Cut(hook, " ")
		west.Sh(t, fmt.Sprintf("nft 'add table %[1]s f; add chain %[1]s f c { type filter hook %[2]s priority 0; }; add rule %[1]s f c ip protocol esp counter'", family, hook))
		says(west, "rule 2 of the chain c ("+strings.Fields(hook)[0]+") in table "+family+" f "+seen)
		counted := func() string { return west.Sh(t, "nft list table "+family+" f | grep -o 'packets [0-9]*'") }
		had := counted()
		l.all("past a rule in " + hook)
		if now := counted(); now == had {
			t.Errorf("%s %s: %s both before and after packets passed", family, hook, now)
		}
		west.Sh(t, fmt.Sprintf("nft delete table %s f", family))
	}
	says(west, past)
	says(east, past)
	l.all("past netfilter again")

	for _, dropping := range []struct{ rule, end, says string }{
		{"nft 'add table inet f; add chain inet f c { type filter hook input priority 0; }; add rule inet f c meta l4proto esp drop'", "nft delete table inet f", "rule 2 of the chain c (input) in table inet f "},
		{"nft 'add table inet f; add chain inet f c { type filter hook output priority 0; }; add rule inet f c meta l4proto esp drop'", "nft delete table inet f", "rule 2 of the chain c (output) in table inet f "},
		{"iptables-legacy -A INPUT -p esp -j DROP; ip6tables-legacy -A INPUT -p esp -j DROP", "iptables-legacy -F; ip6tables-legacy -F; rm /run/xtables.lock", "rule 1 of the chain INPUT (input) in table filter of iptables-legacy "},
	} {
		west.Sh(t, dropping.rule)
		says(west, dropping.says+seen)
		if got := west.must(0, "setup", "status"); !strings.Contains(got, "ESP on wan is kept from AF_XDP: "+dropping.says+seen) {
			t.Errorf("status says:\n%s", got)
		}
		l.more(3) // of which some were on their way
		had := make([]int64, len(l.probes))
		for i, p := range l.probes {
			had[i] = p.received.Load()
		}
		l.more(20)
		for i, p := range l.probes { // which west and alice receive, and then east and bob, and so on
			got := p.received.Load() - had[i]
			if drops := (i%2 == 0) == strings.Contains(dropping.says, "(input)"); drops && got != 0 || !drops && got == 0 {
				t.Errorf("%s: %s received %d packets", dropping.rule, p.name, got)
			}
		}
		west.Sh(t, dropping.end)
		l.all("after " + dropping.end)
	}
	says(west, past)

	// What netfilter sees is for the administrator to say, too.
	use := func(use string) {
		west.must(0, "tncfg", "--attach", "--virtual", "ipsec0", "--physical", "wan", "--xdp="+use)
	}
	west.Sh(t, "nft 'add table inet f; add chain inet f c { type filter hook input priority 0; }; add rule inet f c counter'")
	says(west, seen)
	use("on")
	says(west, past)
	l.all("past netfilter, as it was told")
	use("off")
	says(west, "not xdp: turned off on this interface")
	use("auto")
	says(west, seen)
	l.all("past a rule once more")
	west.must(0, "setup", "stop")
	east.must(0, "setup", "stop")
	same(t, "before start and after stop", l.before, west.state())
}
