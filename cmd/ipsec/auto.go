package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"ipsec/exec"
	"ipsec/exec/host"
	"ipsec/exec/native"
	"ipsec/exec/shell"
	"ipsec/logger"
	"ipsec/plan"
	"ipsec/plan/compile"
)

// autoCmd is ipsec auto, ipsec_auto(8).
type autoCmd struct {
	Show         bool     `xor:"show" help:"Print each step as shell as it is run."`
	Showonly     bool     `xor:"show" help:"Print the plan as a shell script and change nothing."`
	Asynchronous bool     `help:"Do not wait for the outcome of --up and --down."`
	Config       string   `placeholder:"FILE" help:"Read FILE in place of ipsec.conf."`
	Actions      autoActs `embed:""`
	Names        []string `arg:"" optional:"" sep:"none" name:"conn" complete:"conn" help:"Connections."`
}

// autoActs are the actions of compile.AutoActions.
type autoActs struct {
	Add     bool `help:"Load connections of ipsec.conf."`
	Delete  bool `help:"Forget them, and take down what is up of them."`
	Replace bool `help:"Load them in place of those of the same names."`
	Up      bool `help:"Negotiate them, and wait until they are up or have failed."`
	Down    bool `help:"Take them down."`
	Route   bool `help:"Route them, so that their first packet brings them up."`
	Unroute bool `help:"Take their routes back."`

	Ready           bool `help:"Have Pluto listen, on the addresses of now."`
	Status          bool `help:"Report on everything."`
	Rereadsecrets   bool `help:"Have ipsec.secrets read again."`
	Rereadcacerts   bool `help:"Have certificates of authorities read again."`
	Rereadaacerts   bool `help:"Have certificates of attribute authorities read again."`
	Rereadocspcerts bool `help:"Have certificates of OCSP servers read again."`
	Rereadacerts    bool `help:"Have attribute certificates read again."`
	Rereadcrls      bool `help:"Have revocation lists read again."`
	Rereadall       bool `help:"Have all of these read again."`
	Listpubkeys     bool `help:"List public keys."`
	Listcerts       bool `help:"List certificates of ends."`
	Listcacerts     bool `help:"List certificates of authorities."`
	Listacerts      bool `help:"List attribute certificates."`
	Listaacerts     bool `help:"List certificates of attribute authorities."`
	Listocspcerts   bool `help:"List certificates of OCSP servers."`
	Listgroups      bool `help:"List groups."`
	Listcrls        bool `help:"List revocation lists."`
	Listocsp        bool `help:"List answers of OCSP servers."`
	Listpsks        bool `help:"List who has shared secrets, without the secrets."`
	Listall         bool `help:"List all of these."`
}

// action returns which of the actions was given.
func (c *autoCmd) action() (string, error) {
	var given []string
	acts := reflect.ValueOf(c.Actions)
	for i := range acts.NumField() {
		if acts.Field(i).Bool() {
			given = append(given, strings.ToLower(acts.Type().Field(i).Name))
		}
	}
	named, _ := compile.AutoActions()
	switch {
	case len(given) == 0:
		return "", usageError("expected --add, --up, --down, --status or another action")
	case len(given) > 1:
		return "", usageError(fmt.Sprintf("--%s does not go with --%s", given[1], given[0]))
	case len(c.Names) == 0 && slices.Contains(named, given[0]):
		return "", usageError("--" + given[0] + " needs the name of a connection")
	case len(c.Names) > 0 && !slices.Contains(named, given[0]):
		return "", usageError("--" + given[0] + " takes no connection, found " + c.Names[0])
	case c.Asynchronous && given[0] != "up" && given[0] != "down":
		return "", usageError("--asynchronous goes with --up or --down")
	}
	return given[0], nil
}

// Run compiles the plan, and prints or runs it.
func (c *autoCmd) Run(e *env) error {
	action, err := c.action()
	if err != nil {
		return err
	}
	e.setConfig(c.Config)
	p, err := c.compile(e, action)
	if err != nil {
		return err
	}
	p.Writer = programVersion()
	if c.Showonly {
		return shell.Script(e.Stdout, p)
	}
	log := logger.New(logger.Options{Stdout: e.Stdout, Warn: e.Stderr})
	defer log.Close()
	runner := e.runner(native.Env{Log: log, Replies: e.where(c.Config)}, e.shown(c.Show, tracePrefix, nil))
	defer runner.close()
	backend := asking{Backend: runner.executor, stderr: e.Stderr, refused: new(native.Refused)}
	status := runner.run(p, backend)
	if status != 0 && backend.refused.Status != 0 {
		status = backend.refused.Status
	}
	return exited(status)
}

// compile returns the plan. Only --add and --replace read the configuration.
func (c *autoCmd) compile(e *env, action string) (plan.Plan, error) {
	a := compile.Automatic{Action: action, Names: c.Names, Asynchronous: c.Asynchronous}
	if action != "add" && action != "replace" {
		return compile.Auto(a, nil, plan.Facts{}, e.Paths)
	}
	config, err := e.loadConns(c.Names)
	if err != nil {
		return plan.Plan{}, err
	}
	e.warn(config)
	facts, err := host.Gather(e.Paths)
	if err != nil {
		return plan.Plan{}, err
	}
	return compile.Auto(a, config, facts, e.Paths)
}

// asking decorates a Backend so that the command exits as whack would, and does
// not say again what Pluto has said itself, in the lines that were printed.
type asking struct {
	exec.Backend
	stderr  io.Writer
	refused *native.Refused // what Pluto has refused last
}

// Do performs an op, and notes what Pluto refuses.
func (a asking) Do(ctx context.Context, op plan.Op) error {
	err := a.Backend.Do(ctx, op)
	errors.As(err, a.refused)
	return err
}

// Say says how a step failed, where Pluto has not.
func (a asking) Say(text string) {
	if a.refused.Status == 0 {
		fmt.Fprintln(a.stderr, "ipsec auto: "+text)
	}
}
