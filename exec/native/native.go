// Package native runs the ops of a plan as Go calls: links, addresses and
// routes by netlink, files and kernel settings directly, KLIPS by its socket. Only
// daemons, modprobe(8) and the words of ipsec.conf are child processes; what
// they print goes line by line to the log.
//
// Each method does what the shell form does that package plan gives in the comment
// of the op, and leaves the same files, links, routes and settings behind.
package native

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"ipsec/conf"
	"ipsec/conf/info"
	"ipsec/exec"
	"ipsec/klips"
	"ipsec/klips/client"
	"ipsec/klips/process"
	"ipsec/klips/route/rtnetlink"
	"ipsec/klips/tun"
	"ipsec/logger"
	"ipsec/plan"
	"ipsec/pluto/whack"
)

// Env is what an Executor works with. Only Paths is needed by every op.
type Env struct {
	Paths conf.Paths
	// Log gets what Log ops say and what child processes print; nil for ops of
	// neither kind.
	Log *logger.Logger
	// Config loads the configuration, for the ops that need a key. It is called
	// at most once, when the first of them runs; nil where there is none.
	Config func() (*conf.Config, error)
	// Setup is the number of the process that runs the plan; 0 for this one.
	Setup int
	// Self is the ipsec binary; empty for the one in Paths.Bin.
	Self string
	// Dial connects to KLIPS; nil for its socket in Paths.Run. A Table that
	// has a Close method is closed when the Executor is.
	Dial func() (klips.Table, error)
	// Replies gets the lines of Pluto's answers, a Write each; nil for syslog.
	Replies io.Writer
}

// Executor runs ops. It is for one goroutine, and each op works alone, so that
// a single word of a plan's script can be run by itself.
type Executor struct {
	env        Env
	config     func() (*conf.Config, error)
	settings   string // the folder of the kernel's network settings, with a slash
	lock       *os.File
	table      klips.Table
	routes     rtnetlink.Host
	pluto      whack.Session
	complained bool // about lines of ipsec.info
}

var (
	_ exec.Backend = (*Executor)(nil)
	_ exec.Ops     = (*Executor)(nil)
)

// New returns an Executor. It opens nothing, but sets the umask of the process
// to 022, as the head of a plan's script does.
func New(env Env) *Executor {
	unix.Umask(0o022)
	if env.Log == nil {
		env.Log = logger.New(logger.Options{})
	}
	if env.Setup == 0 {
		env.Setup = os.Getpid()
	}
	if env.Self == "" {
		env.Self = env.Paths.Bin + "/ipsec"
	}
	if env.Dial == nil {
		env.Dial = func() (klips.Table, error) { return client.Dial(env.Paths.KlipsCtl()) }
	}
	if env.Config == nil {
		env.Config = func() (*conf.Config, error) { return nil, nil }
	}
	return &Executor{env: env, config: sync.OnceValues(env.Config), settings: info.SettingsDir}
}

// Close releases the lock of Lock and closes the connections to KLIPS, Pluto and
// the kernel.
func (e *Executor) Close() error {
	e.hangUp()
	e.pluto.Close()
	e.routes.Close()
	if e.lock == nil {
		return nil
	}
	lock := e.lock
	e.lock = nil
	return lock.Close()
}

// Do performs an op.
func (e *Executor) Do(ctx context.Context, op plan.Op) error { return exec.Do(ctx, e, op) }

// Log is like 'ipsec _log TEXT'.
func (e *Executor) Log(_ context.Context, op plan.Log) error {
	log := e.env.Log
	if op.Priority != "" {
		priority, err := logger.ParsePriority(op.Priority)
		if err != nil {
			return err
		}
		log = log.With(priority)
	}
	if op.SyslogOnly {
		log.Only(op.Text)
	} else {
		log.Say(op.Text)
	}
	return nil
}

// Say says how a step failed.
func (e *Executor) Say(text string) { e.env.Log.Say(text) }

// Holds answers a condition. An error says that it could not be answered.
func (e *Executor) Holds(cond plan.Cond) (bool, error) {
	switch cond := cond.(type) {
	case plan.Exists: // like 'test -e PATH'
		_, err := os.Stat(cond.Path)
		return err == nil, nil
	case plan.Device: // like 'test -c PATH'
		info, err := os.Stat(cond.Path)
		return err == nil && info.Mode()&os.ModeCharDevice != 0, nil
	case plan.Alive: // like 'ipsec _alive PART…'
		for _, part := range cond.Parts {
			if alive, err := e.alive(part); alive || err != nil {
				return alive, err
			}
		}
		return false, nil
	case plan.HasSA: // like 'ipsec _has SAID…'
		return e.hasSA(cond.SAIDs)
	case plan.HasEroute: // like 'ipsec _has --eraf … --src A --dst B …'
		return e.hasEroute(cond.Flow)
	case plan.Not: // like '! COND'
		holds, err := e.Holds(cond.Cond)
		return !holds, err
	}
	return false, fmt.Errorf("unknown condition %T", cond)
}

func (e *Executor) alive(part plan.Part) (bool, error) {
	if part == plan.Interfaces {
		names, err := tun.Ours()
		return len(names) > 0, err
	}
	pidfile, err := e.pidfile(part)
	if err != nil {
		return false, err
	}
	_, alive, err := process.Alive(pidfile)
	return alive, err
}

func (e *Executor) pidfile(part plan.Part) (string, error) {
	switch part {
	case plan.Klips:
		return e.env.Paths.KlipsPID(), nil
	case plan.Pluto:
		return e.env.Paths.PlutoPID(), nil
	}
	return "", fmt.Errorf("unknown part %q: expected klips or pluto", part)
}
