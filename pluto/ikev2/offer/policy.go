// Package offer stands between what ipsec.conf says of algorithms (conf/proposal)
// and the SA payload of IKEv2 (RFC 7296, sections 2.7 and 3.3): it makes offers,
// chooses from those of a peer, and checks what a peer has chosen from ours.
//
//	policy, err := offer.ForIKE(conn.IKE)
//	request := policy.Offer(nil)                    // initiator
//	chosen, err := policy.Choose(request, ke.Group) // responder
//	answer := chosen.Answer(nil)
//	chosen, err = policy.Check(answer, ke.Group)    // initiator
//
// Of the proposals of an initiator the first that we accept is taken, and in it
// the first algorithm of each kind: the order of preference is the initiator's,
// what is accepted at all is ours. A group for which the key exchange is there
// already goes before the others.
package offer

import (
	"fmt"
	"slices"

	"ipsec/conf/proposal"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/suite"
)

// A Policy is what an end offers and accepts for SAs of one kind. It does not
// change, and may be used concurrently.
type Policy struct {
	protocol message.Protocol
	ways     []way
	spiLen   int  // that a proposal of the peer must have; 0 for any that fits the protocol
	first    bool // in IKE_AUTH, where no group is spoken of
	text     string
}

// A way is one proposal of ours.
type way struct {
	offered  []message.Transform // in the order of their types, then of preference
	also     []message.Transform // accepted, too
	accepted []message.Transform // both
}

// ForIKE is the policy for a new IKE SA. An empty list is proposal.DefaultIKE.
func ForIKE(list proposal.List) (Policy, error) {
	if len(list.Proposals) == 0 {
		list = proposal.DefaultIKE()
	}
	b := builder{protocol: message.ProtocolIKE}
	return b.policy(list)
}

// Rekeying is the policy of an IKE SA for another that takes its place: in both
// directions proposals have an SPI (RFC 7296, section 2.18).
func (p Policy) Rekeying() Policy {
	p.spiLen = len(message.SPI{})
	return p
}

// Child says what a policy for a Child SA is made of.
type Child struct {
	Protocol message.Protocol // ProtocolESP or ProtocolAH
	List     proposal.List    // empty for proposal.DefaultESP or DefaultAH
	// ESN is for proposals that do not say; zero is both, that without first.
	ESN proposal.ESN
	// First is for the Child SA that IKE_AUTH makes: it has no key exchange of its
	// own, whatever the list and the fields below say.
	First bool
	// Groups are for proposals that name none; empty for no key exchange.
	Groups []string
	// AlsoGroups are accepted where the peer wants them, but not offered: a
	// conn with pfs=no takes a peer that wants it.
	AlsoGroups []string
}

// ForChild is the policy for a Child SA.
func ForChild(c Child) (Policy, error) {
	if len(c.List.Proposals) == 0 {
		c.List = proposal.DefaultESP()
		if c.Protocol == message.ProtocolAH {
			c.List = proposal.DefaultAH()
		}
	}
	if c.ESN == 0 {
		c.ESN = proposal.WithoutESN | proposal.WithESN
	}
	b := builder{c.Protocol, c}
	return b.policy(c.List)
}

// Offer is the SA payload that offers the policy, with our SPI in each proposal:
// of 4 bytes for a Child SA, of 8 to rekey an IKE SA, nil for a new one.
func (p Policy) Offer(spi []byte) *message.SA {
	sa := &message.SA{}
	for i, w := range p.ways {
		sa.Proposals = append(sa.Proposals, message.Proposal{
			Number:     uint8(i + 1),
			Protocol:   p.protocol,
			SPI:        spi,
			Transforms: slices.Clone(w.offered),
		})
	}
	return sa
}

// Groups are the groups that are offered, most wanted first. There are none
// where no key exchange is.
func (p Policy) Groups() []uint16 {
	var groups []uint16
	for _, w := range p.ways {
		for _, t := range w.offered {
			if t.Type == message.Group && t.ID != message.NoGroup && !slices.Contains(groups, t.ID) {
				groups = append(groups, t.ID)
			}
		}
	}
	return groups
}

// String is what is accepted, as ipsec.conf would say it.
func (p Policy) String() string { return p.text }

// A builder makes the transforms of a list of proposals.
type builder struct {
	protocol message.Protocol
	child    Child
}

// policy fails when a proposal lacks what its protocol needs, or names what
// pluto/suite does not know; proposals that conf/proposal has read do not.
func (b builder) policy(list proposal.List) (Policy, error) {
	p := Policy{protocol: b.protocol, first: b.child.First, text: list.String()}
	for _, q := range list.Proposals {
		for _, q := range split(q) {
			w, err := b.way(q)
			if err != nil {
				return Policy{}, fmt.Errorf("failed to offer %s: %w", q, err)
			}
			p.ways = append(p.ways, w)
		}
	}
	if len(p.ways) > message.MaxProposals {
		return Policy{}, fmt.Errorf("failed to offer %d proposals: a peer takes at most %d", len(p.ways), message.MaxProposals)
	}
	return p, nil
}

