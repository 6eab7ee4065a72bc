package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"ipsec/conf"
	"ipsec/klips"
	"ipsec/klips/engine"
	"ipsec/klips/offload"
	"ipsec/klips/process"
	"ipsec/klips/process/confine"
	"ipsec/klips/server"
	"ipsec/klips/wire/ike"
	"ipsec/klips/wire/xdp"
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
		linux := engine.Linux{Without: without, Queues: c.Queues}
		if without&offload.XDP == 0 { // now: KLIPS gives up the privilege for it
			linux.XDP, linux.NoXDP = xdp.Load()
		}
		return c.serve(e, settings, linux)
	}
	return e.background("KLIPS", c.arguments()...)
}

// settings checks the flags.
func (c *klipsCmd) settings() (klips.Settings, error) {
	s := klips.Settings{FragICMP: c.Fragicmp, HideTOS: c.Hidetos}
	for _, flag := range c.Debug {
		switch {
		case flag == "none":
		case flag == "all":
			s.Debug = append(s.Debug, allButVerbose()...)
		case slices.Contains(debugFlags(), flag):
			s.Debug = append(s.Debug, flag)
		default:
			return s, usageError(fmt.Sprintf("--debug=%s: expected all, none or some of %s", flag, strings.Join(debugFlags(), ", ")))
		}
	}
	return s, nil
}

// arguments are those of the daemon itself.
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

// serve is the daemon: the engine behind its socket, until a signal ends it.
// Its virtual interfaces stay behind, so that what is routed into them drops.
func (c *klipsCmd) serve(e *env, settings klips.Settings, system engine.System) error {
	debug.SetGCPercent(50) // packets make no garbage, and ten thousand tunnels shall take little
	lock, err := hold("KLIPS", e.Paths.KlipsPID())
	if err != nil {
		return err
	}
	defer lock.Release()

	// A goroutine carries all packets of a queue. With more threads than
	// those that are busy, Go's scheduler looks for work where there is none,
	// and takes from the kernel what it needs for the same packets: on two
	// processors that costs a fifth. On more, the kernel's share of the way of
	// a packet is as large as ours still: interrupts, and what is behind the gateway's
	// links. So half of them are ours, and each attachment has as many queues: a
	// second on two processors costs four flows an eighth.
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)/2))
	}
	signal.Ignore(syscall.SIGPIPE) // who reads our standard error may go away; packets go on
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, ready := process.Started(ctx)
	log := logger.New(logger.Options{Stdout: e.Stderr, Tag: "ipsec_klips", Again: time.Minute})
	defer log.Close()

	socket, err := ike.Listen(ctx, e.Paths.KlipsIKE(), log.Say)
	if err != nil {
		return err
	}
	core := engine.New(engine.Options{Settings: settings, System: system, IKE: socket.Deliver, Log: log.Say})
	defer core.Close()

	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 2)
	for _, part := range []func() error{
		func() error { return socket.Run(ctx, core.SendIKE) },
		func() error { return lock.Watch(ctx, time.Second) },
	} {
		go func() {
			defer cancel() // none goes on without the others
			ended <- part()
		}()
	}
	err = server.Run(ctx, server.Config{
		Socket: e.Paths.KlipsCtl(),
		Table:  core,
		Events: core.Events(),
		Log:    log.Say,
		Debug:  func(line string) { core.Debug("pfkey", line) },
		Ready: func() error {
			if err := confine.Keep(confine.Klips); err != nil {
				return err
			}
			if err := confine.ReadOnly(klipsWrites(e.Paths)...); err != nil {
				return err
			}
			return ready()
		},
	})
	cancel()
	err = errors.Join(err, <-ended, <-ended)
	if errors.Is(err, process.ErrReplaced) {
		log.Say("KLIPS ends: " + err.Error())
	}
	return err
}

// klipsWrites are the files that KLIPS changes once it runs: those of its virtual
// interfaces, /dev/null when it goes into the background, and at its end its pid file and
// its sockets, which it takes away.
func klipsWrites(p conf.Paths) []confine.Writable {
	return []confine.Writable{{Path: "/dev/net/tun"}, {Path: "/proc/sys/net"}, {Path: os.DevNull}, {Path: p.Run, Remove: true}}
}
