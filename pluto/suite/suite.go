package suite

import (
	"fmt"
)

// A Choice is what was chosen of a proposal for an IKE SA, by IANA numbers. KeyBits
// is the Key Length attribute, 0 where there was none; Integrity is 0 with an
// AEAD.
type Choice struct {
	Encryption, Integrity, PRF, Group uint16
	KeyBits                           int
}

// A Suite is the algorithms of one IKE SA. Make it with New.
type Suite struct {
	Encryption Encryption
	KeyBits    int
	Integrity  Integrity // the zero value with an AEAD
	PRF        PRF
	Group      Group

	encLen int // bytes of SK_e
}

// New returns the suite of a choice. The error says what does not go together,
// and what is not to be had.
func New(c Choice) (Suite, error) {
	s := Suite{KeyBits: c.KeyBits}
	var err error
	if s.Encryption, err = FindEncryption(c.Encryption); err != nil {
		return s, err
	}
	if c.Encryption == Null {
		return s, fmt.Errorf("%s does not encrypt, expected an encryption algorithm for an IKE SA", s.Encryption.Name)
	}
	if s.encLen, err = s.Encryption.KeyLen(c.KeyBits); err != nil {
		return s, err
	}
	if s.Integrity, err = integrityBeside(s.Encryption, c.Integrity); err != nil {
		return s, err
	}
	if s.PRF, err = FindPRF(c.PRF); err != nil {
		return s, err
	}
	s.Group, err = FindGroup(c.Group)
	return s, err
}

// integrityBeside returns the integrity algorithm of that number, which must be
// none with an AEAD and must be one with another cipher.
func integrityBeside(e Encryption, id uint16) (Integrity, error) {
	switch {
	case e.AEAD() && id == IntegrityNone:
		return Integrity{}, nil
	case e.AEAD():
		return Integrity{}, fmt.Errorf("%s authenticates by itself, expected no integrity algorithm beside it, found number %d", e.Name, id)
	case id == IntegrityNone:
		return Integrity{}, fmt.Errorf("%s does not authenticate by itself, expected an integrity algorithm beside it", e.Name)
	}
	return FindIntegrity(id)
}

// String returns the names of what the suite is made of, such as
// aes_gcm_16_128-hmac_sha2_256-curve25519.
func (s Suite) String() string {
	text := s.Encryption.Name
	if s.KeyBits != 0 {
		text = fmt.Sprintf("%s_%d", text, s.KeyBits)
	}
	for _, name := range []string{s.Integrity.Name, s.PRF.Name, s.Group.Name} {
		if name != "" {
			text += "-" + name
		}
	}
	return text
}

// EncKeyLen returns how many bytes of keying material the cipher takes, its salt included.
func (s Suite) EncKeyLen() int { return s.encLen }
