package klips

import (
	"net/netip"

	"ipsec/klips/said"
)

// NegotiatedSPI is the least SPI of SAs that are negotiated. Those below belong to
// manual keying, since FreeS/WAN.
const NegotiatedSPI = 0x1000

// A Bundle is what protects the packets of a connection in one direction, as IKE
// negotiates it (RFC 4301, section 4.4.2) and as a data plane installs it. How many
// SAs a data plane makes of it is its own matter: KLIPS chains up to three, see
// package chain.
type Bundle struct {
	Src, Dst netip.Addr // the two hosts, or gateways
	Tunnel   bool       // tunnel mode, else transport mode
	CPI      uint16     // of IPComp by deflate; 0 for none

	Proto        said.Proto // ESP or AH
	SPI          uint32
	Enc          string // of ESP, as in SA
	EncKey       []byte `json:"-"`
	Auth         string // as in SA
	AuthKey      []byte `json:"-"`
	ReplayWindow int    // as in SA
	ESN          bool
	Encap        Encap // of ESP

	Hard   Lifetime
	Inflow []Selector // as in SA
}

// ID returns the name of the SA that encrypts or authenticates.
func (b Bundle) ID() said.SAID { return said.SAID{Dst: b.Dst, SPI: b.SPI, Proto: b.Proto} }
