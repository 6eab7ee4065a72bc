package ikev2

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"slices"

	"ipsec/conf/identity"
	"ipsec/pluto"
)

// peer is who the ends of an IKE SA have proved to be, and how. An identity counts as it was proved:
// what stands between a peer and us is counted with, replaced by and ended for IKE SAs of the
// same peer alone, and that is one who has proved itself as the connection demands. What
// another connection lets pass for the same identity is another peer.
type peer struct {
	local, remote identity.ID
	demand        pluto.Demand
	pin           netip.Addr
	secret        [sha256.Size]byte // a digest of the shared key; zero for a signature
}

// peerOf returns who an end that says it is remote is to us, local, once it has proved that by
// method as conn demands.
func (m *Machine) peerOf(s *ikeSA, conn *pluto.Connection, local, remote identity.ID, method pluto.AuthMethod) peer {
	p := peer{local: local.Canonical(), remote: remote.Canonical(), demand: conn.Demand(), pin: conn.Pin()}
	if method == pluto.AuthPSK {
		if key, _, err := m.Credentials.Shared(m.caseOf(s, conn, local, remote)); err == nil {
			mac := hmac.New(sha256.New, m.digests[:])
			mac.Write(key)
			mac.Sum(p.secret[:0])
		}
	}
	return p
}

// addPeer notes that an IKE SA is authenticated. It is noted until it is gone.
func (m *Machine) addPeer(s *ikeSA, p peer) {
	s.peer = p
	m.peers[p] = append(m.peers[p], s)
	s.since = m.now.UnixNano()
}

func (m *Machine) removePeer(s *ikeSA) {
	list := m.peers[s.peer]
	if i := slices.Index(list, s); i >= 0 {
		if list = slices.Delete(list, i, i+1); len(list) == 0 {
			delete(m.peers, s.peer)
		} else {
			m.peers[s.peer] = list
		}
	}
}

// crowded reports whether there are more IKE SAs between the ends of s than limit. Those that
// have ended, and are kept for a last answer alone, make room first.
func (m *Machine) crowded(s *ikeSA, limit int) bool {
	for len(m.peers[s.peer]) > limit {
		i := slices.IndexFunc(m.peers[s.peer], func(o *ikeSA) bool { return o.state == deleting })
		if i < 0 {
			return true
		}
		m.drop(m.peers[s.peer][i], pluto.PeerDead, causef(pluto.RCFatal, "the IKE SA has ended"))
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
	there := func(method pluto.AuthMethod) bool {
		return slices.ContainsFunc(m.peers[m.peerOf(s, s.conn, local, expected, method)], func(o *ikeSA) bool { return o != s && o.state == established })
	}
	return there("") || there(pluto.AuthPSK)
}

// replaceOlder takes away the older IKE SAs with the peer of s: all, if it says that it
// knows of none; with uniqueids=yes those where it was at another address.
//
// Who says INITIAL_CONTACT did not know, when it asked for IKE_AUTH, of an IKE SA that was
// there before the first message of this one came. One that has been made since
// is not meant: both ends may have called at once.
func (m *Machine) replaceOlder(s *ikeSA, contact bool) {
	if m.crowded(s, m.Limits.Alike) {
		list := m.peers[s.peer]
		m.report(pluto.RCLogSerious, s.conn, s.serial, "the peer has %d IKE SAs, at most %d are kept: the oldest is deleted", len(list), m.Limits.Alike)
		m.moveWaiting(list[0], s)
		m.end(list[0], nil, pluto.Expired, &deleteIKE{})
	}
	for _, o := range slices.Clone(m.peers[s.peer]) {
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
