package ikev2

import (
	"cmp"
	"slices"

	"ipsec/klips"
	"ipsec/pluto"
)

// Initiate implements pluto.Negotiator.
func (m *Machine) Initiate(conn *pluto.Connection, packet *klips.Selector) {
	m.enter()
	x := &createChild{conn: conn, packet: packet}
	if m.closed {
		return
	}
	if !conn.Remote.Host.Addr.IsValid() || conn.Remote.Host.Addr.IsUnspecified() {
		m.failed(conn, 0, causef(pluto.RCNoPeer, "cannot initiate: the address of the peer is not known").look(conn, "right"))
		return
	}
	s := m.shared(conn)
	switch {
	case s == nil:
		m.connect(conn, []*createChild{x})
	case m.asking(s, conn):
	case s.state == established:
		m.ask(s, x)
	default:
		s.handshake.waiting = append(s.handshake.waiting, x)
	}
}

// shared returns an IKE SA that a Child SA of conn may be made under, one that is established
// before one that is about to be; nil for none.
func (m *Machine) shared(conn *pluto.Connection) *ikeSA {
	var best *ikeSA
	for _, c := range append([]*pluto.Connection{conn}, m.Connections.Siblings(conn)...) {
		for _, s := range m.byConn[keyOf(c)] {
			switch {
			case s.state == established && !s.doomed && !s.reauth.ending():
				return s
			case (s.state == initSent || s.state == authSent) && !s.doomed && best == nil:
				best = s
			}
		}
	}
	return best
}

// asking reports whether a new Child SA for conn is being asked for on s.
func (m *Machine) asking(s *ikeSA, conn *pluto.Connection) bool {
	return slices.ContainsFunc(s.all(), func(x exchange) bool { return asksNew(x) && x.serves(conn) })
}

// all returns every exchange that is under way on s or waits there.
func (s *ikeSA) all() []exchange {
	all := append(s.tasks(), s.later...)
	if s.handshake != nil {
		for _, w := range s.handshake.waiting {
			all = append(all, w)
		}
	}
	return all
}

// RekeyIKE replaces the IKE SAs of a connection ahead of time.
func (m *Machine) RekeyIKE(conn *pluto.Connection) {
	m.enter()
	for _, s := range slices.Clone(m.byConn[keyOf(conn)]) {
		m.renew(s)
	}
}

// Terminate implements pluto.Negotiator.
func (m *Machine) Terminate(conn *pluto.Connection) {
	m.enter()
	for _, s := range m.sorted() {
		m.terminate(s, conn)
	}
}

func (m *Machine) terminate(s *ikeSA, conn *pluto.Connection) {
	ours := func(c *pluto.Connection) bool { return keyOf(c) == keyOf(conn) }
	touched := s.conn != nil && ours(s.conn)
	served := func(x exchange) bool { return x.serves(conn) }
	touched = touched || slices.ContainsFunc(s.all(), served) || slices.ContainsFunc(s.children, func(c *child) bool { return ours(c.Conn) })
	if !touched || s.state == deleting || s.state == gone {
		return
	}
	others := slices.ContainsFunc(s.all(), func(x exchange) bool { return x.child() != nil && !x.serves(conn) })
	others = others || slices.ContainsFunc(s.children, func(c *child) bool { return !ours(c.Conn) })
	if !others {
		m.endQuietly(s)
		return
	}
	s.queue = slices.DeleteFunc(s.queue, served)
	s.later = slices.DeleteFunc(s.later, served)
	if s.handshake != nil {
		s.handshake.waiting = slices.DeleteFunc(s.handshake.waiting, func(x *createChild) bool {
			x.cancelled = x.cancelled || x.serves(conn)
			return x.cancelled && !x.proposed
		})
	}
	if x := s.current(); x != nil && x.child() != nil && x.serves(conn) {
		x.child().cancelled = true
	}
	for _, c := range slices.Clone(s.children) {
		if ours(c.Conn) {
			m.deleteHere(c, pluto.DeletedHere)
		}
	}
	if ours(s.conn) {
		m.reassign(s, conn)
	}
}

// current returns the exchange under way, nil for none.
func (s *ikeSA) current() exchange {
	if s.window.underWay == nil {
		return nil
	}
	return s.window.underWay.exchange
}

// reassign gives an IKE SA that outlives its connection to another that uses it.
func (m *Machine) reassign(s *ikeSA, not *pluto.Connection) {
	for _, c := range s.children {
		if keyOf(c.Conn) != keyOf(not) {
			m.assign(s, c.Conn)
			return
		}
	}
	for _, x := range s.all() {
		if c := x.child(); c != nil && !c.serves(not) {
			m.assign(s, c.conn)
			return
		}
	}
}

// endQuietly ends an IKE SA that nobody wants any more, without calling it a failure.
func (m *Machine) endQuietly(s *ikeSA) {
	for _, x := range s.all() {
		if c := x.child(); c != nil {
			c.release(m, s)
			c.cancelled = true
		}
	}
	s.queue, s.later = nil, nil
	switch s.state {
	case initSent, initDone:
		// Nothing of it is known to be there.
		if s.handshake != nil {
			s.handshake.waiting = nil
		}
		m.forget(s)
	case authSent:
		// The peer is about to believe in it, or does.
		s.handshake.waiting = nil
		m.end(s, nil, pluto.DeletedHere, &deleteIKE{})
	default:
		m.end(s, nil, pluto.DeletedHere, &deleteIKE{})
	}
}

// sorted returns all IKE SAs in the order of their serial numbers.
func (m *Machine) sorted() []*ikeSA {
	list := make([]*ikeSA, 0, len(m.sas))
	for _, s := range m.sas {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *ikeSA) int { return cmp.Compare(a.serial, b.serial) })
	return list
}

// Shutdown implements pluto.Negotiator. Nothing is negotiated any more.
func (m *Machine) Shutdown() {
	m.enter()
	m.closed = true
	for _, s := range m.sorted() {
		switch s.state {
		case deleting:
			if x, ok := s.current().(*deleteAfter); ok {
				s.underWay = nil
				m.start(s, x.last) // nothing is waited for any more
			}
		case gone, replaced:
		default:
			m.endQuietly(s)
		}
	}
	var fading []*child
	for _, c := range m.children {
		fading = append(fading, c)
	}
	slices.SortFunc(fading, func(a, b *child) int { return cmp.Compare(a.serial, b.serial) })
	for _, c := range fading {
		m.removeChild(c, pluto.DeletedHere)
	}
}
