package keys

import (
	"bytes"

	"ipsec/pluto/suite"
)

// Material is the keys of one direction of a Child SA, beside the names of what they
// are for; all as klips.SA has them, so that EncKey ends in the salt where the cipher
// has one.
type Material struct {
	Enc     string
	EncKey  []byte
	Auth    string
	AuthKey []byte
}

// ForChild returns the keys of a Child SA, those from the initiator of the exchange to
// its responder first: RFC 7296, section 2.17. prf and d are the IKE SA's function and
// SK_d. x is the exchange that made the Child SA, IKE_AUTH with the nonces of IKE_SA_INIT
// or CREATE_CHILD_SA; its Shared is nil unless there was a key exchange for this
// very SA.
func ForChild(c suite.Child, prf suite.PRF, d []byte, x Exchange) (toResponder, toInitiator Material) {
	seed := bytes.Join([][]byte{x.Shared, x.Ni, x.Nr}, nil)
	keymat := plus(prf, d, seed, 2*(c.EncKeyLen+c.AuthKeyLen))
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
