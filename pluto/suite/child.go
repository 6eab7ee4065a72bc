package suite

import (
	"errors"
	"fmt"

	"ipsec/klips/algorithm"
)

// A ChildChoice is what was chosen of a proposal for a Child SA, by IANA numbers.
// Encryption is 0 for AH. The group of a key exchange and ESN are not of
// interest here.
type ChildChoice struct {
	Encryption, Integrity uint16
	KeyBits               int
}

// A Child is the algorithms of one Child SA, in KLIPS's names, and the lengths of
// its keys in bytes. Make it with NewChild.
type Child struct {
	Enc, Auth             string
	EncKeyLen, AuthKeyLen int
}

// NewChild returns the algorithms of a choice. The error says what does not go
// together, and what IKE or KLIPS does not have.
func NewChild(c ChildChoice) (Child, error) {
	var child Child
	if c.Encryption == 0 {
		if c.Integrity == IntegrityNone {
			return child, errors.New("neither encryption nor integrity algorithm chosen")
		}
		return child.withAuth(c.Integrity)
	}
	e, err := FindEncryption(c.Encryption)
	if err != nil {
		return child, err
	}
	if child.EncKeyLen, err = e.KeyLen(c.KeyBits); err != nil {
		return child, err
	}
	child.Enc = e.KLIPS
	k, err := algorithm.FindCipher(child.Enc)
	if err != nil {
		return child, fmt.Errorf("KLIPS cannot do %s: %w", e.Name, err)
	}
	if err := k.CheckKey(make([]byte, child.EncKeyLen)); err != nil {
		return child, fmt.Errorf("KLIPS cannot do %s: %w", e.Name, err)
	}
	if _, err := integrityBeside(e, c.Integrity); err != nil || e.AEAD() {
		return child, err
	}
	return child.withAuth(c.Integrity)
}

func (c Child) withAuth(id uint16) (Child, error) {
	i, err := FindIntegrity(id)
	if err != nil {
		return c, err
	}
	if _, err := algorithm.FindAuth(i.KLIPS); err != nil {
		return c, fmt.Errorf("KLIPS cannot do %s: %w", i.Name, err)
	}
	c.Auth, c.AuthKeyLen = i.KLIPS, i.Key
	return c, nil
}
