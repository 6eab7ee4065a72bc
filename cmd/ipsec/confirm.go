package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"

	"ipsec/conf"
	"ipsec/exec/confirm"
	"ipsec/exec/diff"
	"ipsec/klips/process"
	"ipsec/logger"
	"ipsec/plan"
	"ipsec/plan/compile"
)

// load reads the configuration for a verb. While ipsec.conf has changes that nobody has confirmed, a boot starts
// what was confirmed last, and so does who starts or restarts by hand; a reload takes ipsec.conf.
func (c *setupCmd) load(e *env, verb plan.Verb) (config *conf.Config, warnings []string, err error) {
	unconfirmed := confirm.Unconfirmed(e.Paths)
	switch verb {
	case plan.Confirm:
		return nil, nil, nil
	case plan.Revert:
		nothing, err := confirm.FromNothing(e.Paths)
		switch {
		case err != nil || nothing:
			return nil, nil, err
		case !unconfirmed:
			return nil, nil, errors.New("there is nothing to go back to: no change waits to be confirmed, and none has been taken back")
		}
		e.Paths.Conf = e.Paths.Confirmed()
	case plan.Start, plan.Restart, plan.TryRestart:
		if _, waits := confirm.Pending(e.Paths); unconfirmed && !waits && c.Config == "" {
			warnings = append(warnings, fmt.Sprintf(`warning: %s has changes that nobody has confirmed: what was confirmed last is taken, %s; run "ipsec setup confirm" or "ipsec setup reload" for %[1]s`,
				e.Paths.Conf, e.Paths.Confirmed()))
			e.Paths.Conf = e.Paths.Confirmed()
		}
	}
	config, more, err := load(e, verb)
	return config, append(warnings, more...), err
}

// refuseWaiting refuses a change while another waits to be confirmed. A reload that changes nothing may move the time
// until which that is to be.
func (c *setupCmd) refuseWaiting(e *env, verb plan.Verb, config *conf.Config) error {
	wait, waits := confirm.Pending(e.Paths)
	if !waits || verb == plan.Stop || verb == plan.Confirm || verb == plan.Revert {
		return nil
	}
	if c.Confirm > 0 && (verb == plan.Reload || verb == plan.ReloadDisruptive) {
		report, err := c.report(e, config)
		if err != nil || !report.Differs() {
			return err
		}
	}
	return fmt.Errorf(`%v: run "ipsec setup confirm" or "ipsec setup revert" first`, wait)
}

// report compares what runs with what a start with this configuration would leave.
func (c *setupCmd) report(e *env, config *conf.Config) (diff.Report, error) {
	facts, err := c.facts(e)
	if err != nil {
		return diff.Report{}, err
	}
	promise, there, err := compared(e, config, facts)
	if err != nil {
		return diff.Report{}, err
	}
	return diff.New(facts.Running.Setup, promise.Items, there), nil
}

// revert compiles the way back to what was confirmed last; without one, nothing ran.
func revert(e *env, config *conf.Config, facts plan.Facts) (plan.Plan, error) {
	if config == nil {
		return compile.RevertToNothing(facts, e.Paths), nil
	}
	promise, there, err := compared(e, config, facts)
	if err != nil {
		return plan.Plan{}, err
	}
	return promise.Revert(there)
}

// keepCmd is ipsec _keep: it keeps the configuration, without its keys.
type keepCmd struct {
	Path string `arg:"" name:"file" help:"The file."`
}

// Run writes the file.
func (c *keepCmd) Run(e *env) error { return e.do(plan.Keep{Path: c.Path}) }

// armCmd is ipsec _arm: it holds the way back to what runs.
type armCmd struct {
	Seconds int `arg:"" help:"How long a confirmation may take."`
}

// Run begins to hold it.
func (c *armCmd) Run(e *env) error {
	if c.Seconds < 1 {
		return usageError("expected a number of seconds")
	}
	return e.do(plan.Arm{Seconds: c.Seconds})
}

// disarmCmd is ipsec _disarm: it lets the way back go.
type disarmCmd struct {
	Login string `arg:"" enum:"new,any" help:"new: from a login that began after the change; any: from any login."`
}

// Run lets it go.
func (c *disarmCmd) Run(e *env) error { return e.do(plan.Disarm{Login: c.Login}) }

// gobackCmd is ipsec _goback: it has the way back taken.
type gobackCmd struct{}

// Run asks for it.
func (gobackCmd) Run(e *env) error { return e.do(plan.GoBack{}) }

// holdCmd is ipsec _hold: the process that waits for a confirmation, and its companion.
type holdCmd struct {
	Nofork    bool `help:"Stay in the foreground."`
	Companion bool `help:"Go back where the process at the other end of descriptor 3 dies."`
	Nothing   bool `help:"Nothing ran before the change."`
	Setup     int  `arg:"" help:"The process that makes the change."`
	Seconds   int  `arg:"" optional:"" help:"How long a confirmation may take."`
}

// Run starts the process, and returns when it holds the way back; with --nofork it is the process.
func (c *holdCmd) Run(e *env) error {
	if c.Companion || c.Nofork {
		signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGPIPE) // of a terminal that goes away
	}
	switch {
	case c.Companion:
		log := logger.New(logger.Options{})
		defer log.Close()
		return c.holder(e, log).Accompany(context.Background(), os.NewFile(3, "holder"))
	case c.Seconds < 1:
		return usageError("expected a number of seconds")
	case !c.Nofork:
		return e.background("the process that waits for a confirmation", c.words("--nofork", strconv.Itoa(c.Setup), strconv.Itoa(c.Seconds))...)
	}
	ctx, ready := process.Started(context.Background())
	log := logger.New(logger.Options{})
	defer log.Close()
	h := c.holder(e, log)
	h.Ready = ready
	return h.Hold(ctx, c.Seconds)
}

// words returns the command line of one of these processes.
func (c *holdCmd) words(more ...string) []string {
	words := append([]string{"_hold"}, more...)
	if c.Nothing {
		words = append(words, "--nothing")
	}
	return words
}

// holder joins what waits with this machine.
func (c *holdCmd) holder(e *env, log *logger.Logger) confirm.Holder {
	return confirm.Holder{
		Paths: e.Paths,
		Setup: c.Setup, Nothing: c.Nothing,
		Log: log.Only,
		Companion: func(socket *os.File, setup int) error {
			cmd := exec.Command(e.Self, c.words("--companion", strconv.Itoa(setup))...)
			cmd.Dir, cmd.ExtraFiles, cmd.SysProcAttr = "/", []*os.File{socket}, &syscall.SysProcAttr{Setsid: true}
			if err := cmd.Start(); err != nil {
				return err
			}
			go cmd.Wait() // which ends before we do, or takes over from us
			return nil
		},
		Back: func(ctx context.Context, started func(pid int)) error {
			cmd := exec.CommandContext(ctx, e.Self, "setup", "revert")
			cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Setsid: true}
			err := cmd.Start()
			if err == nil {
				started(cmd.Process.Pid)
				err = cmd.Wait()
			}
			if err != nil {
				return fmt.Errorf("failed to run ipsec setup revert: %w", err)
			}
			return nil
		},
	}
}
