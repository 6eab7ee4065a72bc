package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"ipsec/conf"
	"ipsec/klips/process"
	"ipsec/logger"
	"ipsec/pluto/daemon"
	"ipsec/pluto/daemon/stack"
)

// plutoCmd is ipsec pluto, the daemon that negotiates keys.
type plutoCmd struct {
	Nofork bool `help:"Stay in the foreground."`
	Worker bool `hidden:"" help:"Be the worker of a supervisor, which is what starts it."`

	Ipsecdir    string `placeholder:"DIR" help:"The folder of certificates and keys (default: ipsec.d beside ipsec.conf)."`
	Secretsfile string `placeholder:"FILE" help:"ipsec.secrets(5)."`
	Ctlbase     string `placeholder:"BASE" help:"BASE.pid is the lock file, BASE.ctl the control socket."`
	UseKlips    bool   `xor:"stack" help:"KLIPS carries the packets (the default)."`
	UseNostack  bool   `xor:"stack" help:"Nothing carries packets: speak IKE alone."`

	Stderrlog string `placeholder:"FILE" help:"Log to this file, too."`
	Coredir   string `placeholder:"DIR" help:"The folder to be in."`
	Norestart bool   `help:"Do not go on after a crash (plutorestartoncrash=no)."`

	Uniqueids       bool   `help:"A new peer of an identity takes the place of the old one."`
	Nocrsend        bool   `help:"Do not ask peers for certificates."`
	Strictcrlpolicy string `enum:"no,yes,ifuri" default:"no" help:"Whether a certificate needs a CRL: no, yes, or ifuri."`
	NatTraversal    bool   `name:"nat_traversal" help:"Look for NAT, and put ESP in UDP where there is one."`
	VirtualPrivate  string `name:"virtual_private" placeholder:"NETS" help:"Networks that clients behind NAT may have."`
	KeepAlive       int    `name:"keep_alive" placeholder:"SECONDS" help:"Time between NAT keepalives."`
	ForceKeepalive  bool   `name:"force_keepalive" help:"Send NAT keepalives even when we are not behind NAT."`
	Myid            string `placeholder:"ID" help:"What %myid stands for."`

	DisablePortFloating bool   `name:"disable_port_floating" hidden:"" help:"Accepted; NAT needs port 4500."`
	Crlcheckinterval    int    `hidden:"" help:"Accepted; CRLs are read from files."`
	Ocspuri             string `hidden:"" help:"Accepted; OCSP is not asked."`
	Nhelpers            int    `hidden:"" default:"-1" help:"Accepted; there is one worker."`

	plutoDebug
}

// Run starts Pluto and returns when it is ready; with --nofork it is Pluto and
// returns at its end.
func (c *plutoCmd) Run(e *env, command *kong.Context) error {
	switch {
	case c.Worker:
		return c.work(e)
	case c.Nofork:
		return c.supervise(e, command.Args)
	}
	return e.background("Pluto", append(slices.Clone(command.Args), "--nofork")...)
}

// stack returns what is to carry packets.
func (c *plutoCmd) stack() stack.Open {
	if c.UseNostack {
		return stack.None
	}
	return stack.KLIPS
}

// options turns the command line into what the daemon wants.
func (c *plutoCmd) options(e *env) daemon.Options {
	o := daemon.Options{
		Paths: e.Paths, Dir: c.Ipsecdir, Secrets: c.Secretsfile, CtlBase: c.Ctlbase,
		Debug: c.words(), UniqueIDs: c.Uniqueids, NoCRSend: c.Nocrsend, StrictCRL: c.Strictcrlpolicy,
		NATTraversal: c.NatTraversal, VirtualPrivate: c.VirtualPrivate, KeepAlive: c.KeepAlive, ForceKeepAlive: c.ForceKeepalive, MyID: c.Myid,
	}
	for _, d := range []struct {
		value   *string
		usually string
	}{
		{&o.Dir, e.Paths.Dir()},
		{&o.Secrets, e.Paths.Secrets()},
		{&o.CtlBase, strings.TrimSuffix(e.Paths.PlutoCtl(), ".ctl")},
	} {
		if *d.value == "" {
			*d.value = d.usually
		}
		if abs, err := filepath.Abs(*d.value); err == nil {
			*d.value = abs
		}
	}
	return o
}

// supervise is the process that holds pluto.pid.
func (c *plutoCmd) supervise(e *env, args []string) error {
	o := c.options(e)
	lock, err := hold("Pluto", o.PIDFile())
	if err != nil {
		return err
	}
	defer lock.Release()
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, ready := process.Started(ctx)
	log, closeLog, err := c.log(e)
	if err != nil {
		return err
	}
	defer closeLog()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if err := lock.Watch(ctx, time.Second); err != nil {
			log.Say("Pluto ends: " + err.Error())
			cancel(err)
		}
	}()
	s := daemon.Supervisor{
		Socket: o.Control(), Program: e.Self, Args: append(slices.Clone(args), "--worker"), Stderr: os.Stderr,
		Restart: !c.Norestart, Ready: ready, Log: log.Say,
	}
	err = s.Run(ctx)
	cancel(nil)
	<-watched
	return err
}

// work is the process that speaks IKE.
func (c *plutoCmd) work(e *env) error {
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	log, closeLog, err := c.log(e)
	if err != nil {
		return err
	}
	defer closeLog()
	return daemon.Work(ctx, daemon.Worker{Options: c.options(e), Stack: c.stack(), Log: log.Say, LogOnly: log.Only, CoreDir: c.Coredir})
}

// log is where the lines of both processes go: syslog, and standard error until
// it is closed, or the file of --stderrlog.
func (c *plutoCmd) log(e *env) (*logger.Logger, func(), error) {
	options := logger.Options{Stdout: e.Stderr, Tag: "pluto", Again: time.Minute}
	if text := e.Getenv(conf.EnvSyslog); text != "" {
		priority, err := logger.ParsePriority(text)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", conf.EnvSyslog, err)
		}
		options.Priority = priority
	}
	done := func() {}
	if c.Stderrlog != "" {
		f, err := os.OpenFile(c.Stderrlog, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return nil, nil, fmt.Errorf("failed to open the log of --stderrlog: %w", err)
		}
		options.Stdout = f
		done = func() { f.Close() }
	}
	log := logger.New(options)
	return log, func() { log.Close(); done() }, nil
}
