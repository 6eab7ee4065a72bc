package main

import (
	"github.com/alecthomas/kong"
	"testing"

	"ipsec/conf"
	"ipsec/conf/keyword"
	"ipsec/golden"
	"ipsec/plan"
	"ipsec/plan/compile"
)

// Every option that a plan starts Pluto with is one that it takes.
func TestPlutoArgs(t *testing.T) {
	var words string
	for _, k := range keyword.All() {
		if k.Name == "plutodebug" {
			for _, word := range k.Values {
				words += " " + word
			}
		}
	}
	const all = "version 2.0\nconfig setup\n\tprotostack=none\n\tplutostderrlog=/tmp/log\n\tdumpdir=/tmp\n\tuniqueids=yes\n\tnocrsend=yes\n" +
		"\tcrlcheckinterval=60\n\tocspuri=http://o.example.org/\n\tnat_traversal=yes\n\tvirtual_private=%v4:10.0.0.0/8,%v4:!10.1.0.0/16\n" +
		"\tkeep_alive=30\n\tforce_keepalive=yes\n\tdisable_port_floating=yes\n\tnhelpers=2\n\tmyid=@a\n\tplutorestartoncrash=no\n"
	texts := []string{all + "\tplutodebug=\"" + words + "\"\n", all + "\tstrictcrlpolicy=yes\n", all + "\tstrictcrlpolicy=ifuri\n"}
	var plans []plan.Plan
	for _, text := range texts {
		config, err := conf.Parse("f", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		p, err := compile.Setup(plan.Start, config, plan.Facts{}, conf.DefaultPaths())
		if err != nil {
			t.Fatal(err)
		}
		plans = append(plans, p)
	}
	cases, err := golden.Load("../../golden/testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		config, err := c.Config()
		if err != nil || len(config.Setup.PlutoOpts) > 0 { // whose words are the user's own
			continue
		}
		if p, err := c.Plan("start"); err == nil {
			plans = append(plans, p)
		}
	}
	count := 0
	for _, p := range plans {
		for _, node := range p.Nodes {
			step, ok := node.(plan.Step)
			if !ok {
				continue
			}
			if op, ok := step.Op.(plan.StartPluto); ok {
				count++
				parser, err := kong.New(new(cli), kong.Vars{"confdir": "", "rundir": "", "version": ""}, kong.Exit(func(int) {}))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := parser.Parse(append([]string{"pluto"}, op.Args...)); err != nil {
					t.Errorf("%q: %v", op.Args, err)
				}
			}
		}
	}
	if count < 10 {
		t.Errorf("only %d plans start Pluto", count)
	}
}
