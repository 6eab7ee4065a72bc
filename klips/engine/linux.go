package engine

import (
	"runtime"

	"ipsec/klips/offload"
	"ipsec/klips/tun"
	"ipsec/klips/wire"
	"ipsec/klips/wire/xdp"
)

// Linux is the System of this host: TUN devices, and sockets.
type Linux struct {
	Without offload.Set  // offloads that are not to be used
	XDP     *xdp.Program // for raw ESP; nil for none
	NoXDP   error        // why there is none
	Queues  int          // of each interface; 0 for as many as there are threads that carry packets
}

// mostQueues is how many queues an interface gets by itself. Each takes about a
// megabyte once it is used.
const mostQueues = 8

func (l Linux) queues() int {
	if l.Queues > 0 {
		return l.Queues
	}
	return min(runtime.GOMAXPROCS(0), mostQueues)
}

// OpenDevice is tun.Open.
func (l Linux) OpenDevice(name string, mtu int) (Device, error) {
	d, err := tun.Open(name, mtu, offload.All&^l.Without, l.queues())
	if err != nil {
		return nil, err
	}
	return linuxDevice{d}, nil
}

// OpenWire is wire.Open.
func (l Linux) OpenWire(name string, hooks wire.Hooks) (Wire, error) {
	w, err := wire.Open(name, hooks, wire.Options{Want: offload.All &^ l.Without, Queues: l.queues(), XDP: l.XDP, NoXDP: l.NoXDP})
	if err != nil {
		return nil, err
	}
	return linuxWire{w}, nil
}

type linuxDevice struct{ *tun.Device }

func (d linuxDevice) Queues() []Queue {
	var queues []Queue
	for _, q := range d.Device.Queues() {
		queues = append(queues, q)
	}
	return queues
}

type linuxWire struct{ *wire.Wire }

func (w linuxWire) Inlets() []Inlet {
	var inlets []Inlet
	for _, in := range w.Wire.Inlets() {
		inlets = append(inlets, in)
	}
	for _, in := range w.Wire.ExpressInlets() {
		inlets = append(inlets, in)
	}
	return inlets
}
