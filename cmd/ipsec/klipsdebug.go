package main

import (
	"fmt"
	"slices"
	"strings"

	"ipsec/klips"
	"ipsec/klips/options"
	"ipsec/klips/proc"
)

// klipsdebugCmd is ipsec klipsdebug, ipsec_klipsdebug(8).
type klipsdebugCmd struct {
	Set   string `placeholder:"FLAG" help:"Turn a flag on: tunnel, tunnel-xmit, xform, eroute, spi, radij, esp, ah, rcv, pfkey, ipcomp, verbose."`
	Clear string `placeholder:"FLAG" help:"Turn a flag off."`
	All   bool   `help:"Turn all flags on, but for verbose."`
	None  bool   `help:"Turn all flags off."`
}

// Run does what the options ask for; without any it prints the flags.
func (c *klipsdebugCmd) Run(e *env) error { return runTool(e, c) }

func (c *klipsdebugCmd) request(*env, options.Resolver) (request, error) {
	what, err := one(form{"--set", c.Set != ""}, form{"--clear", c.Clear != ""}, form{"--all", c.All}, form{"--none", c.None})
	if err != nil {
		return request{}, err
	}
	switch what {
	case "--all":
		return request{call: func(table klips.Table) error { return table.SetDebug(allDebug()) }}, nil
	case "--none":
		return request{call: func(table klips.Table) error { return table.SetDebug(nil) }}, nil
	case "--set", "--clear":
		flag := c.Set + c.Clear
		if known := klips.Topics().Names; !slices.Contains(known, flag) {
			return request{}, usageError(fmt.Sprintf("%s=%s: expected one of %s", what, flag, strings.Join(known, ", ")))
		}
		return request{call: func(table klips.Table) error { return switchFlag(table, flag, what == "--set") }}, nil
	}
	return listing(klips.Table.GetSettings, proc.KlipsDebug), nil
}

// allDebug returns the flags that "all" stands for.
func allDebug() []string {
	topics := klips.Topics()
	return topics.Words(topics.Set("all"))
}

// switchFlag turns one flag on or off and leaves the others as they are.
func switchFlag(table klips.Table, flag string, on bool) error {
	settings, err := table.GetSettings()
	if err != nil {
		return err
	}
	topics := klips.Topics()
	flags := topics.Set(settings.Debug...) &^ topics.Set(flag)
	if on {
		flags |= topics.Set(flag)
	}
	return table.SetDebug(topics.Words(flags))
}
