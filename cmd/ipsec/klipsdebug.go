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

// debugFlags returns the flags of ipsec_klipsdebug(8): those of the table, and
// a part of the first of them.
func debugFlags() []string {
	return slices.Insert(proc.DebugFlags(), 1, "tunnel-xmit")
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
		return request{call: func(table klips.Table) error { return table.SetDebug(allButVerbose()) }}, nil
	case "--none":
		return request{call: func(table klips.Table) error { return table.SetDebug(nil) }}, nil
	case "--set", "--clear":
		flag := c.Set + c.Clear
		if !slices.Contains(debugFlags(), flag) {
			return request{}, usageError(fmt.Sprintf("%s=%s: expected one of %s", what, flag, strings.Join(debugFlags(), ", ")))
		}
		return request{call: func(table klips.Table) error { return switchFlag(table, flag, what == "--set") }}, nil
	}
	return listing(klips.Table.GetSettings, proc.KlipsDebug), nil
}

func allButVerbose() []string {
	return slices.DeleteFunc(debugFlags(), func(flag string) bool { return flag == "verbose" })
}

// switchFlag turns one flag on or off and leaves the others as they are.
func switchFlag(table klips.Table, flag string, on bool) error {
	settings, err := table.GetSettings()
	if err != nil {
		return err
	}
	if slices.Contains(settings.Debug, "all") { // as klipsdebug= has it
		settings.Debug = append(settings.Debug, allButVerbose()...)
	}
	var flags []string
	for _, known := range debugFlags() {
		if known == flag && on || known != flag && slices.Contains(settings.Debug, known) {
			flags = append(flags, known)
		}
	}
	return table.SetDebug(flags)
}
