package observe

import (
	"net/netip"

	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/pluto"
)

// kernel decorates a pluto.Kernel. What only reads passes by.
type kernel struct {
	pluto.Kernel
	*Observer
}

// Kernel watches what is changed in the tables of the data plane.
func (o *Observer) Kernel(next pluto.Kernel) pluto.Kernel { return kernel{next, o} }

// GetSPI implements pluto.Kernel.
func (k kernel) GetSPI(proto said.Proto, src, dst netip.Addr, low, high uint32) (uint32, error) {
	spi, err := k.Kernel.GetSPI(proto, src, dst, low, high)
	k.debug.Sayf(tables, "| reserve an SPI of %v from %v to %v: 0x%x, %s", proto, src, dst, spi, outcome(err))
	return spi, err
}

// Install implements pluto.Kernel.
func (k kernel) Install(bundles ...klips.Bundle) ([][]said.SAID, error) {
	ids, err := k.Kernel.Install(bundles...)
	if k.debug.On(tables) {
		for _, b := range bundles {
			k.debug.Sayf(tables, "| install %v: %s", b.ID(), outcome(err))
		}
	}
	return ids, err
}

// UpdateSA implements pluto.Kernel.
func (k kernel) UpdateSA(sa klips.SA) error {
	err := k.Kernel.UpdateSA(sa)
	k.debug.Sayf(tables, "| update %v: %s", sa.ID, outcome(err))
	return err
}

// DelSA implements pluto.Kernel.
func (k kernel) DelSA(id said.SAID) error {
	err := k.Kernel.DelSA(id)
	k.debug.Sayf(tables, "| delete %v: %s", id, outcome(err))
	return err
}

// ReplaceEroute implements pluto.Kernel.
func (k kernel) ReplaceEroute(e klips.Eroute) error {
	err := k.Kernel.ReplaceEroute(e)
	k.debug.Sayf(tables, "| eroute %v -> %v => %v: %s", e.Src, e.Dst, e.SAID, outcome(err))
	return err
}

// DelEroute implements pluto.Kernel.
func (k kernel) DelEroute(s klips.Selector) error {
	err := k.Kernel.DelEroute(s)
	k.debug.Sayf(tables, "| delete eroute %v -> %v: %s", s.Src, s.Dst, outcome(err))
	return err
}
