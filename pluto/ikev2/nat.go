package ikev2

import (
	"net/netip"

	"ipsec/klips"
	"ipsec/pluto"
	"ipsec/pluto/natt"
)

// encap returns the UDP encapsulation of the Child SAs of s.
func (s *ikeSA) encap() klips.Encap {
	if !s.nat.Encapsulates() {
		return klips.Encap{}
	}
	return klips.Encap{SrcPort: s.local.Port(), DstPort: s.remote.Port()}
}

// float moves an IKE SA to port 4500 (RFC 7296, section 2.23). A peer on another port than
// 500 has been called there already.
func (s *ikeSA) float() {
	s.local = netip.AddrPortFrom(s.local.Addr(), natt.Port)
	if s.remote.Port() == natt.PortIKE {
		s.remote = netip.AddrPortFrom(s.remote.Addr(), natt.Port)
	}
}

// path is where the messages of an IKE SA come and go: an address and port of ours, and of the peer's.
type path struct{ local, remote netip.AddrPort }

func (s *ikeSA) path() path        { return path{s.local, s.remote} }
func pathOf(d pluto.Datagram) path { return path{d.Local, d.Remote} }

// A peer behind a NAT may come from another address or port than before, and then its IKE SA has to
// follow (RFC 7296, section 2.23). But somebody on the way can send a message or a packet of it on
// from an address of its own, once, and have us send there whatever comes next. So what comes from elsewhere
// only makes us ask there, as well as where the peer has been; and it is where the answer comes from,
// which can be but new, that the IKE SA goes.

// cameFrom takes where an authentic message came from that is newer than all before. A responder
// that has not proved yet who it is stays where we have called it.
func (m *Machine) cameFrom(s *ikeSA, p path, answers bool) {
	switch {
	case s.state == initDone:
		// The initiator moves to port 4500 for IKE_AUTH, whether it found a NAT or not. Without one it
		// is where it was.
		if s.nat.There || p.remote.Addr() == s.remote.Addr() {
			s.local, s.remote = p.local, p.remote
		}
	case p == s.path():
		s.elsewhere = path{}
	case !s.mayMove():
	case answers && p == s.elsewhere:
		s.elsewhere = path{}
		m.move(s, p)
	default:
		m.probe(s, p)
	}
}

// mayMove reports whether the peer may come to be elsewhere: it is behind a NAT, and we are not.
func (s *ikeSA) mayMove() bool { return s.state == established && s.nat.There && !s.nat.Here }

// probe asks the peer for a sign of life from where it seems to be now.
func (m *Machine) probe(s *ikeSA, p path) {
	if p == s.elsewhere {
		return
	}
	s.elsewhere = p
	if s.underWay == nil {
		m.ask(s, liveness{}) // which goes both ways
		return
	}
	m.sendBy(p, s.underWay.messages)
}

// move gives an IKE SA and its Child SAs other addresses.
func (m *Machine) move(s *ikeSA, p path) {
	if s.remote != p.remote {
		m.limitedKnown(pluto.RCLog, s, "the peer's address is now %s, was %s", p.remote, s.remote)
	}
	s.local, s.remote = p.local, p.remote
	for _, c := range s.children {
		m.moveChild(c)
	}
}

func (m *Machine) moveChild(c *child) {
	c.Local, c.Remote, c.Encap = c.sa.local.Addr(), c.sa.remote.Addr(), c.sa.encap()
	if err := m.Connections.Move(&c.Child); err != nil {
		m.report(pluto.RCInternal, c.Conn, c.serial, "failed to send to the new address of the peer: %v", err)
	}
}

// Moved implements pluto.Negotiator. The kernel sees data from the peer's
// new address before IKE does.
func (m *Machine) Moved(child *pluto.Child, remote netip.AddrPort) {
	m.enter()
	c := m.children[child]
	if c == nil || c.sa == nil || !c.sa.mayMove() {
		return
	}
	if c.sa.remote == remote { // it is back
		c.sa.elsewhere = path{}
		return
	}
	m.probe(c.sa, path{c.sa.local, remote})
}

// sentSomething puts the next keepalive off, where one is needed.
func (m *Machine) sentSomething(s *ikeSA) {
	kept := s.nat.Here || m.ForceKeepAlive && s.nat.There
	if kept && (s.state == established || s.state == authSent) {
		m.after(&s.alarm, atKeepalive, m.KeepAlive)
	}
}

func (m *Machine) sendKeepalive(s *ikeSA) {
	m.sendTo(pluto.Datagram{Local: s.local, Remote: s.remote, Payload: natt.Keepalive()})
	m.sentSomething(s)
}
