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

// follow takes the address that an authentic new request came from as the peer's, if
// it is behind a NAT and we are not, and the port that it came to as ours. A responder that
// has not proved yet who it is stays where we have called it.
func (m *Machine) follow(s *ikeSA, d pluto.Datagram) {
	if s.remote == d.Remote && s.local == d.Local {
		return
	}
	if s.state == initDone {
		// The initiator moves to port 4500 for IKE_AUTH, whether it found a NAT or not.
		s.local, s.remote = d.Local, d.Remote
		return
	}
	if s.state >= established && s.nat.There && !s.nat.Here {
		m.move(s, d.Local, d.Remote)
	}
}

// move gives an IKE SA and its Child SAs other addresses.
func (m *Machine) move(s *ikeSA, local, remote netip.AddrPort) {
	if s.remote != remote {
		m.limitedKnown(pluto.RCLog, s, "the peer's address is now %s, was %s", remote, s.remote)
	}
	s.local, s.remote = local, remote
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
	if c == nil || c.sa == nil || !c.sa.nat.There || c.sa.nat.Here || c.sa.remote == remote {
		return
	}
	m.move(c.sa, c.sa.local, remote)
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
