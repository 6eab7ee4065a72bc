package compile_test

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ipsec/conf"
	"ipsec/plan"
	"ipsec/plan/compile"
)

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func TestCompileRefuses(t *testing.T) {
	paths := conf.DefaultPaths()
	for _, verb := range []plan.Verb{plan.Start, plan.Restart} {
		if _, err := compile.Setup(verb, nil, gateway(), paths); err == nil {
			t.Errorf("%s has a plan without a configuration", verb)
		}
	}
	if _, err := compile.Manual(compile.ManualUp, []string{"net"}, false, nil, gateway(), paths); err == nil {
		t.Error("manual has a plan without a configuration")
	}
	config := parse(t, gatewayConf)
	for _, verb := range []plan.Verb{"", "status", plan.Manual} {
		if _, err := compile.Setup(verb, config, gateway(), paths); err == nil {
			t.Errorf("verb %q has a plan", verb)
		}
	}
	if _, err := compile.Manual("sideways", nil, false, config, gateway(), paths); err == nil {
		t.Error("an unknown action has a plan")
	}
}

// TestAllErrors has all that is in the way be said at once, each at its line.
func TestAllErrors(t *testing.T) {
	config := parse(t, "config setup\n\tinterfaces=\"ipsec0=eth7 ipsec1=eth8\"\n\tprotostack=klips\n")
	facts := gateway()
	facts.Stacks = []string{"netkey"}
	_, err := compile.Setup(plan.Start, config, facts, conf.DefaultPaths())
	var all conf.Errors
	if !errors.As(err, &all) || len(all) != 3 {
		t.Fatalf("expected three errors, found %v", err)
	}
	for i, want := range []string{"/etc/ipsec.conf:3:13: protostack=klips", "/etc/ipsec.conf:2:14: interfaces: ipsec0=eth7", "/etc/ipsec.conf:2:26: interfaces: ipsec1=eth8"} {
		if !strings.HasPrefix(all[i].String(), want) {
			t.Errorf("error %d is %q, expected %q", i, all[i], want)
		}
	}
}

func TestWithoutReasons(t *testing.T) {
	p := compiled(t, plan.Start, gatewayConf, gateway())
	moved := compiled(t, plan.Start, "\n\n"+gatewayConf, gateway())
	if reflect.DeepEqual(p, moved) {
		t.Error("the reasons do not tell the lines")
	}
	if !reflect.DeepEqual(p.WithoutReasons(), moved.WithoutReasons()) {
		t.Error("more than reasons tells the lines")
	}
	bare := p.WithoutReasons()
	if bare.Verb != p.Verb || len(bare.Nodes) != len(p.Nodes) || len(bare.Undo) != len(p.Undo) {
		t.Error("more than reasons is left out")
	}
	if !reflect.DeepEqual(ops(bare.Nodes), ops(p.Nodes)) {
		t.Error("the ops are others")
	}
	var walk func([]plan.Node)
	walk = func(nodes []plan.Node) {
		for _, n := range nodes {
			switch n := n.(type) {
			case plan.Step:
				if n.Reason != "" {
					t.Errorf("a reason is left: %q", n.Reason)
				}
			case plan.If:
				if n.Reason != "" {
					t.Errorf("a reason is left: %q", n.Reason)
				}
				walk(n.Then)
				walk(n.Else)
			case plan.Try:
				if n.Reason != "" {
					t.Errorf("a reason is left: %q", n.Reason)
				}
				walk(n.Else)
			case plan.SetStatus:
				if n.Reason != "" {
					t.Errorf("a reason is left: %q", n.Reason)
				}
			case plan.Exit:
				if n.Reason != "" {
					t.Errorf("a reason is left: %q", n.Reason)
				}
			}
		}
	}
	walk(bare.Nodes)
	walk(bare.Undo)
	if p.Nodes[0].(plan.Try).Reason == "" {
		t.Error("the plan itself has lost its reasons")
	}
}

