package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"ipsec/klips"
	"ipsec/klips/daemon"
	"ipsec/klips/offload"
	"ipsec/klips/process"
	"ipsec/logger"
)

// klipsCmd is ipsec klips, the data plane.
type klipsCmd struct {
	Nofork   bool `help:"Stay in the foreground."`
	Fragicmp bool `help:"Answer packets that are too big with ICMP (fragicmp=yes)."`
	Hidetos  bool `help:"Hide the TOS of what is inside a tunnel (hidetos=yes)."`
	// For tests of the ways round them, for a kernel whose own are broken, and for
	// who wants netfilter or captures to see all packets.
	NoOffload []string `placeholder:"WAY" help:"Do without tso, uso, coalesce, segment, gro, packet, xdp, or all of them."`
	Queues    int      `hidden:"" help:"How many queues each interface has, as far as the kernel lets it; by itself as many as threads that carry packets."`
	Debug     []string `placeholder:"FLAG" help:"Flags of ipsec klipsdebug, or all or none."`
}

// Run starts KLIPS and returns when it is ready; with --nofork it is KLIPS and
// returns at its end.
func (c *klipsCmd) Run(e *env) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	without, err := offload.Parse(c.NoOffload)
	if err != nil {
		return usageError("--no-offload: " + err.Error())
	}
	if c.Nofork {
		return c.serve(e, daemon.Options{Paths: e.Paths, Settings: settings, Without: without, Queues: c.Queues})
	}
	return e.background("KLIPS", c.arguments()...)
}

// settings checks the flags.
func (c *klipsCmd) settings() (klips.Settings, error) {
	s := klips.Settings{FragICMP: c.Fragicmp, HideTOS: c.Hidetos}
	known := klips.Topics().Names
	for _, flag := range c.Debug {
		switch {
		case flag == "none":
		case flag == "all":
			s.Debug = append(s.Debug, allDebug()...)
		case slices.Contains(known, flag):
			s.Debug = append(s.Debug, flag)
		default:
			return s, usageError(fmt.Sprintf("--debug=%s: expected all, none or some of %s", flag, strings.Join(known, ", ")))
		}
	}
	return s, nil
}

// arguments returns the arguments of the daemon.
func (c *klipsCmd) arguments() []string {
	args := []string{"klips", "--nofork"}
	if c.Fragicmp {
		args = append(args, "--fragicmp")
	}
	if c.Hidetos {
		args = append(args, "--hidetos")
	}
	if len(c.NoOffload) > 0 {
		args = append(args, "--no-offload="+strings.Join(c.NoOffload, ","))
	}
	if c.Queues > 0 {
		args = append(args, fmt.Sprintf("--queues=%d", c.Queues))
	}
	if len(c.Debug) > 0 {
		args = append(args, "--debug="+strings.Join(c.Debug, ","))
	}
	return args
}

// serve is KLIPS, until a signal ends it.
func (c *klipsCmd) serve(e *env, o daemon.Options) error {
	lock, err := hold("KLIPS", e.Paths.KlipsPID())
	if err != nil {
		return err
	}
	defer lock.Release()
	signal.Ignore(syscall.SIGPIPE) // who reads our standard error may go away; packets go on
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, ready := process.Started(ctx)
	log := logger.New(logger.Options{Stdout: e.Stderr, Tag: "ipsec_klips", Again: time.Minute})
	defer log.Close()
	o.Lock, o.Ready, o.Log = lock, ready, log.Say
	return daemon.Run(ctx, o)
}
