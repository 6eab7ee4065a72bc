package message

import (
	"encoding/binary"
	"fmt"
)

// SA is what an end offers or, as a single proposal with one transform of each
// type, has chosen (RFC 7296, section 3.3).
type SA struct{ Proposals []Proposal }

// A Proposal is one way to make an SA.
type Proposal struct {
	Number     uint8 // from 1 on
	Protocol   Protocol
	SPI        []byte // of 4 bytes for AH and ESP, of 8 to rekey an IKE SA, else none
	Transforms []Transform
}

// A Transform is one algorithm. Transforms can be compared with ==.
type Transform struct {
	Type    TransformType
	ID      uint16
	KeyBits uint16 // the Key Length attribute; 0 for none
	// Extra holds the attributes that RFC 7296 does not know, in wire form. A
	// transform with any must not be chosen (section 3.3.6).
	Extra string
}

// Protocol is what an SA is for.
type Protocol uint8

const (
	ProtocolNone Protocol = 0 // in a Notify that is about no SA
	ProtocolIKE  Protocol = 1
	ProtocolAH   Protocol = 2
	ProtocolESP  Protocol = 3
)

func (p Protocol) String() string {
	switch p {
	case ProtocolNone:
		return "none"
	case ProtocolIKE:
		return "IKE"
	case ProtocolAH:
		return "AH"
	case ProtocolESP:
		return "ESP"
	}
	return fmt.Sprintf("protocol %d", uint8(p))
}

// checkSPI tells what is wrong with the length of the SPI of a proposal.
func (p Protocol) checkSPI(n int) error {
	switch {
	case p == ProtocolIKE && n != 0 && n != 8:
		return malformed("SA", "SPI of %d bytes for IKE, expected 8 or none", n)
	case (p == ProtocolAH || p == ProtocolESP) && n != 4:
		return malformed("SA", "SPI of %d bytes for %s, expected 4", n, p)
	}
	return nil
}

func (*SA) Type() PayloadType { return TypeSA }

const (
	proposalLen   = 8 // without SPI and transforms
	transformLen  = 8 // without attributes
	moreProposals = 2
	moreTransform = 3

	attrKeyLength = 14
	attrShort     = 0x8000 // the attribute's value is in place of its length
)

func parseSA(b []byte) (*SA, error) {
	sa := &SA{}
	for more := true; more; {
		if len(sa.Proposals) == MaxProposals {
			return nil, malformed("SA", "more than %d proposals", MaxProposals)
		}
		sub, rest, err := substructure(b, "proposal", proposalLen, moreProposals)
		if err != nil {
			return nil, err
		}
		p, err := parseProposal(sub)
		if err != nil {
			return nil, err
		}
		sa.Proposals = append(sa.Proposals, p)
		more, b = len(rest) > 0, rest
	}
	return sa, nil
}

// substructure cuts a proposal or a transform off the front of b. Its first byte
// says whether another follows, and must say the same as the lengths do.
func substructure(b []byte, what string, least int, more byte) (sub, rest []byte, err error) {
	if len(b) < least {
		return nil, nil, malformed("SA", "%s cut off: %d bytes left, it has %d or more", what, len(b), least)
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < least || n > len(b) {
		return nil, nil, malformed("SA", "%s says %d bytes, %d are left", what, n, len(b))
	}
	switch {
	case b[0] == 0 && n < len(b):
		return nil, nil, malformed("SA", "%d bytes follow the last %s", len(b)-n, what)
	case b[0] == more && n == len(b):
		return nil, nil, malformed("SA", "no %s follows where one is announced", what)
	case b[0] != 0 && b[0] != more:
		return nil, nil, malformed("SA", "%s starts with %d, expected 0 or %d", what, b[0], more)
	}
	return b[:n:n], b[n:], nil
}

func parseProposal(b []byte) (Proposal, error) {
	p := Proposal{Number: b[4], Protocol: Protocol(b[5])}
	spiLen, count := int(b[6]), int(b[7])
	if err := p.Protocol.checkSPI(spiLen); err != nil {
		return p, err
	}
	b = b[proposalLen:]
	if spiLen > len(b) {
		return p, malformed("SA", "SPI of %d bytes, %d are left", spiLen, len(b))
	}
	p.SPI, b = data(b[:spiLen:spiLen]), b[spiLen:]
	for len(b) > 0 {
		if len(p.Transforms) == count {
			return p, malformed("SA", "more transforms than the %d announced", count)
		}
		sub, rest, err := substructure(b, "transform", transformLen, moreTransform)
		if err != nil {
			return p, err
		}
		t, err := parseTransform(sub)
		if err != nil {
			return p, err
		}
		p.Transforms, b = append(p.Transforms, t), rest
	}
	if len(p.Transforms) != count {
		return p, malformed("SA", "%d transforms, %d announced", len(p.Transforms), count)
	}
	return p, nil
}

func parseTransform(b []byte) (Transform, error) {
	t := Transform{Type: TransformType(b[4]), ID: binary.BigEndian.Uint16(b[6:])}
	var extra []byte
	for b = b[transformLen:]; len(b) > 0; {
		if len(b) < 4 {
			return t, malformed("SA", "attribute cut off: %d bytes left, it has 4 or more", len(b))
		}
		kind, value := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		n := 4
		if kind&attrShort == 0 {
			n += int(value)
		}
		if n > len(b) {
			return t, malformed("SA", "attribute of %d bytes, %d are left", n, len(b))
		}
		switch {
		case kind != attrKeyLength|attrShort:
			extra = append(extra, b[:n]...)
		case value == 0:
			return t, malformed("SA", "key length of 0")
		case t.KeyBits != 0:
			return t, malformed("SA", "two key lengths in one transform")
		default:
			t.KeyBits = value
		}
		b = b[n:]
	}
	t.Extra = string(extra)
	return t, nil
}

func (sa *SA) appendBody(dst []byte) ([]byte, error) {
	if len(sa.Proposals) == 0 {
		return nil, fmt.Errorf("no proposals")
	}
	for i, p := range sa.Proposals {
		if err := fits("bytes of SPI", len(p.SPI)); err != nil {
			return nil, err
		}
		if err := fits("transforms", len(p.Transforms)); err != nil {
			return nil, err
		}
		start := len(dst)
		dst = append(dst, following(i, len(sa.Proposals), moreProposals), 0, 0, 0,
			p.Number, byte(p.Protocol), byte(len(p.SPI)), byte(len(p.Transforms)))
		dst = append(dst, p.SPI...)
		for j, t := range p.Transforms {
			dst = t.append(dst, following(j, len(p.Transforms), moreTransform))
		}
		binary.BigEndian.PutUint16(dst[start+2:], uint16(len(dst)-start))
	}
	return dst, nil
}

func following(i, n int, more byte) byte {
	if i == n-1 {
		return 0
	}
	return more
}

func (t Transform) append(dst []byte, more byte) []byte {
	start := len(dst)
	dst = append(dst, more, 0, 0, 0, byte(t.Type), 0)
	dst = binary.BigEndian.AppendUint16(dst, t.ID)
	if t.KeyBits != 0 {
		dst = binary.BigEndian.AppendUint16(dst, attrKeyLength|attrShort)
		dst = binary.BigEndian.AppendUint16(dst, t.KeyBits)
	}
	dst = append(dst, t.Extra...)
	binary.BigEndian.PutUint16(dst[start+2:], uint16(len(dst)-start))
	return dst
}
