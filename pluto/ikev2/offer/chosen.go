package offer

import (
	"fmt"
	"slices"
	"strings"

	"ipsec/pluto/ikev2/message"
	"ipsec/pluto/suite"
)

// Chosen is what both ends agree on for one SA, in IANA's numbers.
type Chosen struct {
	Number     uint8 // of the proposal
	Protocol   message.Protocol
	SPI        []byte // the peer's
	Encryption uint16 // 0 for AH
	KeyBits    int    // 0 where the cipher has only one length
	PRF        uint16 // of an IKE SA
	Integrity  uint16 // 0 with an AEAD
	Group      uint16 // 0 for no key exchange
	ESN        bool   // of a Child SA
	transforms []message.Transform
}

// Answer is the SA payload by which a responder says what it has chosen, with its
// own SPI as in Offer.
func (c Chosen) Answer(spi []byte) *message.SA {
	return &message.SA{Proposals: []message.Proposal{{
		Number:     c.Number,
		Protocol:   c.Protocol,
		SPI:        spi,
		Transforms: slices.Clone(c.transforms),
	}}}
}

// IKE is what pluto/suite makes an IKE SA of.
func (c Chosen) IKE() suite.Choice {
	return suite.Choice{Encryption: c.Encryption, Integrity: c.Integrity, PRF: c.PRF, Group: c.Group, KeyBits: c.KeyBits}
}

// Child is what pluto/suite makes a Child SA of.
func (c Chosen) Child() suite.ChildChoice {
	return suite.ChildChoice{Encryption: c.Encryption, Integrity: c.Integrity, KeyBits: c.KeyBits}
}

// String is the names of the algorithms, such as
// aes_gcm_16_256-hmac_sha2_512-curve25519, as status reports say it.
func (c Chosen) String() string {
	var words []string
	add := func(name string, err error) {
		if err == nil {
			words = append(words, name)
		}
	}
	if e, err := suite.FindEncryption(c.Encryption); err == nil {
		if c.KeyBits != 0 {
			e.Name = fmt.Sprintf("%s_%d", e.Name, c.KeyBits)
		}
		add(e.Name, nil)
	}
	integrity, err := suite.FindIntegrity(c.Integrity)
	add(integrity.Name, err)
	prf, err := suite.FindPRF(c.PRF)
	add(prf.Name, err)
	group, err := suite.FindGroup(c.Group)
	add(group.Name, err)
	if c.ESN {
		add("esn", nil)
	}
	return strings.Join(words, "-")
}
