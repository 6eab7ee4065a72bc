package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"

	"ipsec/conf"
	"ipsec/exec"
	"ipsec/exec/native"
	"ipsec/exec/planjson"
	"ipsec/exec/shell"
	"ipsec/logger"
	"ipsec/plan"
)

// showOnly prints the plan. It changes nothing and needs nothing.
func (c *setupCmd) showOnly(e *env, verb plan.Verb) error {
	config, warnings, err := load(e, verb)
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
	switch c.Format {
	case "sh":
		return shell.Script(e.Stdout, p)
	case "json":
		return planjson.Write(e.Stdout, p, facts)
	}
	return shell.Text(e.Stdout, p)
}

// perform runs the verb. All that it has to say goes to stdout and to syslog.
func (c *setupCmd) perform(e *env, verb plan.Verb) error {
	debug.SetGCPercent(400) // it is over before memory counts
	log := logger.New(logger.Options{Stdout: e.Stdout})
	defer log.Close()
	if os.Geteuid() != 0 {
		log.Say("permission denied (must be superuser)")
		return exitStatus(1)
	}
	config, warnings, err := load(e, verb)
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
	runner := e.runner(native.Env{Log: log, Config: func() (*conf.Config, error) { return config, nil }}, c.Show, shell.TextPrefix)
	defer runner.close()
	// Another setup at work would change the facts between here and the plan's
	// own Lock, which keeps this one. Before the first start there is no folder.
	release := guardFolder(runner.ctx, e.Paths.Run)
	defer release()
	lockErr := runner.executor.Do(runner.ctx, plan.Lock{Dir: e.Paths.Run})
	if lockErr == nil {
		release()
	} else if !errors.Is(lockErr, fs.ErrNotExist) {
		return sayError(log, lockErr)
	}

	p, facts, err := c.compile(e, verb, config)
	if err != nil {
		return sayError(log, err)
	}
	if c.Plan != "" {
		if err := c.review(p); err != nil {
			return sayError(log, err)
		}
	}
	var backend exec.Backend = runner.executor
	if lockErr != nil {
		backend = unlocked{Backend: runner.executor, paths: e.Paths, running: facts.Running, release: release}
	}
	return exited(runner.run(p, backend))
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

// review reads the plan that was reviewed and refuses one that is not the plan
// of now. A plan reviewed on another machine was made with --facts, and so has
// the paths of this one.
func (c *setupCmd) review(now plan.Plan) error {
	text, err := os.ReadFile(c.Plan)
	if err != nil {
		return fmt.Errorf("failed to read the reviewed plan: %w", err)
	}
	reviewed, err := shell.Lift(c.Plan, string(text))
	if err != nil {
		return err
	}
	if reviewed.Verb != now.Verb {
		return fmt.Errorf("%s is a plan of %s, not of %s", c.Plan, reviewed.Verb, now.Verb)
	}
	if difference := shell.Compare(reviewed, now); difference != "" {
		return fmt.Errorf("%s is not what ipsec setup %s would do here and now:\n%s", c.Plan, now.Verb, difference)
	}
	return nil
}