// split parts AEADs from other ciphers, which cannot share a proposal.
func split(p proposal.Proposal) []proposal.Proposal {
	aead, other := p, p
	aead.Encryption, aead.Integrity, other.Encryption = nil, nil, nil
	for _, e := range p.Encryption {
		if proposal.IsAEAD(e.Name) {
			aead.Encryption = append(aead.Encryption, e)
		} else {
			other.Encryption = append(other.Encryption, e)
		}
	}
	switch {
	case len(aead.Encryption) == 0:
		return []proposal.Proposal{other}
	case len(other.Encryption) == 0:
		return []proposal.Proposal{aead}
	}
	if proposal.IsAEAD(p.Encryption[0].Name) {
		return []proposal.Proposal{aead, other}
	}
	return []proposal.Proposal{other, aead}
}

func (b builder) way(p proposal.Proposal) (way, error) {
	var w way
	if err := b.check(p); err != nil {
		return w, err
	}
	for _, e := range p.Encryption {
		known, err := find(known().encryption, e.Name, suite.EncryptionByName)
		if err != nil {
			return w, err
		}
		if _, err := known.KeyLen(e.KeyBits); err != nil {
			return w, err
		}
		w.add(message.Transform{Type: message.Encryption, ID: known.ID, KeyBits: uint16(e.KeyBits)})
	}
	for _, name := range p.PRF {
		known, err := find(known().prf, name, suite.PRFByName)
		if err != nil {
			return w, err
		}
		w.add(message.Transform{Type: message.PRF, ID: known.ID})
	}
	for _, name := range p.Integrity {
		known, err := find(known().integrity, name, suite.IntegrityByName)
		if err != nil {
			return w, err
		}
		w.add(message.Transform{Type: message.Integrity, ID: known.ID})
	}
	if err := b.groups(&w, p); err != nil {
		return w, err
	}
	if b.protocol != message.ProtocolIKE {
		esn := p.ESN
		if esn == 0 {
			esn = b.child.ESN
		}
		if esn&proposal.WithoutESN != 0 {
			w.add(message.Transform{Type: message.ESN, ID: message.NoESN})
		}
		if esn&proposal.WithESN != 0 {
			w.add(message.Transform{Type: message.ESN, ID: message.WithESN})
		}
	}
	if len(w.offered) > 255 {
		return w, fmt.Errorf("%d algorithms in one proposal, at most 255 fit", len(w.offered))
	}
	w.accepted = slices.Concat(w.offered, w.also)
	return w, nil
}

// check tells what is missing from a proposal, or too much in it.
func (b builder) check(p proposal.Proposal) error {
	ike, ah := b.protocol == message.ProtocolIKE, b.protocol == message.ProtocolAH
	aead := len(p.Encryption) > 0 && proposal.IsAEAD(p.Encryption[0].Name)
	hasNull := slices.ContainsFunc(p.Encryption, func(e proposal.Encryption) bool { return e.Name == "null" })
	switch {
	case ah && len(p.Encryption) > 0:
		return fmt.Errorf("AH does not encrypt, found %s", p.Encryption[0])
	case !ah && len(p.Encryption) == 0:
		return fmt.Errorf("no encryption algorithm")
	case ike && hasNull:
		return fmt.Errorf("an IKE SA must encrypt, found null")
	case !aead && len(p.Integrity) == 0:
		return fmt.Errorf("no integrity algorithm")
	case ike && len(p.PRF) == 0:
		return fmt.Errorf("no pseudorandom function")
	case !ike && len(p.PRF) > 0:
		return fmt.Errorf("%s has no pseudorandom function, found %s", b.protocol, p.PRF[0])
	case ike && len(p.Groups) == 0:
		return fmt.Errorf("no group")
	case ike && slices.Contains(p.Groups, "none"):
		return fmt.Errorf("an IKE SA needs a key exchange, found none")
	}
	return nil
}

func (b builder) groups(w *way, p proposal.Proposal) error {
	if b.child.First {
		return nil
	}
	names := p.Groups
	if len(names) == 0 {
		names = b.child.Groups
	}
	also, err := groupTransforms(b.child.AlsoGroups)
	if err != nil {
		return err
	}
	w.also = also
	if !slices.ContainsFunc(names, func(name string) bool { return name != "none" }) {
		w.also = append(w.also, message.Transform{Type: message.Group, ID: message.NoGroup})
		return nil
	}
	offered, err := groupTransforms(names)
	if err != nil {
		return err
	}
	for _, t := range offered {
		w.add(t)
	}
	return nil
}

func groupTransforms(names []string) ([]message.Transform, error) {
	var list []message.Transform
	for _, name := range names {
		t := message.Transform{Type: message.Group, ID: message.NoGroup}
		if name != "none" {
			known, err := find(known().group, name, suite.GroupByName)
			if err != nil {
				return nil, err
			}
			t.ID = known.ID
		}
		list = append(list, t)
	}
	return list, nil
}

// add offers a transform once.
func (w *way) add(t message.Transform) {
	if !slices.Contains(w.offered, t) {
		w.offered = append(w.offered, t)
	}
}
