package engine

import (
	"ipsec/klips/tun"
	"ipsec/klips/wire"
)

// Linux is the System of this host: TUN devices, and sockets.
type Linux struct{}

// OpenDevice is tun.Open.
func (Linux) OpenDevice(name string, mtu int) (Device, error) {
	d, err := tun.Open(name, mtu)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// OpenWire is wire.Open.
func (Linux) OpenWire(name string, hooks wire.Hooks) (Wire, error) {
	w, err := wire.Open(name, hooks)
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
