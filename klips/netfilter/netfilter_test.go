package netfilter

import "testing"

// TestOf has, for each ruleset, which rule could look at the ESP of eth0.
func TestOf(t *testing.T) {
	act := func(needs ...Need) []Rule { return []Rule{{Handle: 7, Needs: needs, Acts: true}} }
	chain := func(hook Hook, rules []Rule) Chain {
		return Chain{Table: "inet filter", Name: "c", Hook: hook, Rules: rules}
	}
	jump := []Rule{{Handle: 3, Jumps: "next"}}
	next := func(rules []Rule) Chain { return Chain{Table: "inet filter", Name: "next", Rules: rules} }
	rule := func(hook string) string { return "rule 7 of the chain c (" + hook + ") in table inet filter" }
	in := func(hook string) Verdict { return Verdict{In: rule(hook)} }
	unread := "netfilter's rules, which are not known (operation not permitted),"
	both := Chain{Table: "ip filter", Name: "c", Family: IPv4, Hook: Input}
	with := func(c Chain, f func(*Chain)) Chain { f(&c); return c }

	for _, c := range []struct {
		name  string
		rules Ruleset
		want  Verdict
	}{
		{"no rules", Ruleset{}, Verdict{}},
		{"not known", Ruleset{Unread: "operation not permitted"}, Verdict{unread, unread, unread}},
		{"chains without rules", Ruleset{Chains: []Chain{chain(Input, nil), chain(Output, nil)}}, Verdict{}},
		{"a policy", Ruleset{Chains: []Chain{with(chain(Input, nil), func(c *Chain) { c.Drops = true })}}, Verdict{In: "the policy of the chain c (input) in table inet filter"}},
		{"a name for no terminal", Ruleset{Chains: []Chain{{Table: "inet x", Name: "\x1b[2J", Hook: Input, Drops: true}}}, Verdict{In: `the policy of the chain "\x1b[2J" (input) in table inet x`}},
		{"a policy of what is forwarded", Ruleset{Chains: []Chain{with(chain(None, nil), func(c *Chain) { c.Drops = true })}}, Verdict{}},
		{"each hook, ingress", Ruleset{Chains: []Chain{chain(Ingress, act())}}, in("ingress")},
		{"each hook, prerouting", Ruleset{Chains: []Chain{chain(Prerouting, act())}}, in("prerouting")},
		{"each hook, input", Ruleset{Chains: []Chain{chain(Input, act())}}, in("input")},
		{"each hook, output", Ruleset{Chains: []Chain{chain(Output, act())}}, Verdict{Out: rule("output")}},
		{"each hook, postrouting", Ruleset{Chains: []Chain{chain(Postrouting, act())}}, Verdict{Out: rule("postrouting")}},
		{"each hook, egress", Ruleset{Chains: []Chain{chain(Egress, act())}}, Verdict{Egress: rule("egress")}},
		{"each hook, none", Ruleset{Chains: []Chain{chain(None, act())}}, Verdict{}},
		{"all at once", Ruleset{Chains: []Chain{chain(Egress, act()), chain(Output, act()), chain(Input, act())}}, Verdict{rule("input"), rule("output"), rule("egress")}},

		{"ESP", Ruleset{Chains: []Chain{chain(Input, act(Need{Field: Protocol, Value: 50}))}}, in("input")},
		{"TCP", Ruleset{Chains: []Chain{chain(Input, act(Need{Field: Protocol, Value: 6}))}}, Verdict{}},
		{"all but TCP", Ruleset{Chains: []Chain{chain(Input, act(Need{Field: Protocol, Not: true, Value: 6}))}}, in("input")},
		{"all but ESP", Ruleset{Chains: []Chain{chain(Input, act(Need{Field: Protocol, Not: true, Value: 50}))}}, Verdict{}},
		{"TCP, of IPv4", Ruleset{Chains: []Chain{chain(Input, act(Need{Field: Version, Value: 4}, Need{Field: Protocol4, Value: 6}))}}, Verdict{}},
		{"TCP at that place, of any version", Ruleset{Chains: []Chain{chain(Input, act(Need{Field: Protocol4, Value: 6}))}}, in("input")},
		{"TCP, of IPv6", Ruleset{Chains: []Chain{chain(Input, act(Need{Field: Version, Value: 6}, Need{Field: Protocol6, Value: 6}))}}, Verdict{}},
		{"ESP, of IPv6", Ruleset{Chains: []Chain{chain(Input, act(Need{Field: Version, Value: 6}, Need{Field: Protocol6, Value: 50}))}}, in("input")},
		{"neither version", Ruleset{Chains: []Chain{chain(Ingress, act(Need{Field: Version}))}}, Verdict{}}, // ARP
		{"IPv6 in a table of IPv4", Ruleset{Chains: []Chain{with(both, func(c *Chain) { c.Rules = act(Need{Field: Version, Value: 6}) })}}, Verdict{}},
		{"TCP in a table of IPv4", Ruleset{Chains: []Chain{with(both, func(c *Chain) { c.Rules = act(Need{Field: Protocol4, Value: 6}) })}}, Verdict{}},

		{"another link", Ruleset{Chains: []Chain{chain(Input, act(Need{Field: InName, Name: "lo"}))}}, Verdict{}},
		{"all but another link", Ruleset{Chains: []Chain{chain(Input, act(Need{Field: InName, Not: true, Name: "lo"}))}}, in("input")},
		{"this link", Ruleset{Chains: []Chain{chain(Input, act(Need{Field: InName, Name: "eth0"}))}}, in("input")},
		{"links of that kind", Ruleset{Chains: []Chain{chain(Input, act(Need{Field: InName, Name: "eth", Prefix: true}))}}, in("input")},
		{"links of another kind", Ruleset{Chains: []Chain{chain(Input, act(Need{Field: InName, Name: "ppp", Prefix: true}))}}, Verdict{}},
		{"a link whose name only begins so", Ruleset{Chains: []Chain{chain(Input, act(Need{Field: InName, Name: "eth"}))}}, Verdict{}},
		{"its VRF", Ruleset{Chains: []Chain{chain(Input, act(Need{Field: InName, Name: "red"}))}}, in("input")},
		{"this index", Ruleset{Chains: []Chain{chain(Input, act(Need{Field: InIndex, Value: 2}))}}, in("input")},
		{"the index of its VRF", Ruleset{Chains: []Chain{chain(Input, act(Need{Field: InIndex, Value: 9}))}}, in("input")},
		{"another index", Ruleset{Chains: []Chain{chain(Input, act(Need{Field: InIndex, Value: 1}))}}, Verdict{}},
		{"out by another link", Ruleset{Chains: []Chain{chain(Output, act(Need{Field: OutName, Name: "lo"}))}}, Verdict{}},
		{"out by this link", Ruleset{Chains: []Chain{chain(Output, act(Need{Field: OutIndex, Value: 2}))}}, Verdict{Out: rule("output")}},
		{"out, and in by some link", Ruleset{Chains: []Chain{chain(Output, act(Need{Field: InName, Name: "lo"}))}}, Verdict{Out: rule("output")}},
		{"ingress of another link", Ruleset{Chains: []Chain{with(chain(Ingress, act()), func(c *Chain) { c.Devices = []string{"eth1"} })}}, Verdict{}},
		{"ingress of this link", Ruleset{Chains: []Chain{with(chain(Ingress, act()), func(c *Chain) { c.Devices = []string{"eth1", "eth0"} })}}, in("ingress")},

		{"a jump to nothing", Ruleset{Chains: []Chain{chain(Input, jump)}}, Verdict{}},
		{"a jump to rules for others", Ruleset{Chains: []Chain{chain(Input, jump), next(act(Need{Field: Protocol, Value: 17}))}}, Verdict{}},
		{"a jump to a rule", Ruleset{Chains: []Chain{chain(Input, jump), next(act())}}, Verdict{In: "rule 7 of the chain next (input) in table inet filter"}},
		{"a jump of others", Ruleset{Chains: []Chain{chain(Input, []Rule{{Jumps: "next", Needs: []Need{{Field: Protocol, Value: 6}}}}), next(act())}}, Verdict{}},
		{"a jump to a chain of another table", Ruleset{Chains: []Chain{chain(Input, jump), with(next(act()), func(c *Chain) { c.Table = "ip filter" })}}, Verdict{}},
		{"jumps in a circle", Ruleset{Chains: []Chain{chain(Input, jump), next(jump)}}, Verdict{}},
		{"a jump from both ways", Ruleset{Chains: []Chain{chain(Input, jump), chain(Output, jump), next(act(Need{Field: InName, Name: "lo"}))}}, Verdict{Out: "rule 7 of the chain next (output) in table inet filter"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.rules.Of(Link{Name: "eth0", Index: 2, Master: "red", MasterIndex: 9}); got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestFirst(t *testing.T) {
	for want, v := range map[string]Verdict{"": {}, "a": {In: "a", Out: "b"}, "b": {Out: "b", Egress: "c"}, "c": {Egress: "c"}} {
		if got := v.First(); got != want {
			t.Errorf("%+v: %q, want %q", v, got, want)
		}
	}
}
