package main

import (
	"fmt"

	"ipsec/klips/route/rtnetlink"
	"ipsec/pluto/updown"
)

// updownCmd is ipsec _updown: the default of leftupdown=, for commands that are
// run in its place and want to do the same and more. What it is to do is in the
// PLUTO_ variables that it was started with.
type updownCmd struct {
	Words []string `arg:"" optional:"" name:"word" hidden:"" help:"Of leftupdown=\"ipsec _updown WORD …\", passed over."`
}

// Run does what the variables ask for.
func (c *updownCmd) Run(e *env) error {
	return updown.Default(&rtnetlink.Host{}, e.Paths.Info(), e.Getenv, func(line string) { fmt.Fprintln(e.Stderr, line) })
}
