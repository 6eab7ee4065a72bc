package offer

import (
	"fmt"
	"slices"
	"strings"

	"ipsec/conf/proposal"
	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/suite"
)

// A Refusal is an offer of which nothing is accepted. The answer is
// NO_PROPOSAL_CHOSEN. It is made for each connection that an offer is held
// against, and becomes text only for the one that is told of it.
type Refusal struct {
	policy Policy
	offer  *message.SA
	differ []message.TransformType // of the closest proposal
}

// Error is one line for the person whose connection does not come up: what is
// offered and what we accept, both as ipsec.conf would say it, and in what they
// differ.
func (r *Refusal) Error() string {
	text := fmt.Sprintf("no proposal chosen: the peer offers %s; %s= accepts %s", r.policy.spellOffer(r.offer), r.policy.keyword(), r.policy)
	if len(r.differ) < len(r.policy.types()) {
		text += " (nothing in common for " + kinds(r.differ) + ")"
	}
	return text
}

// keyword is what says in ipsec.conf what is accepted.
func (p Policy) keyword() string {
	switch p.protocol {
	case message.ProtocolIKE:
		return "ike"
	case message.ProtocolAH:
		return "ah"
	}
	return "esp"
}

// A WrongGroup is an acceptable offer with a key exchange of another group than
// the one that is chosen. The answer is INVALID_KE_PAYLOAD, with Want as its data
// of two bytes.
type WrongGroup struct{ Want, Got uint16 } // Got is 0 for no key exchange

func (w *WrongGroup) Error() string {
	return fmt.Sprintf("key exchange of group %s, expected %s", groupWord(w.Got), groupWord(w.Want))
}

// spellOffer says a peer's proposals, and of each what rules it out before its
// algorithms do.
func (p Policy) spellOffer(offer *message.SA) string {
	var words []string
	length := 0
	for i, q := range offer.Proposals {
		text := spell(q)
		switch {
		case q.Protocol != p.protocol:
			text = q.Protocol.String() + " " + text
		case !p.fits(q):
			text = fmt.Sprintf("%s with the SPI %x", text, q.SPI)
		}
		if length += len(text); length > maxSpelled {
			words = append(words, fmt.Sprintf("and %d more", len(offer.Proposals)-i))
			break
		}
		words = append(words, text)
	}
	return strings.Join(words, ",")
}

// Limits of what is said of a peer's offer, in bytes and in algorithms of a
// proposal.
const (
	maxSpelled = 600
	maxWords   = 30
)

// spell says a peer's proposal as ipsec.conf would. What is not known here gets
// its kind and number, such as encr9.
func spell(p message.Proposal) string {
	var words []string
	for _, t := range p.Transforms {
		if len(words) == maxWords {
			words = append(words, "…")
			break
		}
		word := word(t)
		if t.Extra != "" {
			word += "/with-attributes"
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, "-")
}

func word(t message.Transform) string {
	switch t.Type {
	case message.Encryption:
		if e, err := suite.FindEncryption(t.ID); err == nil {
			if _, err := e.KeyLen(int(t.KeyBits)); err == nil {
				return proposal.Encryption{Name: e.Name, KeyBits: int(t.KeyBits)}.String()
			}
			return fmt.Sprintf("%s/%d", e.Name, t.KeyBits)
		}
		return fmt.Sprintf("encr%d", t.ID)
	case message.PRF:
		if f, err := suite.FindPRF(t.ID); err == nil {
			return proposal.Proposal{PRF: []string{f.Name}}.String()
		}
	case message.Integrity:
		if i, err := suite.FindIntegrity(t.ID); err == nil {
			return proposal.Proposal{Integrity: []string{i.Name}}.String()
		}
	case message.Group:
		return groupWord(t.ID)
	case message.ESN:
		switch t.ID {
		case message.NoESN:
			return "noesn"
		case message.WithESN:
			return "esn"
		}
	default:
		return fmt.Sprintf("type%d/%d", t.Type, t.ID)
	}
	return fmt.Sprintf("%s%d", strings.ToLower(t.Type.String()), t.ID)
}

func groupWord(id uint16) string {
	if id == message.NoGroup {
		return "none"
	}
	if g, err := suite.FindGroup(id); err == nil {
		return g.Name
	}
	return fmt.Sprintf("group%d", id)
}

func kind(t message.TransformType) string {
	switch t {
	case message.Encryption:
		return "encryption"
	case message.PRF:
		return "the PRF"
	case message.Integrity:
		return "integrity"
	case message.Group:
		return "the group"
	case message.ESN:
		return "ESN"
	}
	return t.String()
}

func kinds(types []message.TransformType) string {
	var words []string
	for _, t := range types {
		words = append(words, kind(t))
	}
	return strings.Join(words, ", ")
}
