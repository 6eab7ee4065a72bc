package main

import (
	"fmt"
	"io"

	"ipsec/exec/verify"
)

// verifyCmd is ipsec verify, ipsec_verify(8).
type verifyCmd struct {
	Config string `placeholder:"FILE" help:"Check FILE in place of ipsec.conf."`
}

// Run checks what a start needs and prints a line for each check. The exit
// status is 1 when one has failed. It changes nothing.
func (c *verifyCmd) Run(e *env) error {
	e.setConfig(c.Config)
	findings := verify.Gather(e.Paths, e.Self).Check()
	if err := printFindings(e.Stdout, findings); err != nil {
		return err
	}
	for _, f := range findings {
		if f.Verdict == verify.Failed {
			return exitStatus(1)
		}
	}
	return nil
}

// printFindings prints a line for each finding, with its details below, and then
// what the daemons may change later on.
func printFindings(w io.Writer, findings []verify.Finding) error {
	for _, f := range findings {
		fmt.Fprintf(w, "%-58s [%s]\n", f.Asks, f.Verdict)
		for _, detail := range f.Details {
			fmt.Fprintf(w, "    %s\n", detail)
		}
	}
	fmt.Fprintf(w, "While they run, and apart from what a plan shows, the daemons may change:\n")
	for _, line := range verify.Effects() {
		if _, err := fmt.Fprintf(w, "  %s\n", line); err != nil {
			return err
		}
	}
	return nil
}
