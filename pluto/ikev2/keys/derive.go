// Package keys is what RFC 7296 makes of a key exchange: the keys of IKE SAs and Child SAs
// (sections 2.13 to 2.18), and the Encrypted payload that they protect (section 3.14). The
// algorithms come from package suite.
//
//	s, err := suite.New(suite.Choice{Encryption: 20, KeyBits: 128, PRF: 5, Group: 31})
//	private, err := s.Group.Generate(rand)
//	shared, err := private.Shared(peer)
//	k := keys.Derive(&s, keys.Exchange{Ni: ni, Nr: nr, Shared: shared, SPIi: spiI, SPIr: spiR})
//	out, in, err := keys.Protectors(&s, k, initiator, rand)
//
//	child, err := suite.NewChild(suite.ChildChoice{Encryption: 20, KeyBits: 128})
//	toResponder, toInitiator := keys.ForChild(child, s.PRF, k.D, exchange)
//
// Whatever is random comes from a reader that the caller brings, and the same
// bytes make the same keys, so that a simulation replays. No error of this
// package contains a key or a part of one.
package keys

import (
	"bytes"

	"ipsec/pluto/suite"
)

// An Exchange is what the two sides gave and found in one exchange: what keys are
// derived from.
type Exchange struct {
	Ni, Nr     []byte  // nonces of its initiator and responder
	Shared     []byte  // of the key exchange; nil for a Child SA without one
	SPIi, SPIr [8]byte // of the new IKE SA; not used for a Child SA
}

// Keys are the keys of an IKE SA: RFC 7296, section 2.14. Ai and Ar are empty with an
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
func Derive(s *suite.Suite, x Exchange) Keys {
	ni, nr := x.Ni, x.Nr
	if half(s.PRF) {
		ni, nr = ni[:min(8, len(ni))], nr[:min(8, len(nr))]
	}
	return expand(s, s.PRF.Sum(bytes.Join([][]byte{ni, nr}, nil), x.Shared), x)
}

// Rekey returns the keys of an IKE SA that replaces another, of whose keys
// oldD is SK_d and whose pseudorandom function is old: RFC 7296, section 2.18.
func Rekey(s *suite.Suite, x Exchange, old suite.PRF, oldD []byte) Keys {
	return expand(s, old.Sum(oldD, x.Shared, x.Ni, x.Nr), x)
}

// expand makes the keys out of SKEYSEED, which it overwrites.
func expand(s *suite.Suite, skeyseed []byte, x Exchange) Keys {
	seed := bytes.Join([][]byte{x.Ni, x.Nr, x.SPIi[:], x.SPIr[:]}, nil)
	var k Keys
	prf, auth, enc := s.PRF.KeyLen, s.Integrity.Key, s.EncKeyLen()
	material := plus(s.PRF, skeyseed, seed, 3*prf+2*auth+2*enc)
	clear(skeyseed)
	for _, part := range []struct {
		key *[]byte
		n   int
	}{{&k.D, prf}, {&k.Ai, auth}, {&k.Ar, auth}, {&k.Ei, enc}, {&k.Er, enc}, {&k.Pi, prf}, {&k.Pr, prf}} {
		*part.key, material = material[:part.n:part.n], material[part.n:]
	}
	return k
}

// plus returns the first n bytes of prf+(key, seed): RFC 7296, section 2.13. It
// panics where n is more than 255 outputs, which nothing in IKE comes near.
func plus(p suite.PRF, key, seed []byte, n int) []byte {
	if n > 255*p.Size {
		panic("keys: prf+ asked for more than it has")
	}
	h := p.Keyed(key)
	out := make([]byte, 0, n+p.Size)
	for i := byte(1); len(out) < n; i++ {
		h.Reset()
		if i > 1 {
			h.Write(out[len(out)-p.Size:])
		}
		h.Write(seed)
		h.Write([]byte{i})
		out = h.Sum(out)
	}
	clear(out[n:])
	return out[:n:n]
}

// half reports whether SKEYSEED is keyed with 64 bits of each nonce, not with all
// of both: RFC 7296, section 2.14, of the two functions whose keys were once of
// one length.
func half(p suite.PRF) bool { return p.ID == suite.PRFAESXCBC || p.ID == suite.PRFAESCMAC }
