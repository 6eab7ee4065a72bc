package main

import (
	"fmt"

	"ipsec/klips/options"
	"ipsec/klips/said"
	"ipsec/plan"
)

// The commands of this file are those that the shell form of a plan needs and a
// system has not. Each is one op or condition of package plan.

// logCmd is ipsec _log [-p FACILITY.PRIORITY] [--syslog-only] TEXT: it says a
// line on stdout and in syslog. The last word is TEXT whatever it looks like.
type logCmd struct {
	Words []string `arg:"" sep:"none" name:"text" help:"-p FACILITY.PRIORITY, --syslog-only, and the line."`
}

// Run says the line.
func (c *logCmd) Run(e *env) error {
	last := len(c.Words) - 1
	op := plan.Log{Text: c.Words[last]}
	for options := c.Words[:last]; len(options) > 0; {
		switch {
		case options[0] == "-p" && len(options) > 1:
			op.Priority, options = options[1], options[2:]
		case options[0] == "--syslog-only":
			op.SyslogOnly, options = true, options[1:]
		default:
			return usageError(fmt.Sprintf("unexpected %q before the text: expected -p FACILITY.PRIORITY or --syslog-only", options[0]))
		}
	}
	return e.do(op)
}

// aliveCmd is ipsec _alive: it succeeds when any of the parts is alive.
type aliveCmd struct {
	Parts []part `arg:"" help:"klips, pluto or interfaces."`
}

// Run answers by its exit status.
func (c *aliveCmd) Run(e *env) error {
	var cond plan.Alive
	for _, p := range c.Parts {
		cond.Parts = append(cond.Parts, plan.Part(p))
	}
	alive, err := e.holds(cond)
	if err == nil && !alive {
		return exitStatus(1)
	}
	return err
}

// hasCmd is ipsec _has: it succeeds when KLIPS has any of the SAs, or an eroute
// of just that flow.
type hasCmd struct {
	flowFlags `embed:""`
	SAIDs     []string `arg:"" optional:"" name:"said" help:"SAs such as esp0x200@192.0.2.1."`
}

// Run answers by its exit status.
func (c *hasCmd) Run(e *env) error {
	cond, err := c.cond()
	if err != nil {
		return err
	}
	has, err := e.holds(cond)
	if err == nil && !has {
		return exitStatus(1)
	}
	return err
}

func (c *hasCmd) cond() (plan.Cond, error) {
	if c.any() == (len(c.SAIDs) > 0) {
		return nil, usageError("expected SAs, or a flow")
	}
	if c.any() {
		flow, err := c.flow(options.System(), "_has")
		return plan.HasEroute{Flow: flow}, err
	}
	var cond plan.HasSA
	for _, text := range c.SAIDs {
		id, err := said.Parse(text)
		if err != nil {
			return nil, usageError(err.Error())
		}
		cond.SAIDs = append(cond.SAIDs, id)
	}
	return cond, nil
}

// endCmd is ipsec _end: it ends a daemon and waits until it is gone.
type endCmd struct {
	Part part `arg:"" help:"klips or pluto."`
}

// Run ends the daemon.
func (c *endCmd) Run(e *env) error {
	if c.Part == part(plan.Interfaces) {
		return usageError("expected klips or pluto: interfaces go away by ipsec tncfg --clear")
	}
	return e.do(plan.EndDaemon{Part: plan.Part(c.Part)})
}

// part is a plan.Part on the command line.
type part plan.Part

// UnmarshalText refuses what is no part.
func (p *part) UnmarshalText(text []byte) error {
	switch found := plan.Part(text); found {
	case plan.Klips, plan.Pluto, plan.Interfaces:
		*p = part(found)
		return nil
	}
	return fmt.Errorf("unknown part %q: expected klips, pluto or interfaces", text)
}

// saveCmd is ipsec _save: it notes kernel settings in ipsec.info.
type saveCmd struct {
	Paths []string `arg:"" sep:"none" name:"path" help:"Files below /proc/sys."`
}

// Run notes them.
func (c *saveCmd) Run(e *env) error { return e.do(plan.Save{Paths: c.Paths}) }

// restoreCmd is ipsec _restore: it writes back what ipsec.info has.
type restoreCmd struct {
	Paths []string `arg:"" sep:"none" name:"path" help:"Files below /proc/sys."`
}

// Run writes them back.
func (c *restoreCmd) Run(e *env) error { return e.do(plan.Restore{Paths: c.Paths}) }

// rpfilterCmd is ipsec _rpfilter: it sets the reverse path filter in force.
type rpfilterCmd struct {
	Value string   `arg:"" enum:"0,1,2" help:"0, 1 or 2."`
	Links []string `arg:"" sep:"none" name:"link" help:"Network interfaces."`
}

// Run sets it.
func (c *rpfilterCmd) Run(e *env) error {
	return e.do(plan.RPFilter{Value: c.Value, Links: c.Links})
}
