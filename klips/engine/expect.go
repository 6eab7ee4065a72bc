package engine

import (
	"net/netip"

	"ipsec/klips/sadb"
	"ipsec/klips/said"
	"ipsec/klips/wire"
)

// calm is how many sweeps a kind of traffic is still expected after the last of
// its SAs went: rekeying replaces SAs, and starting again does.
const calm = 5

// An expectant is a Wire that has its own ways for raw ESP; wire.Wire is one.
type expectant interface{ Expect(wire.Traffic) }

// An expecting is what the sweeper remembers of an attachment.
type expecting struct {
	raw, udp int // sweeps that it is still expected for
	told     wire.Traffic
}

// expect tells each physical interface what ESP there will be, as far as the SAs
// in force say, where that has changed. It is for the sweeper alone, so that no
// number of changes in a row has an effect more often than it sweeps.
func (e *Engine) expect(known map[*attachment]*expecting) {
	seen := map[*attachment]*wire.Traffic{}
	e.mu.RLock()
	for _, a := range e.attached {
		if _, ok := a.wire.(expectant); ok {
			seen[a] = &wire.Traffic{}
		}
	}
	e.mu.RUnlock()
	if len(seen) == 0 {
		clear(known)
		return
	}
	e.each(e.sas.All(), func(sa *sadb.SA) {
		if sa.Config.ID.Proto != said.ESP || sa.Larval {
			return
		}
		for a, t := range seen {
			switch {
			case t.Raw && t.UDP, !a.touches(sa.Config.Src, sa.Config.ID.Dst):
			case sa.Config.Encap.On():
				t.UDP = true
			default:
				t.Raw = true
			}
		}
	})
	for a := range known {
		if seen[a] == nil {
			delete(known, a)
		}
	}
	for a, t := range seen {
		k := known[a]
		if k == nil {
			k = &expecting{}
			known[a] = k
		}
		k.raw, k.udp = max(k.raw-1, 0), max(k.udp-1, 0)
		if t.Raw {
			k.raw = calm
		}
		if t.UDP {
			k.udp = calm
		}
		if now := (wire.Traffic{Raw: k.raw > 0, UDP: k.udp > 0}); now != k.told {
			k.told = now
			a.wire.(expectant).Expect(now)
		}
	}
}

// touches reports whether either end of an SA is an address of the physical interface.
func (a *attachment) touches(src, dst netip.Addr) bool { return a.wire.Owns(dst) || a.wire.Owns(src) }
