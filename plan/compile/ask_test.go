package compile_test

import (
	"net/netip"
	"slices"
	"testing"

	"ipsec/conf"
	"ipsec/plan"
	"ipsec/plan/compile"
)

// What others ask is what the plan does.
func TestAsk(t *testing.T) {
	route := func(dst, link string, metric int) plan.Route {
		return plan.Route{Dst: netip.MustParsePrefix(dst), Link: link, Metric: metric}
	}
	link := func(name string, addrs ...string) plan.Link {
		l := plan.Link{Name: name, MTU: 1500, Up: true}
		for _, a := range addrs {
			l.Addrs = append(l.Addrs, plan.Addr{Prefix: netip.MustParsePrefix(a)})
		}
		return l
	}
	facts := plan.Facts{
		Version: plan.FactsVersion, Stacks: []string{"klips"}, TUN: true,
		Links: []plan.Link{link("spare"), link("wan", "192.0.2.1/24"), link("wan6", "2001:db8::1/64")},
	}
	for _, c := range []struct {
		name, setup string
		routes      []plan.Route
		links       []string
		parts       []plan.Part
		planned     bool // there is a plan, with just these
	}{
		{"the lowest metric", "interfaces=%defaultroute\n\tpluto=no", []plan.Route{route("0.0.0.0/0", "wan", 100), route("0.0.0.0/0", "spare", 200)},
			[]string{"wan"}, []plan.Part{plan.Klips}, true},
		{"IPv6 alone", "interfaces=%defaultroute", []plan.Route{route("::/0", "wan6", 0)}, []string{"wan6"}, []plan.Part{plan.Klips, plan.Pluto}, true},
		{"no address", "interfaces=%defaultroute", []plan.Route{route("0.0.0.0/0", "spare", 0)}, []string{"spare"}, []plan.Part{plan.Klips, plan.Pluto}, false},
		{"two of one metric", "interfaces=%defaultroute", []plan.Route{route("0.0.0.0/0", "wan", 0), route("0.0.0.0/0", "spare", 0)},
			nil, []plan.Part{plan.Klips, plan.Pluto}, false},
		{"by name", `interfaces="ipsec1=wan6 ipsec0=wan"`, nil, []string{"wan", "wan6"}, []plan.Part{plan.Klips, plan.Pluto}, true},
		{"unknown", "interfaces=ipsec0=eth9", nil, []string{"eth9"}, []plan.Part{plan.Klips, plan.Pluto}, false},
		{"none", "interfaces=%none", nil, nil, []plan.Part{plan.Klips, plan.Pluto}, true},
		{"no stack", "protostack=none\n\tinterfaces=%none", nil, nil, []plan.Part{plan.Pluto}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := conf.Parse("ipsec.conf", []byte("version 2.0\nconfig setup\n\t"+c.setup+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			facts := facts
			facts.Routes = c.routes
			if got := compile.Physical(cfg, facts); !slices.Equal(got, c.links) {
				t.Errorf("physical links %q, want %q", got, c.links)
			}
			if got := compile.Parts(cfg); !slices.Equal(got, c.parts) {
				t.Errorf("parts %q, want %q", got, c.parts)
			}
			p, err := compile.Setup(plan.Start, cfg, facts, conf.DefaultPaths())
			if (err == nil) != c.planned {
				t.Fatalf("the plan: %v", err)
			}
			if !c.planned {
				return
			}
			var links []string
			var parts []plan.Part
			for _, n := range p.Nodes {
				step, _ := n.(plan.Step)
				switch op := step.Op.(type) {
				case plan.Attach:
					links = append(links, op.Physical)
				case plan.StartKlips:
					parts = append(parts, plan.Klips)
				case plan.StartPluto:
					parts = append(parts, plan.Pluto)
				}
			}
			slices.Sort(links)
			if !slices.Equal(links, c.links) || !slices.Equal(parts, c.parts) {
				t.Errorf("the plan attaches to %q and starts %q, want %q and %q", links, parts, c.links, c.parts)
			}
		})
	}
}
