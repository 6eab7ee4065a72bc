package suite

import (
	"bytes"
	"fmt"
	"io"
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

// An Exchange is what the two sides gave and found in one exchange: what keys are
// derived from.
type Exchange struct {
	Ni, Nr     []byte  // nonces of its initiator and responder
	Shared     []byte  // of the key exchange; nil for a Child SA without one
	SPIi, SPIr [8]byte // of the new IKE SA; not used for a Child SA
}

// Keys are those of an IKE SA: RFC 7296, section 2.14. Ai and Ar are empty with an
// AEAD; Ei and Er end in the salt where the cipher has one.
type Keys struct {
	D, Ai, Ar, Ei, Er, Pi, Pr []byte
}

// Clear overwrites the keys. What was derived from them, or made a copy of them,
// stays.
func (k *Keys) Clear() {
	for _, key := range [][]byte{k.D, k.Ai, k.Ar, k.Ei, k.Er, k.Pi, k.Pr} {
		clear(key)
	}
	*k = Keys{}
}

// Derive returns the keys of an IKE SA that IKE_SA_INIT makes: RFC 7296, section 2.14.
func (s Suite) Derive(x Exchange) Keys {
	ni, nr := x.Ni, x.Nr
	if s.PRF.half() {
		ni, nr = ni[:min(8, len(ni))], nr[:min(8, len(nr))]
	}
	return s.expand(s.PRF.Sum(bytes.Join([][]byte{ni, nr}, nil), x.Shared), x)
}

// Rekey returns the keys of an IKE SA that replaces another, of whose keys
// oldD is SK_d and whose pseudorandom function is old: RFC 7296, section 2.18.
func (s Suite) Rekey(x Exchange, old PRF, oldD []byte) Keys {
	return s.expand(old.Sum(oldD, x.Shared, x.Ni, x.Nr), x)
}

// expand makes the keys out of SKEYSEED, which it overwrites.
func (s Suite) expand(skeyseed []byte, x Exchange) Keys {
	seed := bytes.Join([][]byte{x.Ni, x.Nr, x.SPIi[:], x.SPIr[:]}, nil)
	var k Keys
	prf, auth, enc := s.PRF.KeyLen, s.Integrity.Key, s.encLen
	material := s.PRF.Plus(skeyseed, seed, 3*prf+2*auth+2*enc)
	clear(skeyseed)
	for _, part := range []struct {
		key *[]byte
		n   int
	}{{&k.D, prf}, {&k.Ai, auth}, {&k.Ar, auth}, {&k.Ei, enc}, {&k.Er, enc}, {&k.Pi, prf}, {&k.Pr, prf}} {
		*part.key, material = material[:part.n:part.n], material[part.n:]
	}
	return k
}

// Protectors returns what seals messages and what opens them, on the side of the
// IKE SA's initiator or of its responder. NewProtector says what random is for.
func (s Suite) Protectors(k Keys, initiator bool, random io.Reader) (out, in *Protector, err error) {
	i, err := s.NewProtector(k.Ei, k.Ai, random)
	if err != nil {
		return nil, nil, err
	}
	r, err := s.NewProtector(k.Er, k.Ar, random)
	if err != nil {
		return nil, nil, err
	}
	if initiator {
		return i, r, nil
	}
	return r, i, nil
}
