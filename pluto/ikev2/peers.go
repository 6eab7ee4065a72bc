package ikev2

import (
	"slices"

	"ipsec/conf/identity"
	"ipsec/pluto"
)

// pair is who the two ends of an IKE SA have proved to be.
type pair struct{ local, remote identity.ID }

// addPair notes that an IKE SA is authenticated. It is noted until it is gone.
func (m *Machine) addPair(s *ikeSA) {
	p := pair{s.localID, s.remoteID}
	m.pairs[p] = append(m.pairs[p], s)
	s.since = m.now.UnixNano()
}

func (m *Machine) removePair(s *ikeSA) {
	p := pair{s.localID, s.remoteID}
	list := m.pairs[p]
	if i := slices.Index(list, s); i >= 0 {
		if list = slices.Delete(list, i, i+1); len(list) == 0 {
			delete(m.pairs, p)
		} else {
			m.pairs[p] = list
		}
	}
}

// crowded reports whether there are more IKE SAs between the ends of s than limit. Those that
// have ended, and are kept for a last answer alone, make room first.
func (m *Machine) crowded(s *ikeSA, limit int) bool {
	p := pair{s.localID, s.remoteID}
	for len(m.pairs[p]) > limit {
		i := slices.IndexFunc(m.pairs[p], func(o *ikeSA) bool { return o.state == deleting })
		if i < 0 {
			return true
		}
		m.drop(m.pairs[p][i], pluto.PeerDead, causef(pluto.RCFatal, "the IKE SA has ended"))
	}
	return false
}

// knows reports whether there is another IKE SA between local and the peer that
// is expected; if not, the peer is told, so that it forgets what we have forgotten (RFC
// 7296, section 2.4, INITIAL_CONTACT).
func (m *Machine) knows(s *ikeSA, local, expected identity.ID) bool {
	if expected.IsZero() {
		expected = identity.FromAddr(s.remote.Addr())
	}
	return slices.ContainsFunc(m.pairs[pair{local, expected}], func(o *ikeSA) bool { return o != s && o.state == established })
}

// replaceOlder takes away the older IKE SAs with the peer of s: all, if it says that it
// knows of none; with uniqueids=yes those where it was at another address.
//
// Who says INITIAL_CONTACT did not know, when it asked for IKE_AUTH, of an IKE SA that was
// there before the first message of this one came. One that has been made since
// is not meant: both ends may have called at once.
func (m *Machine) replaceOlder(s *ikeSA, contact bool) {
	if m.crowded(s, m.Limits.Alike) {
		list := m.pairs[pair{s.localID, s.remoteID}]
		m.report(pluto.RCLogSerious, s.conn, s.serial, "the peer has %d IKE SAs, at most %d are kept: the oldest is deleted", len(list), m.Limits.Alike)
		m.moveWaiting(list[0], s)
		m.end(list[0], nil, pluto.Expired, &deleteIKE{})
	}
	for _, o := range slices.Clone(m.pairs[pair{s.localID, s.remoteID}]) {
		switch {
		case o == s || o.state != established:
		case contact && o.since < s.made:
			m.report(pluto.RCLog, o.conn, o.serial, "the peer has begun anew (INITIAL_CONTACT); its IKE SA is replaced by #%d", s.serial)
			m.moveWaiting(o, s)
			m.drop(o, pluto.DeletedByPeer, causef(pluto.RCFatal, "the peer has begun anew"))
		case m.UniqueIDs && o.remote.Addr() != s.remote.Addr():
			m.report(pluto.RCLog, o.conn, o.serial, "the peer is at %s now (uniqueids=yes); its IKE SA is replaced by #%d", s.remote, s.serial)
			m.moveWaiting(o, s)
			m.end(o, nil, pluto.Expired, &deleteIKE{})
		}
	}
}
