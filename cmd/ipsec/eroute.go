package main

import (
	"ipsec/klips"
	"ipsec/klips/options"
	"ipsec/klips/proc"
	"ipsec/klips/said"
	"ipsec/plan"
)

// erouteCmd is ipsec eroute, ipsec_eroute(8). --inbound is our own: it changes
// the flows that may come out of an SA, which the old tools set per SA.
type erouteCmd struct {
	Add     bool `help:"Add an eroute; an error when the flow has one."`
	Replace bool `help:"Add an eroute, in place of the one that the flow has."`
	Del     bool `help:"Delete the eroute of a flow."`
	Clear   bool `help:"Delete all eroutes."`
	Inbound bool `help:"With --add or --del: a flow that may come out of the SA, in place of an eroute."`

	flowFlags `embed:""`
	saidFlags `embed:""`
}

// flowFlags are the options of a flow.
type flowFlags struct {
	Eraf           options.Family `placeholder:"inet|inet6" help:"The address family of the flow."`
	Src            string         `placeholder:"ADDR/MASK" help:"Where the packets come from."`
	Dst            string         `placeholder:"ADDR/MASK" help:"Where the packets go to."`
	TransportProto string         `placeholder:"PROTO" help:"Only packets of this protocol, by number or name."`
	SrcPort        string         `placeholder:"PORT" help:"Only packets from this port, of TCP and UDP."`
	DstPort        string         `placeholder:"PORT" help:"Only packets to this port, of TCP and UDP."`
}

// any reports whether one of them was given.
func (c *flowFlags) any() bool { return *c != flowFlags{} }

// Run does what the options ask for; without any it prints the table.
func (c *erouteCmd) Run(e *env) error { return runTool(e, c) }

func (c *erouteCmd) request(_ *env, r options.Resolver) (request, error) {
	what, err := one(form{"--add", c.Add}, form{"--replace", c.Replace}, form{"--del", c.Del}, form{"--clear", c.Clear})
	if err != nil {
		return request{}, err
	}
	flowGiven := c.flowFlags.any()
	switch {
	case what == "" && !flowGiven && !c.given() && !c.Inbound:
		return listing(klips.Table.ListEroutes, proc.Eroute), nil
	case what == "":
		return request{}, usageError("expected --add, --replace, --del or --clear")
	case what == "--clear":
		return request{op: plan.ClearEroutes{}},
			refuse(what, form{"--inbound", c.Inbound}, form{"a flow", flowGiven}, form{"an SA", c.given()})
	case what == "--replace" && c.Inbound:
		return request{}, usageError("--inbound goes with --add or --del: an SA lets several flows out, and there is none to replace")
	}
	flow, err := c.flow(r, what)
	if err != nil {
		return request{}, err
	}
	var id said.SAID
	if what != "--del" || c.Inbound || c.given() {
		if id, err = c.said(r); err != nil {
			return request{}, err
		}
	}
	switch {
	case what == "--add" && c.Inbound:
		return request{op: plan.AddInflow{Flow: flow, SAID: id}}, nil
	case what == "--del" && c.Inbound:
		return request{call: func(table klips.Table) error { return table.DelInflow(id, selector(flow)) }}, nil
	case what == "--del": // an SA may be given, as in old scripts, and does not matter
		return request{op: plan.DelEroute{Flow: flow}}, nil
	case what == "--replace":
		return request{op: plan.AddEroute{Flow: flow, SAID: id}}, nil
	}
	return request{call: func(table klips.Table) error {
		return table.AddEroute(klips.Eroute{Selector: selector(flow), SAID: id})
	}}, nil
}

// said reads the SA of an eroute. Of the magic ones, KLIPS knows %pass for
// what %passthrough, %passthrough4 and %passthrough6 used to say.
func (c *erouteCmd) said(r options.Resolver) (said.SAID, error) {
	switch c.saidFlags.Said {
	case "%passthrough", "%passthrough4", "%passthrough6":
		return said.Shunt(said.SPIPass), nil
	}
	id, err := c.saidFlags.read(r)
	if err == nil && c.Inbound && id.Proto == said.INT {
		return said.SAID{}, usageError("--inbound needs an SA: no packet comes out of " + id.String())
	}
	return id, err
}

// flow reads the flow, for an option or a command that needs one.
func (c *flowFlags) flow(r options.Resolver, what string) (flow plan.Flow, err error) {
	if err := c.Eraf.Check("--eraf"); err != nil {
		return flow, err
	}
	if err := need(what, "--src", c.Src); err != nil {
		return flow, err
	}
	if err := need(what, "--dst", c.Dst); err != nil {
		return flow, err
	}
	found, err := r.Flow(options.Flow{Family: c.Eraf, Src: c.Src, Dst: c.Dst, Proto: c.TransportProto, SrcPort: c.SrcPort, DstPort: c.DstPort})
	return plan.Flow{Src: found.Src, Dst: found.Dst, Proto: found.Proto, SrcPort: found.SrcPort, DstPort: found.DstPort}, err
}

// selector returns a flow in the words of KLIPS.
func selector(f plan.Flow) klips.Selector {
	return klips.Selector{Src: f.Src, Dst: f.Dst, Proto: f.Proto, SrcPort: f.SrcPort, DstPort: f.DstPort}
}
