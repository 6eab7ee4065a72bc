package main

import (
	"fmt"
	"os"

	"ipsec/conf"
	"ipsec/exec/health"
	"ipsec/exec/host"
	"ipsec/plan"
	"ipsec/plan/compile"
)

// setupCmd is ipsec setup, ipsec_setup(8).
type setupCmd struct {
	Show     bool   `xor:"show" help:"Print each step as shell as it is run."`
	Showonly bool   `xor:"show" help:"Print the plan and change nothing."`
	Config   string `placeholder:"FILE" help:"Read FILE in place of ipsec.conf."`
	Format   string `enum:"text,sh,json" default:"text" help:"With --showonly: text (as the old script printed), sh (a script for /bin/sh) or json. With status and diff: text or json."`
	Facts    string `placeholder:"FILE" help:"With --showonly: plan for the host whose facts are in FILE (see ipsec facts)."`
	Plan     string `placeholder:"FILE" help:"Run a reviewed plan (in the form of --format sh), if it is what would run now."`
	Rundir   string `placeholder:"DIR" help:"Use DIR in place of ${rundir}."`

	Disruptive bool `help:"With reload: interrupt all connections where a change cannot be made without, as a restart does."`

	Confirm int      `placeholder:"SECONDS" help:"With start, restart and reload: what ran before comes back unless 'ipsec setup confirm' comes within SECONDS."`
	Accept  []string `sep:"none" placeholder:"CHECK" help:"With --confirm: go back at once where CHECK fails: 'conn NAME', which is to come up, or 'ping ADDRESS [from ADDRESS]'."`
	Force   bool     `help:"With confirm: from any login, not only from one that began after the change."`

	Verb string `arg:"" optional:"" complete:"start stop restart try-restart reload confirm revert diff status" help:"start, stop, restart, try-restart, reload, confirm, revert, diff or status."`
}

// verbs returns the verb of a plan for each spelling; status has no plan.
func verbs(word string) (verb plan.Verb, ok bool) {
	switch word {
	case "start", "_autostart":
		return plan.Start, true
	case "stop", "_autostop":
		return plan.Stop, true
	case "restart", "_autorestart":
		return plan.Restart, true
	case "try-restart", "condrestart":
		return plan.TryRestart, true
	case "reload":
		return plan.Reload, true
	case "confirm":
		return plan.Confirm, true
	case "revert":
		return plan.Revert, true
	case "force-reload": // of the LSB: a reload, and a restart where that is not enough
		return plan.ReloadDisruptive, true
	case "status", "diff", "version":
		return "", true
	}
	return "", false
}

// Run carries out the verb.
func (c *setupCmd) Run(e *env) error {
	verb, ok := verbs(c.Verb)
	switch {
	case c.Verb == "":
		return usageError("expected start, stop, restart, try-restart, reload, confirm, revert, diff or status")
	case !ok:
		return usageError(fmt.Sprintf("unknown verb %q: expected start, stop, restart, try-restart, reload, confirm, revert, diff or status", c.Verb))
	}
	c.setPaths(e)
	switch c.Verb {
	case "version":
		return versionCmd{}.Run(e)
	case "diff":
		return c.diff(e)
	}
	if verb == "" {
		if c.Show || c.Showonly {
			fmt.Fprintln(e.Stderr, "ipsec setup status does not support --show")
			return exitStatus(1)
		}
		switch {
		case c.Facts != "" || c.Plan != "":
			return usageError("--facts and --plan go with start, stop and restart: status asks this machine")
		case c.Format == "sh":
			return usageError("status has no shell: expected --format text or json")
		}
		return status(e, c.Format == "json")
	}
	switch {
	case c.Facts != "" && !c.Showonly:
		return usageError("--facts plans for another host, which only --showonly can do")
	case c.Format != "text" && !c.Showonly:
		return usageError("--format goes with --showonly")
	case c.Plan != "" && c.Showonly:
		return usageError("--plan runs a plan; --showonly prints one")
	case c.Disruptive && verb != plan.Reload && verb != plan.ReloadDisruptive:
		return usageError("--disruptive goes with reload")
	case c.Facts != "" && (verb == plan.Reload || verb == plan.ReloadDisruptive || verb == plan.Confirm || verb == plan.Revert):
		return usageError(string(verb) + " starts from what runs on this machine: it does not go with --facts")
	case c.Confirm < 0, c.Confirm > 0 && verb != plan.Start && verb != plan.Restart && verb != plan.Reload && verb != plan.ReloadDisruptive:
		return usageError("--confirm SECONDS goes with start, restart and reload")
	case len(c.Accept) > 0 && c.Confirm == 0:
		return usageError("--accept goes with --confirm")
	case c.Force && verb != plan.Confirm:
		return usageError("--force goes with confirm")
	}
	if c.Disruptive {
		verb = plan.ReloadDisruptive
	}
	if c.Showonly {
		return c.showOnly(e, verb)
	}
	return c.perform(e, verb)
}

