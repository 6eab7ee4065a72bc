package ikev2

import (
	"bytes"
	"encoding/binary"

	"ipsec/pluto"
	"ipsec/pluto/ikev2/fault"
	"ipsec/pluto/ikev2/keys"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/ikev2/offer"
	"ipsec/pluto/suite"
)

// rekeyIKE replaces an IKE SA by CREATE_CHILD_SA (RFC 7296, sections 1.3.2 and 2.18).
type rekeyIKE struct {
	plain
	policy  offer.Policy
	group   uint16
	private suite.PrivateKey
	nonce   []byte
	made    *ikeSA    // what is to be, known by its SPI already
	rival   *rivalIKE // the peer does the same
	tries   int
}

// rivalIKE is the IKE SA that the peer has made in place of one that we are replacing, too.
type rivalIKE struct {
	made   *ikeSA
	nonces childNonces
}

func (*rekeyIKE) kind() message.ExchangeType { return message.CreateChildSA }

// underWay reports whether the request is on its way.
func (x *rekeyIKE) underWay(s *ikeSA) bool {
	return s.window.underWay != nil && s.window.underWay.exchange == exchange(x)
}

func (x *rekeyIKE) lost(m *Machine, s *ikeSA, _ *cause) { x.end(m, s) }

// end gives up what was to be.
func (x *rekeyIKE) end(m *Machine, s *ikeSA) {
	if s.rekeying == x {
		s.rekeying = nil
	}
	if x.made != nil {
		m.forget(x.made)
		x.made = nil
	}
}

// detach lets the request go on although s has ended here: the answer says whether there is
// another IKE SA to be deleted.
func (x *rekeyIKE) detach(m *Machine, s *ikeSA) {
	s.rekeying = nil
	if r := x.rival; r != nil {
		m.end(r.made, nil, pluto.DeletedHere, &deleteIKE{})
	}
}

// discard deletes the IKE SA that the peer has made in place of one that has ended.
func (x *rekeyIKE) discard(m *Machine, s *ikeSA, payloads []message.Payload) {
	failed := fault.First(message.All[*message.Notify](payloads)) != nil
	if !failed {
		_, err := x.accept(m, s, payloads)
		failed = err != nil
	}
	if failed {
		x.end(m, s)
		return
	}
	made := x.made
	made.nat, made.fragments = s.nat, s.fragments
	m.become(made, deleting)
	m.start(made, &deleteIKE{})
}

func (x *rekeyIKE) request(m *Machine, s *ikeSA) ([]message.Payload, bool) {
	if s.rekeying != x { // the peer has made s in place of the one that this was for
		return nil, false
	}
	policy, err := m.ikePolicy(s.conn)
	if err == nil {
		x.policy = policy.Rekeying()
		if x.group == 0 {
			x.group = groupFor(x.policy, s)
		}
		var g suite.Group
		if g, err = suite.FindGroup(x.group); err == nil {
			x.private, err = g.Generate(m.Rand)
		}
	}
	if err != nil {
		m.report(pluto.RCInternal, s.conn, s.serial, "failed to rekey the IKE SA: %v", err)
		x.end(m, s)
		return nil, false
	}
	x.nonce = m.nonce()
	x.made = m.newSA(true, s.local, s.remote)
	return []message.Payload{
		x.policy.Offer(x.made.spiI[:]),
		&message.Nonce{Data: x.nonce},
		&message.KE{Group: x.group, Data: x.private.Public()},
	}, true
}

