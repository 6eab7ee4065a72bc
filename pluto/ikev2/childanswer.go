package ikev2

import (
	"ipsec/klips/said"
	"ipsec/pluto"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/suite"
	"ipsec/pluto/traffic"
)

// answerChild makes the Child SA that the peer asks for, in IKE_AUTH (first) or
// CREATE_CHILD_SA, and returns what to answer; of old, when it replaces that one.
func (m *Machine) answerChild(s *ikeSA, payloads []message.Payload, nonces childNonces, old *child, first bool) (*child, []message.Payload, *cause) {
	sa, tsi, tsr := message.First[*message.SA](payloads), message.FindTS(payloads, true), message.FindTS(payloads, false)
	if sa == nil || tsi == nil || tsr == nil {
		return nil, nil, refusal(message.InvalidSyntax, "request for a Child SA without SA, TSi or TSr")
	}
	if n := m.childrenOf(s); n >= m.Limits.Children {
		return nil, nil, refusal(message.NoAdditionalSAs, "%d Child SAs with %s, which is the limit", n, s.remoteID)
	}
	ke, group := message.First[*message.KE](payloads), uint16(0)
	if ke != nil && !first {
		group = ke.Group
	}
	transport := message.FindNotify(payloads, message.UseTransportMode) != nil
	p, c := m.choosePlan(s, tsi.Selectors, tsr.Selectors, transport, old, func(p *plan) bool { return m.agree(s, p, sa, group, first) == nil })
	if c != nil {
		return nil, nil, c
	}
	if c := m.agree(s, &p, sa, group, first); c != nil {
		return nil, nil, c
	}
	p.nonces = nonces
	var public []byte
	if p.chosen.Group != 0 {
		if public, p.nonces.shared, c = m.answerKE(p.chosen.Group, ke.Data); c != nil {
			return nil, nil, c
		}
		defer clear(p.nonces.shared)
	}
	if c := m.reserve(s, &p, payloads); c != nil {
		return nil, nil, c
	}
	made, c := m.makeChild(s, p, old == nil)
	if c != nil {
		m.release(s, &p)
		return nil, nil, c
	}
	var answer []message.Payload
	if p.cpi != 0 {
		answer = append(answer, ipcompPayload(p.cpi))
	}
	if p.mode == pluto.TransportMode {
		answer = append(answer, &message.Notify{MessageType: message.UseTransportMode})
	}
	answer = append(answer, p.chosen.Answer(spiBytes(p.spi)))
	if !first {
		answer = append(answer, &message.Nonce{Data: nonces.nr})
	}
	if public != nil {
		answer = append(answer, &message.KE{Group: p.chosen.Group, Data: public})
	}
	theirs, ours := p.remote, p.local
	if p.mode == pluto.TransportMode {
		theirs, ours = traffic.Restore(theirs, tsi.Selectors), traffic.Restore(ours, tsr.Selectors)
	}
	return made, append(answer, &message.TS{Initiator: true, Selectors: theirs}, &message.TS{Selectors: ours}), nil
}

