// Package daemon is the process that is KLIPS: the engine behind its sockets, with
// the privileges that it needs and no others.
package daemon

import (
	"context"
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"ipsec/conf"
	"ipsec/klips"
	"ipsec/klips/engine"
	"ipsec/klips/linux"
	"ipsec/klips/netfilter/nftables"
	"ipsec/klips/offload"
	"ipsec/klips/process"
	"ipsec/klips/process/confine"
	"ipsec/klips/server"
	"ipsec/klips/wire/ike"
	"ipsec/klips/wire/xdp"
)

// Options are what KLIPS is started with.
type Options struct {
	Paths    conf.Paths
	Settings klips.Settings
	Without  offload.Set // the ways of handing packets over that are not used
	Queues   int         // of each interface, as far as the kernel lets it; 0: by itself

	Lock  *process.Lock // on the pid file; KLIPS ends when the file is another one's
	Ready func() error  // called once, when KLIPS answers
	Log   func(string)
}

// Run is KLIPS until ctx ends. Its virtual interfaces stay behind, so that what is
// routed into them drops. It sets what the process as a whole has: the collector
// of garbage, the threads of Go, and the privileges, which it gives up for good.
func Run(ctx context.Context, o Options) error {
	debug.SetGCPercent(50) // packets make no garbage, and ten thousand tunnels shall take little
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
	system := linux.System{Without: o.Without, Queues: o.Queues}
	if o.Without&offload.XDP == 0 { // before the privilege for it is given up
		system.XDP, system.NoXDP = xdp.Load()
	}
	socket, err := ike.Listen(ctx, o.Paths.KlipsIKE(), o.Log)
	if err != nil {
		return err
	}
	rules := nftables.Open()
	system.Rules = rules.Ruleset
	core := engine.New(engine.Options{Settings: o.Settings, System: system, IKE: socket.Deliver, Log: o.Log})
	defer core.Close()

	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 3)
	for _, part := range []func() error{
		func() error { return socket.Run(ctx, core.SendIKE) },
		func() error { return o.Lock.Watch(ctx, time.Second) },
		func() error { return rules.Run(ctx, core.Refresh) },
	} {
		go func() {
			defer cancel() // none goes on without the others
			ended <- part()
		}()
	}
	err = server.Run(ctx, server.Config{
		Socket: o.Paths.KlipsCtl(),
		Table:  core,
		Events: core.Events(),
		Log:    o.Log,
		Debug:  func(line string) { core.Debug(klips.TopicPFKey, "pfkey: "+line) },
		Ready: func() error {
			if err := confine.Keep(confine.Klips); err != nil {
				return err
			}
			if err := confine.ReadOnly(writes(o.Paths)...); err != nil {
				return err
			}
			return o.Ready()
		},
	})
	cancel()
	err = errors.Join(err, <-ended, <-ended, <-ended)
	if errors.Is(err, process.ErrReplaced) {
		o.Log("KLIPS ends: " + err.Error())
	}
	return err
}

// writes are the files that KLIPS changes once it runs: those of its virtual
// interfaces, /dev/null when it goes into the background, and at its end its pid file and
// its sockets, which it takes away.
func writes(p conf.Paths) []confine.Writable {
	return []confine.Writable{{Path: "/dev/net/tun"}, {Path: "/proc/sys/net"}, {Path: os.DevNull}, {Path: p.Run, Remove: true}}
}
