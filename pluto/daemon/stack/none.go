package stack

import (
	"math/rand/v2"
	"net/netip"

	"golang.org/x/sys/unix"

	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/pluto"
	"ipsec/pluto/connection"
)

// None opens the stack of protostack=none: IKE is spoken, and nothing carries packets.
func None(Surroundings) (*Stack, error) {
	return &Stack{Kernel: none{}, Updown: none{}, Everywhere: true}, nil
}

// none takes everything and keeps nothing. It is the updown, too, since there is no
// interface that packets could be led into.
type none struct{}

// GetSPI draws one.
func (none) GetSPI(_ said.Proto, _, _ netip.Addr, low, high uint32) (uint32, error) {
	return low + rand.Uint32N(high-low+1), nil
}

// Install names the SAs that encrypt or authenticate.
func (none) Install(bundles ...klips.Bundle) (ids [][]said.SAID, err error) {
	for _, b := range bundles {
		ids = append(ids, []said.SAID{b.ID()})
	}
	return ids, nil
}

// Do does nothing.
func (none) Do(connection.Verb, *pluto.Connection, klips.Selector, string, connection.Others) error {
	return nil
}

func (none) UpdateSA(klips.SA) error                      { return nil }
func (none) DelSA(said.SAID) error                        { return nil }
func (none) GetSA(said.SAID) (klips.SA, error)            { return klips.SA{}, unix.ENOENT }
func (none) ListSAs() ([]klips.SA, error)                 { return nil, nil }
func (none) ReplaceEroute(klips.Eroute) error             { return nil }
func (none) DelEroute(klips.Selector) error               { return nil }
func (none) ListEroutes() ([]klips.Eroute, error)         { return nil, nil }
func (none) ListAttachments() ([]klips.Attachment, error) { return nil, nil }
