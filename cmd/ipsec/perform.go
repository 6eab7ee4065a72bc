package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"ipsec/conf"
	"ipsec/conf/textfile"
	"ipsec/exec/native"
	"ipsec/exec/planjson"
	"ipsec/exec/shell"
	"ipsec/exec/single"
	"ipsec/logger"
	"ipsec/plan"
)

// showOnly prints the plan. It changes nothing and needs nothing.
func (c *setupCmd) showOnly(e *env, verb plan.Verb) error {
	config, warnings, err := c.load(e, verb)
	if err != nil {
		return err
	}
	for _, warning := range warnings {
		fmt.Fprintln(e.Stderr, warning)
	}
	p, facts, err := c.compile(e, verb, config)
	if err != nil {
		return err
	}
	for _, line := range c.refusals(e, verb, config, facts) {
		fmt.Fprintln(e.Stderr, line)
	}
	c.warnOfSSH(e, verb, config, facts)
	switch c.Format {
	case "sh":
		return shell.Script(e.Stdout, p)
	case "json":
		return planjson.Write(e.Stdout, p, facts)
	}
	return shell.Text(e.Stdout, p)
}

// perform runs the verb. Everything that it says goes to stdout and to syslog.
func (c *setupCmd) perform(e *env, verb plan.Verb) error {
	debug.SetGCPercent(400) // it is over before memory counts
	log := logger.New(logger.Options{Stdout: e.Stdout})
	defer log.Close()
	if os.Geteuid() != 0 {
		log.Say("permission denied (must be superuser)")
		return exitStatus(1)
	}
	config, warnings, err := c.load(e, verb)
	if err != nil {
		return sayError(log, err)
	}
	if config != nil {
		if priority, err := logger.ParsePriority(config.Setup.Syslog); err == nil {
			log = log.With(priority)
		}
	}
	for _, warning := range warnings {
		log.Say(warning)
	}
	runner := e.runner(native.Env{Log: log, Config: func() (*conf.Config, error) { return config, nil }}, e.shown(c.Show, shell.TextPrefix, log.Only))
	defer runner.close()
	turn, err := single.Take(runner.ctx, runner.executor, e.Paths)
	if err != nil {
		return sayError(log, err)
	}
	defer turn.Release()
	if err := c.refuseWaiting(e, verb, config); err != nil {
		return sayError(log, err)
	}
	p, facts, err := c.compile(e, verb, config)
	if err != nil {
		return sayError(log, err)
	}
	for _, line := range c.refusals(e, verb, config, facts) {
		log.Say(line)
	}
	c.warnOfSSH(e, verb, config, facts)
	if c.Plan != "" {
		if err := reviewed(c.Plan, p); err != nil {
			return sayError(log, err)
		}
	}
	return exited(runner.run(p, turn.Backend(facts.Running)))
}

// sayError says an error, and returns the status that it ends with.
func sayError(log *logger.Logger, err error) error {
	for _, line := range conf.Lines(err) {
		log.Say(line)
	}
	return failure(err)
}

// failure returns the exit status of an error: 2 for a configuration that
// cannot be read, 1 for all else.
func failure(err error) exitStatus {
	var files conf.Errors
	var unplanned planError
	if errors.As(err, &files) && !errors.As(err, &unplanned) {
		return 2
	}
	return 1
}

// reviewed refuses the plan of now where it is not the one of the file that was
// reviewed.
func reviewed(name string, now plan.Plan) error {
	text, _, err := textfile.Read(name, shell.MaxScript)
	if err != nil {
		return fmt.Errorf("failed to read the reviewed plan %s: %w", name, err)
	}
	return shell.Reviewed(name, string(text), now)
}
