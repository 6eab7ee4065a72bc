package engine

import (
	"ipsec/klips/offload"
	"ipsec/klips/tun"
	"ipsec/klips/wire"
)

// Linux is the System of this host: TUN devices, and sockets.
type Linux struct {
	Without offload.Set // offloads that are not to be used
}

// OpenDevice is tun.Open.
func (l Linux) OpenDevice(name string, mtu int) (Device, error) {
	d, err := tun.Open(name, mtu, offload.All&^l.Without)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// OpenWire is wire.Open.
func (l Linux) OpenWire(name string, hooks wire.Hooks) (Wire, error) {
	w, err := wire.Open(name, hooks, offload.All&^l.Without)
	if err != nil {
		return nil, err
	}
	return linuxWire{w}, nil
}

type linuxWire struct{ *wire.Wire }

func (w linuxWire) Inlets() []Inlet {
	var inlets []Inlet
	for _, in := range w.Wire.Inlets() {
		inlets = append(inlets, in)
	}
	return inlets
}