// status reports, and says with its exit status whether anything is strange.
func status(e *env, asJSON bool) error {
	h, err := health.Gather(e.Paths)
	if err != nil {
		return err
	}
	if asJSON {
		if err := h.WriteJSON(e.Stdout); err != nil {
			return err
		}
		if h.Doc().Strange {
			return exitStatus(1)
		}
		return nil
	}
	lines, strange := h.Report()
	for _, line := range lines {
		fmt.Fprintln(e.Stdout, line)
	}
	if strange {
		return exitStatus(1)
	}
	return nil
}

// setPaths applies --config and --rundir.
func (c *setupCmd) setPaths(e *env) {
	if c.Config != "" {
		e.Paths.Conf = c.Config
	}
	if c.Rundir != "" {
		e.Paths.Run = c.Rundir
	}
	e.Paths = e.Paths.Absolute()
}

// load reads the configuration for a verb. What is wrong with it is a warning for
// stop, which depends on what runs, and an error for the other verbs; lines that have
// no effect here are a warning for these.
func load(e *env, verb plan.Verb) (config *conf.Config, warnings []string, err error) {
	config, err = conf.Load(e.Paths)
	if err != nil && verb != plan.Stop {
		return nil, nil, err
	}
	if err != nil {
		for _, line := range conf.Lines(err) {
			warnings = append(warnings, "warning: "+line)
		}
		return config, warnings, nil
	}
	if verb != plan.Stop {
		for _, warning := range config.Remarks() {
			warnings = append(warnings, "warning: "+warning.String())
		}
	}
	return config, warnings, nil
}

// compile gathers the facts and compiles the verb.
func (c *setupCmd) compile(e *env, verb plan.Verb, config *conf.Config) (plan.Plan, plan.Facts, error) {
	facts, err := c.facts(e)
	if err != nil {
		return plan.Plan{}, facts, err
	}
	var p plan.Plan
	switch {
	case verb == plan.Confirm:
		p = compile.Confirm(c.Force, facts, e.Paths)
	case verb == plan.Revert:
		p, err = revert(e, config, facts)
	case verb == plan.Reload || verb == plan.ReloadDisruptive:
		p, err = reload(e, config, facts, verb == plan.ReloadDisruptive)
	case c.Facts == "":
		p, err = compile.Setup(verb, config, facts, e.Paths)
	default:
		p, err = c.elsewhere(e, verb, config, facts)
	}
	if err != nil {
		return plan.Plan{}, facts, planError{err}
	}
	if c.Confirm > 0 {
		if p, err = compile.AwaitConfirmation(p, c.Confirm, c.Accept); err != nil {
			return plan.Plan{}, facts, planError{err}
		}
	}
	p.Writer = programVersion()
	return p, facts, nil
}

// reload compiles a reload from what runs on this machine.
func reload(e *env, config *conf.Config, facts plan.Facts, disruptive bool) (plan.Plan, error) {
	promise, there, err := compared(e, config, facts)
	if err != nil {
		return plan.Plan{}, err
	}
	return promise.Reload(there, disruptive)
}

// elsewhere compiles the verb as the host of the facts would: with that host's paths,
// and with the configuration's files where they will lie there. An error in a file
// has the name that the file has here.
func (c *setupCmd) elsewhere(e *env, verb plan.Verb, config *conf.Config, facts plan.Facts) (plan.Plan, error) {
	paths := facts.Paths
	if c.Rundir != "" {
		paths.Run = e.Paths.Run
	}
	if config != nil {
		config.Relocate(e.Paths.Conf, paths.Conf)
	}
	p, err := compile.Setup(verb, config, facts, paths)
	if err != nil && config != nil {
		config.Relocate(paths.Conf, e.Paths.Conf)
		_, err = compile.Setup(verb, config, facts, e.Paths)
	}
	return p, err
}

// planError is a configuration that makes no plan on the host of the facts:
// unlike one that cannot be read, it may make one tomorrow.
type planError struct{ error }

func (e planError) Unwrap() error { return e.error }

// facts reads the facts of --facts, or gathers the facts of this host.
func (c *setupCmd) facts(e *env) (plan.Facts, error) {
	if c.Facts == "" {
		return host.Gather(e.Paths)
	}
	file, err := os.Open(c.Facts)
	if err != nil {
		return plan.Facts{}, fmt.Errorf("failed to read facts: %w", err)
	}
	defer file.Close()
	facts, err := host.Read(file)
	if err != nil {
		return plan.Facts{}, fmt.Errorf("failed to read facts from %s: %w", c.Facts, err)
	}
	return facts, nil
}
