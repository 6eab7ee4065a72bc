package compile_test

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ipsec/plan"
	"ipsec/plan/compile"
)

func TestAccept(t *testing.T) {
	far, own, far6 := netip.MustParseAddr("10.0.2.1"), netip.MustParseAddr("10.0.1.1"), netip.MustParseAddr("2001:db8::1")
	const seconds = 10
	for check, want := range map[string]plan.Op{
		"conn net":                       plan.Initiate{Name: "net"},
		"ping 10.0.2.1":                  plan.Ping{Addr: far, Seconds: seconds},
		" ping 2001:db8::1 ":             plan.Ping{Addr: far6, Seconds: seconds},
		"ping 10.0.2.1 from 10.0.1.1":    plan.Ping{Addr: far, From: own, Seconds: seconds},
		"":                               nil,
		"conn":                           nil,
		"conn a b":                       nil,
		"ping nowhere":                   nil,
		"ping 10.0.2.1 from 2001:db8::1": nil,
		"ping 10.0.2.1 by 10.0.1.1":      nil,
		"rm -rf /":                       nil,
	} {
		p, err := compile.AwaitConfirmation(compiled(t, plan.Start, gatewayConf, gateway()), 60, []string{check})
		if want == nil {
			if err == nil || !strings.Contains(err.Error(), "malformed check") {
				t.Errorf("%q: %v", check, err)
			}
			continue
		}
		found := slices.ContainsFunc(p.Nodes, func(n plan.Node) bool { try, ok := n.(plan.Try); return ok && reflect.DeepEqual(try.Op, want) })
		if err != nil || !found {
			t.Errorf("%q: %v, no %v in the plan", check, err, want)
		}
	}
}

// TestAwaitConfirmation: the way back is held before the first change and after all that may refuse, and a change that is
// undone is not waited for.
func TestAwaitConfirmation(t *testing.T) {
	for _, verb := range []plan.Verb{plan.Start, plan.Restart} {
		before := compiled(t, verb, gatewayConf, gateway())
		p, err := compile.AwaitConfirmation(before, 60, nil)
		if err != nil {
			t.Fatal(err)
		}
		arm := -1
		for i, n := range p.Nodes {
			if try, ok := n.(plan.Try); ok && try.Op == (plan.Arm{Seconds: 60}) {
				arm = i
			}
		}
		if arm < 0 || !reflect.DeepEqual(p.Nodes[arm+1], before.Nodes[arm]) || len(p.Nodes) != len(before.Nodes)+2 {
			t.Errorf("%s: the way back is held in node %d of %d, which were %d", verb, arm, len(p.Nodes), len(before.Nodes))
		}
		disarms := 0
		for _, n := range p.Undo {
			if s, ok := n.(plan.Step); ok && s.Op == (plan.Disarm{Login: plan.AnyLogin}) {
				disarms++
			}
		}
		if want := map[plan.Verb]int{plan.Start: 1, plan.Restart: 0}[verb]; disarms != want {
			t.Errorf("%s: %d times the undo lets the way back go, expected %d", verb, disarms, want)
		}
	}
}
