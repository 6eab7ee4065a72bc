package main

import (
	"cmp"

	"ipsec/klips"
	"ipsec/klips/options"
	"ipsec/klips/proc"
	"ipsec/plan"
)

// tncfgCmd is ipsec tncfg, ipsec_tncfg(8).
type tncfgCmd struct {
	Attach   bool   `help:"Bind --virtual to --physical, and make it where it does not exist."`
	Detach   bool   `help:"Unbind --virtual and take it away, KLIPS being alive or not."`
	Clear    bool   `help:"Take away every virtual interface of ours, KLIPS being alive or not."`
	Virtual  string `placeholder:"IPSECN" help:"The virtual interface, like ipsec0."`
	Physical string `placeholder:"LINK" help:"The physical interface, like eth0."`
	XDP      string `name:"xdp" enum:",auto,on,off" default:"" placeholder:"USE" help:"When raw ESP goes past netfilter there: auto, where no rule could look at it, on or off."`
}

// Run does what the options ask for; without any it prints the table.
func (c *tncfgCmd) Run(e *env) error { return runTool(e, c) }

func (c *tncfgCmd) request(*env, options.Resolver) (request, error) {
	what, err := one(form{"--attach", c.Attach}, form{"--detach", c.Detach}, form{"--clear", c.Clear})
	if err != nil {
		return request{}, err
	}
	virtual, physical := form{"--virtual", c.Virtual != ""}, form{"--physical", c.Physical != ""}
	xdp := form{"--xdp", c.XDP != ""}
	switch what {
	case "--attach":
		if err := need(what, "--virtual", c.Virtual); err != nil {
			return request{}, err
		}
		if err := need(what, "--physical", c.Physical); err != nil {
			return request{}, err
		}
		return request{op: plan.Attach{Virtual: c.Virtual, Physical: c.Physical, XDP: cmp.Or(c.XDP, "auto")}}, nil
	case "--detach":
		if err := need(what, "--virtual", c.Virtual); err != nil {
			return request{}, err
		}
		return request{op: plan.Detach{Virtual: c.Virtual}}, refuse(what, physical, xdp)
	case "--clear":
		return request{op: plan.ClearInterfaces{}}, refuse(what, virtual, physical, xdp)
	}
	if virtual.given || physical.given || xdp.given {
		return request{}, usageError("expected --attach or --detach with --virtual and --physical")
	}
	return listing(klips.Table.ListAttachments, proc.Tncfg), nil
}
