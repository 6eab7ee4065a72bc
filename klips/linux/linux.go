// Package linux is the engine's System on Linux: TUN devices for virtual
// interfaces, and sockets, or AF_XDP, on physical ones.
package linux

import (
	"runtime"

	"ipsec/klips"
	"ipsec/klips/engine"
	"ipsec/klips/netfilter"
	"ipsec/klips/offload"
	"ipsec/klips/tun"
	"ipsec/klips/wire"
	"ipsec/klips/wire/xdp"
)

// System opens the interfaces of this host.
type System struct {
	Without offload.Set               // offloads that are not to be used
	XDP     *xdp.Program              // for raw ESP; nil for none
	NoXDP   error                     // why there is none
	Rules   func() *netfilter.Ruleset // of netfilter, as they are; nil: nobody looks
	Queues  int                       // of each interface; 0 for as many as there are threads that carry packets
}

var (
	_ engine.System     = System{}
	_ engine.Describer  = System{}
	_ engine.Expecter   = physical{}
	_ engine.Overflower = physical{}
	_ engine.User       = physical{}
	_ engine.Sizer      = (*wire.ExpressInlet)(nil)
)

// mostQueues is how many queues an interface gets by itself. Each takes about a
// megabyte once it is used.
const mostQueues = 8

func (s System) queues() int {
	if s.Queues > 0 {
		return s.Queues
	}
	return min(runtime.GOMAXPROCS(0), mostQueues)
}

// OpenDevice opens a TUN device, see tun.Open.
func (s System) OpenDevice(name string, mtu int) (engine.Device, error) {
	d, err := tun.Open(name, mtu, offload.All&^s.Without, s.queues())
	if err != nil {
		return nil, err
	}
	return virtual{d}, nil
}

// OpenWire opens sockets on a physical interface, see wire.Open.
func (s System) OpenWire(at klips.Attachment, hooks engine.Hooks) (engine.Wire, error) {
	w, err := wire.Open(at.Physical, wire.Hooks(hooks), wire.Options{
		Want: offload.All &^ s.Without, Queues: s.queues(), XDP: s.XDP, NoXDP: s.NoXDP, Use: at.XDP, Rules: s.Rules,
	})
	if err != nil {
		return nil, err
	}
	return physical{w}, nil
}

// Describe implements engine.Describer.
func (s System) Describe(d engine.Device, w engine.Wire) (ways, watcher string) {
	p := w.(physical)
	return offload.Describe(d.(virtual).Offloads()|p.Offloads(), s.Without, p.Why()) + "; " + p.RawESP(), p.Watcher()
}

type virtual struct{ *tun.Device }

func (d virtual) Queues() []engine.Queue {
	var queues []engine.Queue
	for _, q := range d.Device.Queues() {
		queues = append(queues, q)
	}
	return queues
}

type physical struct{ *wire.Wire }

func (p physical) Inlets() []engine.Inlet {
	var inlets []engine.Inlet
	for _, in := range p.Wire.Inlets() {
		inlets = append(inlets, in)
	}
	for _, in := range p.Wire.ExpressInlets() {
		inlets = append(inlets, in)
	}
	return inlets
}

// Expect implements engine.Expecter.
func (p physical) Expect(t engine.Traffic) { p.Wire.Expect(wire.Traffic(t)) }
