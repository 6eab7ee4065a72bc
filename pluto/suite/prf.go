package suite

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"slices"

	"ipsec/klips/algorithm/aesmode"
)

// The IANA numbers of pseudorandom functions, transform type 2.
const (
	PRFHMACMD5      uint16 = 1
	PRFHMACSHA1     uint16 = 2
	PRFAESXCBC      uint16 = 4
	PRFHMACSHA2_256 uint16 = 5
	PRFHMACSHA2_384 uint16 = 6
	PRFHMACSHA2_512 uint16 = 7
	PRFAESCMAC      uint16 = 8
)

// A PRF is a pseudorandom function. All lengths are in bytes.
type PRF struct {
	ID     uint16
	Name   string
	Size   int // of the output
	KeyLen int // preferred, that of SK_d, SK_pi and SK_pr; a key may have any

	keyed func(key []byte) hash.Hash
}

var prfs = []PRF{
	hmacPRF(PRFHMACMD5, "hmac_md5", md5.New),
	hmacPRF(PRFHMACSHA1, "hmac_sha1", sha1.New),
	{PRFAESXCBC, "aes128_xcbc", 16, 16, xcbcPRF},
	hmacPRF(PRFHMACSHA2_256, "hmac_sha2_256", sha256.New),
	hmacPRF(PRFHMACSHA2_384, "hmac_sha2_384", sha512.New384),
	hmacPRF(PRFHMACSHA2_512, "hmac_sha2_512", sha512.New),
	{PRFAESCMAC, "aes128_cmac", 16, 16, cmacPRF},
}

// PRFs returns the table of pseudorandom functions, in the order of their
// numbers.
func PRFs() []PRF { return slices.Clone(prfs) }

// FindPRF returns the pseudorandom function of an IANA number.
func FindPRF(id uint16) (PRF, error) { return byID("pseudorandom function", prfs, id) }

// PRFByName returns the pseudorandom function of a name, or an error that lists the
// names there are.
func PRFByName(name string) (PRF, error) { return byName("pseudorandom function", prfs, name) }

func (p PRF) number() uint16 { return p.ID }
func (p PRF) name() string   { return p.Name }

// Sum returns prf(key, parts[0] | parts[1] | …), Size bytes.
func (p PRF) Sum(key []byte, parts ...[]byte) []byte {
	h := p.keyed(key)
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

// Keyed returns the function under a key, for who needs it more than once: a hash whose
// Reset keeps the key.
func (p PRF) Keyed(key []byte) hash.Hash { return p.keyed(key) }

func hmacPRF(id uint16, name string, h func() hash.Hash) PRF {
	size := h().Size()
	return PRF{id, name, size, size, func(key []byte) hash.Hash { return hmac.New(h, key) }}
}

// xcbcPRF is RFC 4434, section 2: a short key is padded with zeros, a long one is
// hashed under a key of zeros.
func xcbcPRF(key []byte) hash.Hash {
	k := make([]byte, fixedLengthKey)
	if len(key) <= len(k) {
		copy(k, key)
	} else {
		h := must(aesmode.NewXCBC(k))
		h.Write(key)
		k = h.Sum(nil)
	}
	return must(aesmode.NewXCBC(k))
}

// cmacPRF is RFC 4615, section 3: a key of any length but 16 bytes is hashed
// under a key of zeros.
func cmacPRF(key []byte) hash.Hash {
	if len(key) != fixedLengthKey {
		h := must(aesmode.NewCMAC(make([]byte, fixedLengthKey)))
		h.Write(key)
		key = h.Sum(nil)
	}
	return must(aesmode.NewCMAC(key))
}

// must is for keys whose length is right by construction.
func must[T any](made T, err error) T {
	if err != nil {
		panic("suite: " + err.Error())
	}
	return made
}