func (x *rekeyIKE) answered(m *Machine, s *ikeSA, payloads []message.Payload) {
	if n := fault.First(message.All[*message.Notify](payloads)); n != nil {
		x.refused(m, s, n)
		return
	}
	nonces, err := x.accept(m, s, payloads)
	if err != nil {
		c := causef(pluto.RCFatal, "failed to rekey the IKE SA: %v", err)
		x.end(m, s)
		m.endWithDelete(s, c)
		return
	}
	made := x.made
	x.made, s.rekeying = nil, nil
	m.established(made, s)
	if r := x.rival; r != nil {
		if bytes.Compare(lowest(nonces), lowest(r.nonces)) < 0 {
			made.successor = r.made
			m.become(made, replaced)
			m.start(made, &deleteIKE{})
			m.superseded(s, r.made)
			return
		}
		r.made.rivalOf = nil
		if r.made.state == established {
			r.made.successor = made
			m.become(r.made, replaced)
			m.after(&r.made.alarm, atExpire, peerDeletes)
		}
	}
	m.handOver(s, made)
	m.start(s, &deleteIKE{})
	m.advance(made)
}

// rivalChosen is called for a request on s, which the peer has made in place of an IKE SA that we are
// replacing, too. But for the one that deletes s, it says that the peer has chosen s, maybe
// without knowing of our attempt, and will speak of the Child SAs there.
func (m *Machine) rivalChosen(s *ikeSA, payloads []message.Payload) {
	old := s.rivalOf
	if old == nil {
		return
	}
	for _, d := range message.All[*message.Delete](payloads) {
		if d.Protocol == message.ProtocolIKE {
			return
		}
	}
	s.rivalOf = nil
	x := old.rekeying
	if old.state != established || x == nil || x.rival == nil || x.rival.made != s || !x.underWay(old) {
		return
	}
	m.settled(old)
	x.end(m, old)
	m.superseded(old, s)
}

// superseded gives what s has to the IKE SA that the peer has made in its place, or to the one
// that has taken the place of that; if it has been deleted since, all is.
func (m *Machine) superseded(s, to *ikeSA) {
	to.rivalOf = nil
	for to.successor != nil {
		to = to.successor
	}
	if to.state != established {
		m.endedByPeer(s, causef(pluto.RCFatal, "the peer has deleted the IKE SA"))
		return
	}
	m.handOver(s, to)
	m.after(&s.alarm, atExpire, peerDeletes)
	m.advance(to)
}

// refused takes an error in place of a new IKE SA.
func (x *rekeyIKE) refused(m *Machine, s *ikeSA, n *message.Notify) {
	rival := x.rival
	m.forget(x.made)
	x.made = nil
	if rival != nil {
		s.rekeying = nil
		m.superseded(s, rival.made)
		return
	}
	x.tries++
	switch {
	case n.MessageType == message.InvalidKEPayload && len(n.Data) == 2 && x.tries < maxTries:
		group := binary.BigEndian.Uint16(n.Data)
		if group != x.group && offers(x.policy, group) {
			x.group = group
			m.start(s, x)
			return
		}
	case n.MessageType == message.TemporaryFailure && x.tries < maxTries:
		m.deferred(s, x)
		return
	}
	s.rekeying = nil
	c := refusedBy(message.CreateChildSA, n, s.conn)
	m.report(c.code, s.conn, s.serial, "failed to rekey the IKE SA: %s", c.text)
	m.after(&s.alarm, atRekey, m.jitter(rekeyAgain, 2*rekeyAgain))
}

func offers(p offer.Policy, group uint16) bool {
	for _, g := range p.Groups() {
		if g == group {
			return true
		}
	}
	return false
}

// accept makes the new IKE SA out of the peer's answer.
func (x *rekeyIKE) accept(m *Machine, s *ikeSA, payloads []message.Payload) (childNonces, error) {
	sa, ke, nonce := message.First[*message.SA](payloads), message.First[*message.KE](payloads), message.First[*message.Nonce](payloads)
	if sa == nil || ke == nil || nonce == nil {
		return childNonces{}, &message.SyntaxError{In: "response", Reason: "no SA, KE or Nonce"}
	}
	if ke.Group != x.group {
		return childNonces{}, &message.SyntaxError{In: "response", Reason: "KE of another group than ours"}
	}
	chosen, err := x.policy.Check(sa, ke.Group)
	if err != nil {
		return childNonces{}, err
	}
	shared, err := x.private.Shared(ke.Data)
	if err != nil {
		return childNonces{}, err
	}
	x.made.spiR = message.SPI(chosen.SPI)
	defer clear(shared)
	nonces := childNonces{ni: x.nonce, nr: nonce.Data, shared: shared}
	return nonces, m.rekeyed(x.made, s, chosen, nonces)
}