// TestRoutes routes networks beside the routes that a host has.
func TestRoutes(t *testing.T) {
	for _, c := range []struct {
		name, remote, parameter string
		routes                  []plan.Route
		want                    []string
	}{
		{"no other", "10.2.0.0/16", "", nil, []string{"10.2.0.0/16"}},
		{"another network", "10.2.0.0/16", "", []plan.Route{{Dst: prefix("10.0.0.0/8"), Link: "eth1"}}, []string{"10.2.0.0/16"}},
		{"the same", "10.2.0.0/16", "", []plan.Route{{Dst: prefix("10.2.0.0/16"), Link: "eth1"}}, []string{"10.2.0.0/17", "10.2.128.0/17"}},
		{"the same and a half", "10.2.0.0/16", "", []plan.Route{{Dst: prefix("10.2.0.0/16"), Link: "eth1"}, {Dst: prefix("10.2.128.0/17"), Link: "eth1"}},
			[]string{"10.2.0.0/17", "10.2.128.0/18", "10.2.192.0/18"}},
		{"the same, but worse", "10.2.0.0/16", "", []plan.Route{{Dst: prefix("10.2.0.0/16"), Link: "eth1", Metric: 100}}, []string{"10.2.0.0/16"}},
		{"the same, and better", "10.2.0.0/16", "metric=200", []plan.Route{{Dst: prefix("10.2.0.0/16"), Link: "eth1", Metric: 100}}, []string{"10.2.0.0/17", "10.2.128.0/17"}},
		{"everything", "0.0.0.0/0", "", nil, []string{"0.0.0.0/1", "128.0.0.0/1"}},
		{"everything, and a half", "0.0.0.0/0", "", []plan.Route{{Dst: prefix("0.0.0.0/1"), Link: "eth1"}}, []string{"0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/1"}},
		{"host", "10.2.0.1/32", "type=passthrough", []plan.Route{{Dst: prefix("10.2.0.1/32"), Link: "eth1"}}, nil},
		{"our own", "10.0.0.0/8", "", []plan.Route{{Dst: prefix("10.0.1.9/32"), Link: "eth1"}}, []string{"10.0.0.0/8"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			facts := gateway()
			facts.Routes = append(facts.Routes, c.routes...)
			text := strings.Replace(gatewayConf, "rightsubnet=10.0.2.0/24", "rightsubnet="+c.remote+"\n\t"+c.parameter, 1)
			if c.parameter == "type=passthrough" {
				text = strings.Replace(text, "\tspi=0x200\n\tesp=null-md5\n\tespauthkey=0x00112233445566778899aabbccddeeff\n", "", 1)
			}
			var got []string
			for _, op := range ops(compiled(t, plan.Start, text, facts).Nodes) {
				if r, ok := op.(plan.AddRoute); ok {
					got = append(got, r.Dst.String())
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("routed are %v, expected %v", got, c.want)
			}
		})
	}
}

// TestLeak refuses a start whose packets would leave in the clear by a route
// that the host has.
func TestLeak(t *testing.T) {
	for _, c := range []struct{ remote, route string }{
		{"10.2.0.1/32", "10.2.0.1/32"},
		{"10.2.0.0/31", "10.2.0.1/32"},
		{"10.2.0.0/16", "10.2.0.1/32"},
		{"10.2.0.0/16", "10.2.128.0/17"},
		{"0.0.0.0/0", "128.0.0.0/2"},
		{"2001:db8::/32", "2001:db8:9::/48"},
	} {
		facts := gateway()
		facts.Routes = append(facts.Routes, plan.Route{Dst: prefix(c.route), Link: "eth1", Metric: 7})
		text := strings.Replace(gatewayConf, "rightsubnet=10.0.2.0/24", "rightsubnet="+c.remote, 1)
		if strings.Contains(c.remote, ":") {
			text = strings.Replace(text, "leftsubnet=10.0.1.0/24", "leftsubnet=2001:db8:1::/48", 1)
		}
		config, err := conf.Parse("/etc/ipsec.conf", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, verb := range []plan.Verb{plan.Start, plan.Restart} {
			_, err = compile.Setup(verb, config, facts, conf.DefaultPaths())
			want := "metric 7"
			if c.remote == c.route {
				want = "" // one of metric 0 is better
			}
			if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "ip route del "+c.route)) {
				t.Errorf("%s of %s beside a route to %s: %v", verb, c.remote, c.route, err)
			}
		}
		if _, err := compile.Setup(plan.Stop, config, facts, conf.DefaultPaths()); err != nil {
			t.Errorf("stop beside a route to %s: %v", c.route, err)
		}
	}
}

// FuzzCompile has any configuration that is read have a plan that can be
// carried out, or an error.
func FuzzCompile(f *testing.F) {
	f.Add(gatewayConf, "klips=started")
	f.Add("config setup\n\tinterfaces=\"%defaultroute ipsec1=eth1\"\n\tplutoopts=\"-x --y\"\n", "hook=a -client /bin/x%20y PLUTO_ME=1")
	f.Add("conn a\n\tleft=192.0.2.1\n\tright=%any\n\tleftid=\"C=DE, O='x'\"\n\tauto=add\n", "route=ipsec0 10.0.0.0/8 7")
	f.Add("conn a\n\tleft=2001:db8:1::1\n\tright=2001:db8::2\n\trightsubnet=::/0\n\ttype=drop\n\tauto=manual\n", "/proc/sys/net/ipv4/ip_forward=0\naddress=ipsec0 192.0.2.1/32")
	f.Fuzz(func(t *testing.T, text, info string) {
		config, err := conf.Parse("/etc/ipsec.conf", []byte(text))
		if err != nil {
			return
		}
		facts := gateway()
		facts.Running.Info = strings.Split(info, "\n")
		for _, verb := range []plan.Verb{plan.Start, plan.Stop, plan.Restart} {
			p, err := compile.Setup(verb, config, facts, conf.DefaultPaths())
			if err != nil {
				continue
			}
			if err := p.Validate(); err != nil {
				t.Errorf("%s: %v", verb, err)
			}
		}
	})
}
