package main

import "ipsec/exec/host"

// factsCmd is ipsec facts: the facts of this host as JSON, for --facts.
type factsCmd struct {
	Rundir string `placeholder:"DIR" help:"Use DIR in place of ${rundir}."`
}

// Run prints the facts.
func (c *factsCmd) Run(e *env) error {
	if c.Rundir != "" {
		e.Paths.Run = c.Rundir
	}
	facts, err := host.Gather(e.Paths)
	if err != nil {
		return err
	}
	return host.Write(e.Stdout, facts)
}
