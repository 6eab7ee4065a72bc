package nftables

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"ipsec/golden/lab"
	"ipsec/klips/netfilter"
)

// sh runs a script in the namespaces of the test, with an interface eth0.
func sh(t *testing.T, script string) {
	t.Helper()
	if out, err := exec.Command("sh", "-ec", script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

func needs(t *testing.T) {
	t.Helper()
	for _, program := range []string{"nft", "iptables-nft", "iptables-legacy", "ip6tables-legacy"} {
		lab.NeedProgram(t, program)
	}
}

// TestRead has nft and iptables load rules, and judges what the kernel says of them.
func TestRead(t *testing.T) {
	needs(t)
	lab.Isolated(t, func(t *testing.T) {
		sh(t, "ip link add eth0 type veth peer name eth1 && ip link set eth0 up")
		eth0, err := net.InterfaceByName("eth0")
		if err != nil {
			t.Fatal(err)
		}
		const (
			input  = "add table inet f; add chain inet f c { type filter hook input priority 0; }; add rule inet f c "
			output = "add table inet f; add chain inet f c { type filter hook output priority 0; }; add rule inet f c "
			rule   = "rule 2 of the chain c "
		)
		for _, c := range []struct {
			rules string // for nft; after a ! for sh
			want  string // how the verdict begins, as In, Out, Egress
		}{
			{"", "||"},
			{"add table inet f; add chain inet f c { type filter hook input priority 0; policy drop; }", "the policy of the chain c (input) in table inet f||"},
			{"add table inet f; add chain inet f c { type filter hook forward priority 0; policy drop; }", "||"},
			{"add table ip f; add chain ip f c { type nat hook postrouting priority srcnat; }; add rule ip f c oifname eth0 masquerade", "|rule 2 of the chain c (postrouting) in table ip f|"},
			{"add table ip f; add chain ip f c { type nat hook postrouting priority srcnat; }; add rule ip f c oifname eth1 masquerade", "||"},
			{"add table ip6 f; add chain ip6 f c { type filter hook prerouting priority 0; }; add rule ip6 f c ip6 nexthdr esp drop", "rule 2 of the chain c (prerouting) in table ip6 f||"},
			{"add table netdev f; add chain netdev f c { type filter hook ingress device eth0 priority 0; }; add rule netdev f c counter", "rule 2 of the chain c (ingress) in table netdev f||"},
			{"add table netdev f; add chain netdev f c { type filter hook ingress devices = { eth0, eth1 } priority 0; }; add rule netdev f c counter", "rule 2 of the chain c (ingress) in table netdev f||"},
			{"add table netdev f; add chain netdev f c { type filter hook ingress device eth1 priority 0; }; add rule netdev f c counter", "||"},
			{"add table netdev f; add chain netdev f c { type filter hook ingress device eth0 priority 0; }; add rule netdev f c ether type arp drop", "||"},
			{"add table netdev f; add chain netdev f c { type filter hook egress device eth0 priority 0; }; add rule netdev f c counter", "||rule 2 of the chain c (egress) in table netdev f"},
			{"add table inet f; add chain inet f c { type filter hook ingress device eth0 priority 0; }; add rule inet f c counter", rule + "(ingress) in table inet f||"},
			{"add table arp f; add chain arp f c { type filter hook input priority 0; policy drop; }", "||"},
			{"add table bridge f; add chain bridge f c { type filter hook input priority 0; policy drop; }", "||"},
			{"add table inet f { flags dormant; }; add chain inet f c { type filter hook input priority 0; policy drop; }", "||"},
			{"add table inet ipsec_guard; add chain inet ipsec_guard c { type filter hook input priority 0; policy drop; }", "||"},
			{"add table ip ipsec_guard; add chain ip ipsec_guard c { type filter hook input priority 0; policy drop; }", "the policy||"},
			{input + "ip protocol esp drop", rule + "(input) in table inet f||"},
			{input + "ip protocol esp counter", rule + "||"},
			{input + "meta l4proto esp counter", rule + "||"},
			{input + "counter", rule + "||"},
			{input + "log", rule + "||"},
			{input + "ct state established accept", rule + "||"},
			{input + "meta mark 7 drop", rule + "||"},
			{input + "meta l4proto { tcp, esp } drop", "rule 3 of the chain c ||"},
			{input + "meta l4proto >= 50 drop", rule + "||"},
			{input + "iif lo accept", "||"},
			{input + "iif eth0 accept", rule + "||"},
			{input + "iifname \"eth*\" accept", rule + "||"},
			{input + "iifname \"lo*\" accept", "||"},
			{input + "iifname != lo drop", rule + "||"},
			{input + "iifname eth1 ip protocol esp drop", "||"},
			{input + "tcp dport 22 accept", "||"},
			{input + "ip protocol tcp drop", "||"},
			{input + "ip6 nexthdr udp drop", "||"},
			{input + "icmp type echo-request accept", "||"},
			{input + "udp dport { 500, 4500 } accept", "||"},
			{input + "udp dport vmap { 500 : accept, 4500 : drop }", "||"},
			{input + "esp spi 1-99 drop", rule + "||"},
			{input + "ah spi 1-99 drop", "||"},
			{input + "meta nfproto ipv6 meta l4proto icmpv6 accept", "||"},
			{input + "meta nfproto ipv6 counter", rule + "||"},
			{input + "@nh,72,8 6 drop", rule + "||"}, // of IPv6, too, where something else is there
			{output + "oifname lo accept", "||"},
			{output + "oif eth0 ip protocol esp drop", "|" + rule + "(output) in table inet f|"},
			{output + "meta l4proto tcp drop", "||"},
			{"add table inet f; add chain inet f n; add chain inet f c { type filter hook input priority 0; }; add rule inet f c jump n; add rule inet f n counter", "rule 4 of the chain n (input) in table inet f||"},
			{"add table inet f; add chain inet f n; add chain inet f c { type filter hook input priority 0; }; add rule inet f c tcp dport 1 jump n; add rule inet f n counter", "||"},
			{"add table inet f; add chain inet f n; add chain inet f c { type filter hook input priority 0; }; add rule inet f c goto n", "||"},
			{"!iptables-nft -A INPUT -p tcp --dport 22 -j ACCEPT; iptables-nft -A INPUT -i lo -j ACCEPT", "||"},
			{"!iptables-nft -A INPUT -p esp -j DROP", "rule |"},
			{"!iptables-legacy -A INPUT -p tcp --dport 22 -j ACCEPT; iptables-legacy -A INPUT -i lo -j ACCEPT; iptables-legacy -A OUTPUT -o lo+ -j DROP", "||"},
			{"!iptables-legacy -A INPUT -p udp -j ACCEPT; iptables-legacy -A INPUT -p esp -j DROP", "rule 2 of the chain INPUT (input) in table filter of iptables-legacy||"},
			{"!iptables-legacy -A INPUT ! -p tcp -j DROP", "rule 1 of the chain INPUT||"},
			{"!iptables-legacy -A INPUT ! -p esp -j DROP; iptables-legacy -A INPUT ! -i eth0 -j DROP", "||"},
			{"!iptables-legacy -A INPUT -i eth+ -j DROP", "rule 1 of the chain INPUT||"},
			{"!iptables-legacy -A FORWARD -j DROP; iptables-legacy -P FORWARD DROP", "||"},
			{"!iptables-legacy -P OUTPUT DROP", "|the policy of the chain OUTPUT (output) in table filter of iptables-legacy|"},
			{"!iptables-legacy -t nat -A POSTROUTING -o eth0 -j MASQUERADE", "|rule 1 of the chain POSTROUTING (postrouting) in table nat of iptables-legacy|"},
			{"!iptables-legacy -t mangle -A PREROUTING -j MARK --set-mark 1", "rule 1 of the chain PREROUTING||"},
			{"!ip6tables-legacy -A INPUT -p udp -i eth0 -j DROP; ip6tables-legacy -A OUTPUT -o eth1 -j DROP; ip6tables-legacy -P FORWARD DROP", "||"},
			{"!ip6tables-legacy -A INPUT -p udp -j DROP; ip6tables-legacy -A INPUT -p esp -i eth0 -j DROP", "rule 2 of the chain INPUT (input) in table filter of ip6tables-legacy||"},
			{"!ip6tables-legacy -P INPUT DROP", "the policy of the chain INPUT (input) in table filter of ip6tables-legacy||"},
		} {
			script := "nft -f - <<'END'\n" + strings.ReplaceAll(c.rules, "; add", "\nadd") + "\nEND"
			if legacy, ok := strings.CutPrefix(c.rules, "!"); ok {
				script = legacy
			}
			sh(t, script)
			w := Open()
			rules := w.Ruleset()
			if w.events == nil {
				t.Fatal(w.unheard)
			}
			w.events.Close()
			got := rules.Of(netfilter.Link{Name: "eth0", Index: eth0.Index})
			for i, want := range strings.Split(c.want, "|") {
				if got := []string{got.In, got.Out, got.Egress}; i < 3 && (!strings.HasPrefix(got[i], want) || want == "" && got[i] != "") {
					t.Errorf("%s: got %q, want %q", c.rules, got, c.want)
				}
			}
			sh(t, "nft flush ruleset; for t in filter nat mangle; do for c in iptables-legacy ip6tables-legacy; do $c -t $t -F; for h in INPUT OUTPUT FORWARD; do $c -t $t -P $h ACCEPT 2>/dev/null || true; done; done; done")
		}
	})
}

// TestWatch notices rules that come and go, of both kinds.
func TestWatch(t *testing.T) {
	needs(t)
	lab.Isolated(t, func(t *testing.T) {
		w := Open()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.Run(ctx, func() {}) }()
		sees := func(want string) {
			t.Helper()
			lab.Eventually(t, time.Minute, func() error {
				if got := w.Ruleset().Of(netfilter.Link{Name: "eth0"}).First(); !strings.HasPrefix(got, want) || want == "" && got != "" {
					return fmt.Errorf("got %q, want %q", got, want)
				}
				return nil
			})
		}
		sees("")
		for range 1 {
			sh(t, "nft 'add table inet f; add chain inet f c { type filter hook input priority 0; policy drop; }'")
			sees("the policy of the chain c")
			sh(t, "nft delete table inet f")
			sees("")
			sh(t, "iptables-legacy -A INPUT -p esp -j DROP")
			sees("rule 1 of the chain INPUT")
			sh(t, "iptables-legacy -F")
			sees("")
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestStorm changes the rules as fast as nft does: what is read in between is whole or
// said not to be known, and in the end it is what is there.
func TestStorm(t *testing.T) {
	needs(t)
	lab.Isolated(t, func(t *testing.T) {
		w := Open()
		reads := 0
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.Run(ctx, func() { reads++ }) }()
		start := time.Now()
		sh(t, `for i in $(seq 2000); do
			echo "add table inet f"
			echo "add chain inet f c { type filter hook input priority 0; policy drop; }"
			echo "delete table inet f"
		done | nft -i >/dev/null; nft add table inet f; nft 'add chain inet f last { type filter hook input priority 0; policy drop; }'`)
		storm := time.Since(start)
		lab.Eventually(t, time.Minute, func() error {
			if got := w.Ruleset().Of(netfilter.Link{Name: "eth0"}).First(); !strings.Contains(got, "chain last") {
				return fmt.Errorf("got %q", got)
			}
			return nil
		})
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		t.Logf("%d reads in %v of 6000 changes", reads, storm)
		if most := int(time.Since(start)/leastPause) + 2; reads > most {
			t.Errorf("the rules were read %d times, more than %d", reads, most)
		}
	})
}

// TestTooMany has more rules than are looked at, none of which could look at ESP.
func TestTooMany(t *testing.T) {
	needs(t)
	lab.Isolated(t, func(t *testing.T) {
		sh(t, fmt.Sprintf(`{ echo "add table inet f"; echo "add chain inet f c { type filter hook input priority 0; }"
			for i in $(seq %d); do echo "add rule inet f c meta l4proto tcp drop"; done; } | nft -f -`, limit))
		start := time.Now()
		w := Open()
		w.events.Close()
		t.Logf("read in %v", time.Since(start))
		if got := w.Ruleset().Unread; got != errTooMany.Error() {
			t.Errorf("got %q, want %q", got, errTooMany)
		}
	})
}

// TestUnprivileged reads the rules as a user who may not.
func TestUnprivileged(t *testing.T) {
	lab.AsNobody(t, func() {
		w := Open()
		if w.events != nil {
			w.events.Close()
		}
		if got := w.Ruleset().Of(netfilter.Link{Name: "eth0"}).First(); !strings.Contains(got, "not permitted") {
			t.Errorf("got %q", got)
		}
	})
}

// TestPause has a change come in a long pause: the rules are unknown from then on, and
// there is something to read after it.
func TestPause(t *testing.T) {
	var w Watch
	w.rules.Store(&netfilter.Ruleset{})
	told := make(chan struct{}, 1)
	told <- struct{}{}
	known := func() bool { return w.Ruleset().Unread == "" }
	w.pause(t.Context(), leastPause, told, func() { t.Error("a short pause was not") })
	if !known() || len(told) != 1 {
		t.Errorf("after a short pause: known %t, %d to be read", known(), len(told))
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.pause(ctx, time.Hour, told, cancel)
	if known() || len(told) != 1 {
		t.Errorf("after a change in a long pause: known %t, %d to be read", known(), len(told))
	}
}
