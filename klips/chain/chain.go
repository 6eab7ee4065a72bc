// Package chain knows how the SAs that a packet goes through follow each other in
// KLIPS, and chains those of a klips.Bundle.
package chain

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"

	"ipsec/klips"
	"ipsec/klips/said"
)

// Order returns the protocols that SAs may have, in the order of a group, innermost
// first: tun, comp, esp, ah.
func Order() []said.Proto { return []said.Proto{said.IPIP, said.COMP, said.ESP, said.AH} }

// Place returns where SAs of a protocol stand in Order; -1 for other protocols.
func Place(p said.Proto) int { return slices.Index(Order(), p) }

// SAs returns what KLIPS makes of a bundle, innermost first. In tunnel mode tunnel
// is the SPI of the SA that puts packets into the tunnel.
func SAs(b klips.Bundle, tunnel uint32) []klips.SA {
	var list []klips.SA
	for _, proto := range Order() {
		sa := klips.SA{ID: said.SAID{Dst: b.Dst, Proto: proto}, Src: b.Src, Hard: b.Hard}
		switch {
		case proto == said.IPIP && b.Tunnel:
			sa.ID.SPI, sa.TunnelSrc, sa.TunnelDst = tunnel, b.Src, b.Dst
		case proto == said.COMP && b.CPI != 0:
			sa.ID.SPI, sa.Comp = uint32(b.CPI), "deflate"
		case proto == b.Proto:
			sa.ID.SPI = b.SPI
			sa.Enc, sa.EncKey, sa.Auth, sa.AuthKey = b.Enc, b.EncKey, b.Auth, b.AuthKey
			sa.ReplayWindow, sa.ESN = b.ReplayWindow, b.ESN
			if proto == said.ESP {
				sa.Encap = b.Encap
			}
		default:
			continue
		}
		list = append(list, sa)
	}
	if len(list) > 0 {
		list[0].Inflow = b.Inflow
	}
	return list
}

// A Table sets groups of SAs, all or none, as klips.Table does.
type Table interface {
	AddGroups(groups ...[]klips.SA) error
}

// Install sets the SAs of bundles in a table, all or none, and returns their names,
// innermost first, for each bundle. It draws the SPIs of tunnels from random.
func Install(t Table, random io.Reader, bundles ...klips.Bundle) (ids [][]said.SAID, err error) {
	for range 3 { // an SPI that it draws may be taken
		ids = nil
		var groups [][]klips.SA
		for _, b := range bundles {
			tunnel, err := draw(random)
			if err != nil {
				return nil, err
			}
			group := SAs(b, tunnel)
			var names []said.SAID
			for _, sa := range group {
				names = append(names, sa.ID)
			}
			groups, ids = append(groups, group), append(ids, names)
		}
		if err = t.AddGroups(groups...); !errors.Is(err, syscall.EEXIST) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return ids, nil
}

// draw returns an SPI that is not for manual keying.
func draw(random io.Reader) (uint32, error) {
	for {
		var b [4]byte
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return 0, fmt.Errorf("failed to draw an SPI: %w", err)
		}
		if spi := binary.BigEndian.Uint32(b[:]); spi >= klips.NegotiatedSPI {
			return spi, nil
		}
	}
}
