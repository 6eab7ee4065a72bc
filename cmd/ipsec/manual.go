package main

import (
	"os"

	"ipsec/conf"
	"ipsec/exec/host"
	"ipsec/exec/native"
	"ipsec/exec/shell"
	"ipsec/logger"
	"ipsec/plan/compile"
)

// manualCmd is ipsec manual, ipsec_manual(8).
type manualCmd struct {
	Show     bool     `xor:"show" help:"Print each step as shell as it is run."`
	Showonly bool     `xor:"show" help:"Print the plan as a shell script and change nothing."`
	Union    bool     `help:"The names are parts of one connection."`
	Other    bool     `help:"Plan as the host at the other end; with --showonly."`
	Config   string   `placeholder:"FILE" help:"Read FILE in place of ipsec.conf."`
	Up       bool     `help:"Bring the connections up, with their routes."`
	Down     bool     `help:"Take them down, but for their routes, so that their packets are dropped."`
	Route    bool     `help:"Set their routes alone."`
	Unroute  bool     `help:"Delete their routes."`
	Names    []string `arg:"" optional:"" sep:"none" name:"conn" complete:"conn" help:"Connections of ipsec.conf."`
}

// action returns which of --up, --down, --route and --unroute was given.
func (c *manualCmd) action() (compile.Action, error) {
	what, err := one(form{"--up", c.Up}, form{"--down", c.Down}, form{"--route", c.Route}, form{"--unroute", c.Unroute})
	switch {
	case err != nil:
		return "", err
	case what == "":
		return "", usageError("expected --up, --down, --route or --unroute")
	case len(c.Names) == 0:
		return "", usageError(what + " needs the name of a connection")
	case c.Other && !c.Showonly:
		return "", usageError("--other plans for another host, which only --showonly can do")
	}
	return map[string]compile.Action{"--up": compile.ManualUp, "--down": compile.ManualDown,
		"--route": compile.ManualRoute, "--unroute": compile.ManualUnroute}[what], nil
}

// Run compiles the plan, and prints or runs it.
func (c *manualCmd) Run(e *env) error {
	action, err := c.action()
	if err != nil {
		return err
	}
	e.setConfig(c.Config)
	log := logger.New(logger.Options{Stdout: e.Stdout, Warn: e.Stderr})
	defer log.Close()
	if !c.Showonly && os.Geteuid() != 0 {
		log.Say("permission denied (must be superuser)")
		return exitStatus(1)
	}
	config, names, err := c.load(e)
	if err != nil {
		return err
	}
	facts, err := host.Gather(e.Paths)
	if err != nil {
		return err
	}
	p, err := compile.Manual(action, names, c.Other, config, facts, e.Paths)
	if err != nil {
		return err
	}
	p.Writer = programVersion()
	if c.Showonly {
		return shell.Script(e.Stdout, p)
	}
	runner := e.runner(native.Env{Log: log, Config: func() (*conf.Config, error) { return config, nil }}, e.shown(c.Show, tracePrefix, nil))
	defer runner.close()
	return exited(runner.run(p, runner.executor))
}

// load reads the configuration, and returns the connections that are meant:
// with --union, one that is there for this alone.
func (c *manualCmd) load(e *env) (*conf.Config, []string, error) {
	config, err := e.loadConns(c.Names)
	if err != nil {
		return nil, nil, err
	}
	names := c.Names
	if c.Union && len(names) > 1 {
		if config, err = conf.LoadUnion(e.Paths, names); err != nil {
			return nil, nil, err
		}
		names = []string{conf.UnionName(names)}
	}
	e.warn(config)
	return config, names, nil
}