// choosePlan finds the connection whose traffic fits best what the peer asks for: exactly,
// else all of it, else the first with something in common; and of those that
// fit alike, the first that agrees on algorithms with the peer.
func (m *Machine) choosePlan(s *ikeSA, tsi, tsr []traffic.Selector, transport bool, old *child, agrees func(*plan) bool) (plan, *cause) {
	conns := append([]*pluto.Connection{s.conn}, m.Connections.Siblings(s.conn)...)
	if old != nil {
		conns = []*pluto.Connection{old.Conn}
	}
	var best plan
	rank := 0
	otherMode := false
	for _, conn := range conns {
		if conn.Shunt != pluto.ShuntNone || !conn.Versions.IKEv2 {
			continue
		}
		p := plan{conn: conn, old: old}
		theirs, ours := tsi, tsr
		if transport && conn.Mode == pluto.TransportMode {
			p.mode = pluto.TransportMode
			theirs, ours = traffic.Substitute(tsi, s.nat.There, s.remote.Addr()), traffic.Substitute(tsr, s.nat.Here, s.local.Addr())
		} else if conn.Mode == pluto.TransportMode {
			otherMode = true
			continue
		}
		p.local = traffic.Narrow(traffic.Of(&conn.Local, s.local.Addr()), ours)
		p.remote = traffic.Narrow(traffic.OfPeer(&conn.Remote, s.remote.Addr()), theirs)
		if len(p.local) == 0 || len(p.remote) == 0 || len(traffic.Flows(p.local, p.remote)) == 0 {
			continue
		}
		r := 1
		if traffic.Within(ours, p.local) && traffic.Within(theirs, p.remote) {
			r = 2
			if traffic.Within(traffic.Of(&conn.Local, s.local.Addr()), p.local) && traffic.Within(traffic.OfPeer(&conn.Remote, s.remote.Addr()), p.remote) {
				r = 3
			}
		}
		if r > rank || r == rank && !agrees(&best) && agrees(&p) {
			best, rank = p, r
		}
	}
	if rank == 0 {
		if otherMode {
			return plan{}, refusal(message.TSUnacceptable, "the peer asks for tunnel mode, but the conn has type=transport").look(s.conn, "type")
		}
		return plan{}, refusal(message.TSUnacceptable, "no acceptable traffic selector: the peer asks for %v === %v, we have %v === %v",
			traffic.Brief(tsr), traffic.Brief(tsi), traffic.Brief(traffic.Of(&conns[0].Local, s.local.Addr())), traffic.Brief(traffic.OfPeer(&conns[0].Remote, s.remote.Addr()))).
			look(conns[0], "leftsubnet", "rightsubnet")
	}
	if best.old == nil {
		best.conn = m.Connections.Instantiate(best.conn, s.remote, pluto.Peer{ID: s.remoteID, BehindNAT: s.nat.There})
	}
	return best, nil
}

// agree chooses the algorithms.
func (m *Machine) agree(s *ikeSA, p *plan, sa *message.SA, group uint16, first bool) *cause {
	policy, err := m.childPolicy(p.conn, s, first)
	if err == nil {
		p.chosen, err = policy.Choose(sa, group)
	}
	if err != nil {
		return wrongGroup(err).look(p.conn, suites(p.conn), "pfs")
	}
	return nil
}

// childrenOf returns how many Child SAs there are with the peer of s.
func (m *Machine) childrenOf(s *ikeSA) (n int) {
	for _, o := range m.peers[s.peer] {
		n += len(o.children)
	}
	return n
}

// answerKE does our half of a key exchange.
func (m *Machine) answerKE(group uint16, peer []byte) (public, shared []byte, c *cause) {
	g, err := suite.FindGroup(group)
	if err != nil {
		return nil, nil, refusal(message.NoProposalChosen, "%v", err)
	}
	private, err := g.Generate(m.Rand)
	if err == nil {
		shared, err = private.Shared(peer)
	}
	if err != nil {
		return nil, nil, refusal(message.InvalidSyntax, "%v", err)
	}
	return private.Public(), shared, nil
}

// reserve reserves our SPI, and a CPI where both want to compress.
func (m *Machine) reserve(s *ikeSA, p *plan, payloads []message.Payload) *cause {
	var err error
	if p.spi, err = m.Connections.ReserveSPI(protoOf(p.conn), s.remote.Addr(), s.local.Addr()); err != nil {
		return refusal(message.NoAdditionalSAs, "failed to reserve an SPI: %v", err)
	}
	if !p.conn.Compress {
		return nil
	}
	for _, n := range message.All[*message.Notify](payloads) {
		if n.MessageType != message.IPCOMPSupported {
			continue
		}
		peer, ok := deflateCPI(n)
		if !ok {
			continue
		}
		cpi, err := m.Connections.ReserveSPI(said.COMP, s.remote.Addr(), s.local.Addr())
		if err != nil {
			m.Connections.ReleaseSPI(protoOf(p.conn), s.local.Addr(), p.spi)
			return refusal(message.NoAdditionalSAs, "failed to reserve a CPI: %v", err)
		}
		p.cpi, p.peerCPI = uint16(cpi), peer
		return nil
	}
	return nil
}

func (m *Machine) release(s *ikeSA, p *plan) {
	m.Connections.ReleaseSPI(protoOf(p.conn), s.local.Addr(), p.spi)
	if p.cpi != 0 {
		m.Connections.ReleaseSPI(said.COMP, s.local.Addr(), uint32(p.cpi))
	}
}
