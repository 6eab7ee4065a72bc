package engine

import (
	"net/netip"

	"ipsec/klips/sadb"
	"ipsec/klips/said"
)

// calm is for how many sweeps a kind of traffic is still expected after its last SA
// was deleted: rekeying and restarting replace SAs.
const calm = 5

// An expecting is what the sweeper remembers of an attachment.
type expecting struct {
	is       Traffic // what the SAs say
	raw, udp int     // sweeps that it is still expected for
	told     Traffic
}

// An expectation is what the sweeper remembers of them all.
type expectation struct {
	of      map[*attachment]*expecting
	changes uint64 // of the SAs, when they were last gone through
	since   int    // and how many sweeps ago that was
}

// lookAgain is after how many sweeps the SAs are visited again that have not changed,
// since the addresses of an interface may have.
const lookAgain = 60

// expect tells each physical interface what ESP there will be, as far as the SAs
// in force say, where that has changed. It is for the sweeper alone, so that no
// number of changes in a row has an effect more often than it sweeps.
func (e *Engine) expect(x *expectation) {
	if e.expecters(x) {
		e.look(x)
	}
	for a, k := range x.of {
		k.raw, k.udp = max(k.raw-1, 0), max(k.udp-1, 0)
		if k.is.Raw {
			k.raw = calm
		}
		if k.is.UDP {
			k.udp = calm
		}
		if now := (Traffic{Raw: k.raw > 0, UDP: k.udp > 0}); now != k.told {
			k.told = now
			a.wire.(Expecter).Expect(now)
		}
	}
}

// expecters brings x up to date with the attachments, and reports whether the SAs
// are to be gone through.
func (e *Engine) expecters(x *expectation) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	x.since++
	look := x.changes != e.sas.Changes() || x.since >= lookAgain
	for a := range x.of {
		if e.attached[a.virtual] != a {
			delete(x.of, a)
		}
	}
	for _, a := range e.attached {
		if _, ok := a.wire.(Expecter); ok && x.of[a] == nil {
			x.of[a], look = &expecting{}, true
		}
	}
	if look {
		x.changes, x.since = e.sas.Changes(), 0
	}
	return look && len(x.of) > 0
}

// look goes through the SAs.
func (e *Engine) look(x *expectation) {
	for _, k := range x.of {
		k.is = Traffic{}
	}
	e.each(e.sas.All(), func(sa *sadb.SA) {
		if sa.Config.ID.Proto != said.ESP || sa.Larval {
			return
		}
		for a, k := range x.of {
			switch {
			case k.is.Raw && k.is.UDP, !a.touches(sa.Config.Src, sa.Config.ID.Dst):
			case sa.Config.Encap.On():
				k.is.UDP = true
			default:
				k.is.Raw = true
			}
		}
	})
}

// touches reports whether either end of an SA is an address of the physical interface.
func (a *attachment) touches(src, dst netip.Addr) bool { return a.wire.Owns(dst) || a.wire.Owns(src) }
