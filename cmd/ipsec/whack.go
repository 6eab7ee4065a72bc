package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"ipsec/pluto/whack"
	"ipsec/pluto/whack/cmdline"
)

// whackCmd is ipsec whack, ipsec_whack(8). Its options come from package
// whack, which reads them here and in Pluto.
type whackCmd struct {
	Words []string `arg:"" optional:"" sep:"none" name:"option" help:"See ipsec whack --help."`
}

// Run asks Pluto, prints what it answers, and exits by that.
func (c *whackCmd) Run(e *env) error {
	if len(c.Words) == 1 && c.Words[0] == "--help" {
		return whackHelp(e)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	status, err := whack.Do(ctx, e.Paths.PlutoCtl(), c.Words, e.Stdout)
	if err != nil {
		fmt.Fprintf(e.Stderr, "whack: %v\n", err)
	}
	if status != 0 {
		return exitStatus(status)
	}
	return nil
}

// whackHelp prints the options.
func whackHelp(e *env) error {
	fmt.Fprintln(e.Stdout, "Usage: ipsec whack OPTION…\n\nAsk Pluto for something: see ipsec_whack(8).")
	fmt.Fprintln(e.Stdout)
	for _, o := range cmdline.Options() {
		name := o.Name
		if o.Value != "" {
			name += " …"
		}
		help := o.Help
		if o.Value != "" {
			help += ": " + o.Value
		}
		fmt.Fprintf(e.Stdout, "  %-24s %s\n", name, help)
	}
	return nil
}
