package daemon

import (
	"math/rand/v2"
	"net/netip"

	"golang.org/x/sys/unix"

	"ipsec/klips"
	"ipsec/klips/said"
	"ipsec/pluto"
	"ipsec/pluto/connection"
)

// noStack is the kernel of protostack=none: IKE is spoken, and nothing carries
// packets. It takes everything and keeps nothing. It is the updown, too, since there
// is no interface that packets could be led into.
type noStack struct{}

func newNoStack() noStack { return noStack{} }

// GetSPI draws one.
func (noStack) GetSPI(_ said.Proto, _, _ netip.Addr, low, high uint32) (uint32, error) {
	return low + rand.Uint32N(high-low+1), nil
}

// Install names the SAs that encrypt or authenticate.
func (noStack) Install(bundles ...klips.Bundle) (ids [][]said.SAID, err error) {
	for _, b := range bundles {
		ids = append(ids, []said.SAID{b.ID()})
	}
	return ids, nil
}

// Do does nothing.
func (noStack) Do(connection.Verb, *pluto.Connection, klips.Selector, string, connection.Others) error {
	return nil
}

func (noStack) UpdateSA(klips.SA) error                      { return nil }
func (noStack) DelSA(said.SAID) error                        { return nil }
func (noStack) GetSA(said.SAID) (klips.SA, error)            { return klips.SA{}, unix.ENOENT }
func (noStack) ListSAs() ([]klips.SA, error)                 { return nil, nil }
func (noStack) ReplaceEroute(klips.Eroute) error             { return nil }
func (noStack) DelEroute(klips.Selector) error               { return nil }
func (noStack) ListEroutes() ([]klips.Eroute, error)         { return nil, nil }
func (noStack) ListAttachments() ([]klips.Attachment, error) { return nil, nil }