// rekeyed gives a new IKE SA the keys that follow from the old one's.
func (m *Machine) rekeyed(made, old *ikeSA, chosen offer.Chosen, n childNonces) (err error) {
	if made.suite, err = m.suite(chosen.IKE()); err != nil {
		return err
	}
	k := keys.Rekey(made.suite, keys.Exchange{Ni: n.ni, Nr: n.nr, Shared: n.shared,
		SPIi: made.spiI, SPIr: made.spiR}, old.suite.PRF, old.d)
	defer k.Clear()
	return m.setKeys(made, k)
}

// established enters an IKE SA that was made by rekeying old.
func (m *Machine) established(made, old *ikeSA) {
	m.inherit(made, old)
	m.become(made, established)
	m.startTimers(made)
	m.report(pluto.RCNewState+made.state.number(), made.conn, made.serial, "%s: rekeyed IKE SA #%d {%s}", made.state.name(), old.serial, made.suite)
}

// receiveRekeyIKE answers the peer's request to replace an IKE SA.
func (m *Machine) receiveRekeyIKE(s *ikeSA, h message.Header, hash uint64, payloads []message.Payload) {
	sa, nonce := message.First[*message.SA](payloads), message.First[*message.Nonce](payloads)
	ke := message.First[*message.KE](payloads)
	if ke == nil {
		m.decline(s, h, hash, refusal(message.InvalidSyntax, "request to rekey the IKE SA without KE"))
		return
	}
	if m.crowded(s, m.Limits.Alike-1) {
		m.answer(s, h, hash, refusal(message.NoAdditionalSAs, "").notification())
		return
	}
	if s.busy() || s.reauth.ending() || s.rekeying != nil && s.rekeying.rival != nil {
		m.answer(s, h, hash, refusal(message.TemporaryFailure, "").notification())
		return
	}
	policy, err := m.ikePolicy(s.conn)
	var chosen offer.Chosen
	if err == nil {
		chosen, err = policy.Rekeying().Choose(sa, ke.Group)
	}
	if err != nil {
		c := wrongGroup(err).look(s.conn, "ike")
		m.answer(s, h, hash, c.notification())
		if c.notify == message.NoProposalChosen {
			m.limitedKnown(c.code, s, "the peer's request to rekey the IKE SA was refused: %s", c.text)
		}
		return
	}
	public, shared, c := m.answerKE(chosen.Group, ke.Data)
	if c != nil {
		m.answer(s, h, hash, c.notification())
		return
	}
	made := m.newSA(false, s.local, s.remote)
	made.spiI = message.SPI(chosen.SPI)
	defer clear(shared)
	nonces := childNonces{ni: bytes.Clone(nonce.Data), nr: m.nonce(), shared: shared}
	if err := m.rekeyed(made, s, chosen, nonces); err != nil {
		m.forget(made)
		m.answer(s, h, hash, refusal(message.NoProposalChosen, "").notification())
		return
	}
	m.answer(s, h, hash, []message.Payload{chosen.Answer(made.spiR[:]), &message.Nonce{Data: nonces.nr}, &message.KE{Group: chosen.Group, Data: public}})
	m.established(made, s)
	if x := s.rekeying; x != nil && x.underWay(s) {
		x.rival, made.rivalOf = &rivalIKE{made, nonces}, s
		return
	}
	s.rekeying = nil
	m.handOver(s, made)
	m.after(&s.alarm, atExpire, peerDeletes)
	m.advance(made)
}
