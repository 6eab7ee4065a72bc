package suite

import (
	"bytes"
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

// Material is the keys of one direction of a Child SA, beside the names of what they
// are for; all as klips.SA has them, so that EncKey ends in the salt where the cipher
// has one.
type Material struct {
	Enc     string
	EncKey  []byte
	Auth    string
	AuthKey []byte
}

// Derive returns the keys of a Child SA, those from the initiator of the exchange to
// its responder first: RFC 7296, section 2.17. prf and d are the IKE SA's function and
// SK_d. x is the exchange that made the Child SA, IKE_AUTH with the nonces of IKE_SA_INIT
// or CREATE_CHILD_SA; its Shared is nil unless there was a key exchange for this
// very SA.
func (c Child) Derive(prf PRF, d []byte, x Exchange) (toResponder, toInitiator Material) {
	seed := bytes.Join([][]byte{x.Shared, x.Ni, x.Nr}, nil)
	keymat := prf.Plus(d, seed, 2*(c.EncKeyLen+c.AuthKeyLen))
	clear(seed)
	take := func(n int) []byte {
		key := keymat[:n:n]
		keymat = keymat[n:]
		return key
	}
	direction := func() Material {
		return Material{Enc: c.Enc, EncKey: take(c.EncKeyLen), Auth: c.Auth, AuthKey: take(c.AuthKeyLen)}
	}
	toResponder = direction()
	toInitiator = direction()
	return toResponder, toInitiator
}

// Clear overwrites the keys, once KLIPS has its copy.
func (m *Material) Clear() {
	clear(m.EncKey)
	clear(m.AuthKey)
	m.EncKey, m.AuthKey = nil, nil
}
