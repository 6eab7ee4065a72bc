package compile_test

import (
	"fmt"
	"math/rand"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ipsec/plan"
)

// TestRestartWithdraws has a restart leave the routes that a start makes, none before Pluto listens that it takes
// away after, and at each step a route into KLIPS to what is routed both before and after.
func TestRestartWithdraws(t *testing.T) {
	t.Parallel()
	nets := []string{"10.4.0.0/16", "10.4.0.0/17", "10.4.128.0/17", "10.4.1.0/24", "10.5.0.0/16", "0.0.0.0/0", "fd04::/48", "fd04:0:0:1::/64"}
	withdrawn, first := 0, 0
	for seed := range int64(300) {
		r := rand.New(rand.NewSource(seed))
		file := func() string {
			text := "config setup\n\tinterfaces=%defaultroute\nconn %default\n\tleft=192.0.2.1\n"
			for i := range 1 + r.Intn(4) {
				text += fmt.Sprintf("conn c%d\n\tright=198.51.100.%d\n\trightsubnet=%s\n", i, 2+i, nets[r.Intn(len(nets))])
				text += fmt.Sprintf("\tleftsubnet=10.0.%d.0/24,fd01:0:0:%d::/64\n", i, i)
				text += []string{"\tauto=add\n", "\tauto=route\n", "\tauto=start\n"}[r.Intn(3)]
			}
			return text
		}
		was, is := file(), file()
		before, after := routed(t, was), routed(t, is)
		facts := gateway()
		facts.Running = plan.Running{Setup: true, Klips: true, Pluto: true, Info: notes(compiled(t, plan.Start, was, gateway()))}
		for _, r := range before {
			facts.Running.Info = append(facts.Running.Info, "route=ipsec0 "+r.String())
		}
		now := slices.Clone(before)
		listens := false
		for _, n := range compiled(t, plan.Restart, is, facts).Nodes { // where IPsec runs: it has no branches that change routes
			step, _ := n.(plan.Step)
			switch op := step.Op.(type) {
			case plan.AddRoute:
				now = append(now, op.Dst)
				first++
			case plan.DelRoute:
				now = slices.DeleteFunc(now, func(p netip.Prefix) bool { return p == op.Dst })
				withdrawn++
				if listens {
					t.Errorf("seed %d: the route to %s goes when Pluto listens already", seed, op.Dst)
				}
			case plan.Listen:
				listens = true
			}
			for _, net := range nets {
				dst := netip.MustParsePrefix(net).Addr().Next()
				if leads(before, dst) && leads(after, dst) && !leads(now, dst) {
					t.Fatalf("seed %d: packets to %s leave in the clear after %T\nwas\n%s\nis\n%s", seed, dst, step.Op, was, is)
				}
			}
		}
		for _, r := range after { // by Pluto, or before
			if !slices.Contains(now, r) {
				now = append(now, r)
			}
		}
		if a, b := sortedNets(now), sortedNets(after); !slices.Equal(a, b) {
			t.Errorf("seed %d: a restart leaves routes to %v, a start to %v\nwas\n%s\nis\n%s", seed, a, b, was, is)
		}
	}
	if withdrawn < 100 || first < 50 {
		t.Errorf("%d routes are taken away, %d made before: the files are all alike", withdrawn, first)
	}
}

func leads(list []netip.Prefix, dst netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(dst) })
}

func sortedNets(list []netip.Prefix) []netip.Prefix {
	slices.SortFunc(list, func(a, b netip.Prefix) int { return strings.Compare(a.String(), b.String()) })
	return slices.CompactFunc(list, func(a, b netip.Prefix) bool { return a == b })
}

// routed returns the networks that Pluto routes in a start with a file; everything, which it routes by halves,
// as they are.
func routed(t *testing.T, text string) []netip.Prefix {
	t.Helper()
	conns := make(map[string][]netip.Prefix)
	var list []netip.Prefix
	for _, n := range compiled(t, plan.Start, text, gateway()).Nodes {
		step, _ := n.(plan.Step)
		switch op := step.Op.(type) {
		case plan.AddConn:
			for i, word := range op.Args {
				if word == "--client" && slices.Contains(op.Args[:i], "--to") {
					for _, net := range strings.Split(op.Args[i+1], ",") {
						conns[op.Name] = append(conns[op.Name], netip.MustParsePrefix(net))
					}
				}
			}
		case plan.RouteConn:
			if step.OnFail.Kind != plan.FailWarn {
				continue
			}
			for _, net := range conns[op.Name] {
				if net.Bits() == 0 {
					list = append(list, netip.MustParsePrefix("0.0.0.0/1"), netip.MustParsePrefix("128.0.0.0/1"))
				} else {
					list = append(list, net)
				}
			}
		}
	}
	return sortedNets(list)
}
