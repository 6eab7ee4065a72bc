package offer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"ipsec/pluto/ikev2/message"
)

// Choose is a responder's choice from what a peer offers. group is that of the
// peer's KE payload, 0 for none. Errors are a *Refusal, whose answer is
// NO_PROPOSAL_CHOSEN, or a *WrongGroup, whose answer is INVALID_KE_PAYLOAD.
func (p Policy) Choose(offer *message.SA, group uint16) (Chosen, error) {
	closest := p.types()
	for _, theirs := range offer.Proposals {
		if !p.fits(theirs) {
			continue
		}
		for _, w := range p.ways {
			picked, differ := p.match(theirs.Transforms, w.accepted, group)
			if len(differ) > 0 {
				if len(differ) < len(closest) {
					closest = differ
				}
				continue
			}
			return chosen(theirs, picked).withGroup(group)
		}
	}
	return Chosen{}, &Refusal{p, offer, closest}
}

// Check holds an answer against what was offered, as the initiator: it must be
// one of our proposals, with one transform of each type that was in it. group is
// that of the peer's KE payload, 0 for none; it must be the one chosen.
func (p Policy) Check(answer *message.SA, group uint16) (Chosen, error) {
	if len(answer.Proposals) != 1 {
		return Chosen{}, fmt.Errorf("the peer chose %d proposals, expected 1", len(answer.Proposals))
	}
	theirs := answer.Proposals[0]
	n := int(theirs.Number)
	if n < 1 || n > len(p.ways) || !p.fits(theirs) {
		return Chosen{}, fmt.Errorf("the peer chose proposal %d, for %s, with an SPI of %d bytes; %d were offered, for %s",
			n, theirs.Protocol, len(theirs.SPI), len(p.ways), p.protocol)
	}
	seen := map[message.TransformType]bool{}
	for _, t := range theirs.Transforms {
		if seen[t.Type] {
			return Chosen{}, fmt.Errorf("the peer chose several of %s: %s", kind(t.Type), spell(theirs))
		}
		seen[t.Type] = true
	}
	picked, differ := p.match(theirs.Transforms, p.ways[n-1].offered, group)
	if len(differ) > 0 {
		return Chosen{}, fmt.Errorf("the peer chose %s, and was offered %s (nothing in common for %s)", spell(theirs), p.text, kinds(differ))
	}
	return chosen(theirs, picked).withGroup(group)
}

// fits tells whether a proposal is for SAs of this kind, and has an SPI that an SA
// can have. SPIs of up to 255 are reserved (RFC 4303, section 2.1).
func (p Policy) fits(theirs message.Proposal) bool {
	switch {
	case theirs.Protocol != p.protocol:
		return false
	case p.protocol != message.ProtocolIKE:
		return len(theirs.SPI) == 4 && binary.BigEndian.Uint32(theirs.SPI) > 255
	case p.spiLen > 0:
		return len(theirs.SPI) == p.spiLen && !message.SPI(theirs.SPI).IsZero()
	}
	return true
}

// types are the types of transforms that an SA of this kind is made of.
func (p Policy) types() []message.TransformType {
	switch p.protocol {
	case message.ProtocolIKE:
		return []message.TransformType{message.Encryption, message.PRF, message.Integrity, message.Group}
	case message.ProtocolAH:
		return []message.TransformType{message.Integrity, message.Group, message.ESN}
	}
	return []message.TransformType{message.Encryption, message.Integrity, message.Group, message.ESN}
}

// match picks one transform of each type that both have, in their order, or
// returns the types of which there is none. What is picked without having been
// written, because nothing of its type was, is left out.
func (p Policy) match(theirs, ours []message.Transform, group uint16) (picked []message.Transform, differ []message.TransformType) {
	types := p.types()
	for _, t := range theirs {
		if !slices.Contains(types, t.Type) && !slices.Contains(differ, t.Type) {
			differ = append(differ, t.Type)
		}
	}
	for _, kind := range types {
		if kind == message.Group && p.first {
			continue
		}
		t, written, ok := pick(theirs, ours, kind, group)
		switch {
		case !ok:
			differ = append(differ, kind)
		case written:
			picked = append(picked, t)
		}
	}
	return picked, differ
}

// pick is the first transform of one type in theirs that is in ours. Where there
// is none of the type, but it can be done without, that is what stands there. Of
// groups, the one of the key exchange goes first.
func pick(theirs, ours []message.Transform, kind message.TransformType, group uint16) (t message.Transform, written, ok bool) {
	ours, _ = ofType(ours, kind)
	theirs, written = ofType(theirs, kind)
	for _, theirs := range theirs {
		if !slices.Contains(ours, theirs) {
			continue
		}
		if !ok {
			t, ok = theirs, true
		}
		if kind == message.Group && theirs.ID == group {
			return theirs, written, true
		}
	}
	return t, written, ok
}

// ofType are the transforms of one type. Leaving out integrity, group or ESN is the
// same as saying none, which has the ID 0 in all three (RFC 7296, section 3.3.3).
func ofType(list []message.Transform, kind message.TransformType) (found []message.Transform, written bool) {
	for _, t := range list {
		if t.Type == kind {
			found = append(found, t)
		}
	}
	if len(found) > 0 {
		return found, true
	}
	switch kind {
	case message.Integrity, message.Group, message.ESN:
		found = []message.Transform{{Type: kind}}
	}
	return found, false
}

func chosen(theirs message.Proposal, picked []message.Transform) Chosen {
	c := Chosen{
		Number:     theirs.Number,
		Protocol:   theirs.Protocol,
		SPI:        bytes.Clone(theirs.SPI),
		transforms: picked,
	}
	for _, t := range picked {
		switch t.Type {
		case message.Encryption:
			c.Encryption, c.KeyBits = t.ID, int(t.KeyBits)
		case message.PRF:
			c.PRF = t.ID
		case message.Integrity:
			c.Integrity = t.ID
		case message.Group:
			c.Group = t.ID
		case message.ESN:
			c.ESN = t.ID == message.WithESN
		}
	}
	return c
}

// withGroup fails when the key exchange is of another group than the chosen one.
func (c Chosen) withGroup(group uint16) (Chosen, error) {
	if c.Group != message.NoGroup && c.Group != group {
		return Chosen{}, &WrongGroup{Want: c.Group, Got: group}
	}
	return c, nil
}
