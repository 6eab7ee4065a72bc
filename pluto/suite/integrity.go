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

// The IANA numbers of integrity algorithms, transform type 3.
const (
	IntegrityNone  uint16 = 0
	HMACMD5        uint16 = 1
	HMACSHA1       uint16 = 2
	AESXCBC        uint16 = 5
	AESCMAC        uint16 = 8
	HMACSHA2_256   uint16 = 12
	HMACSHA2_384   uint16 = 13
	HMACSHA2_512   uint16 = 14
	fixedLengthKey        = 16 // of the authenticators that are made of AES
)

// An Integrity is an integrity algorithm. The zero value is none, which goes with
// an AEAD. All lengths are in bytes.
type Integrity struct {
	ID    uint16
	Name  string
	Key   int // the one length that a key has
	ICV   int // what a message carries, a truncated MAC
	KLIPS string

	keyed func(key []byte) (hash.Hash, error)
}

var integrities = []Integrity{
	{HMACMD5, "hmac_md5_96", 16, 12, "md5-96", hmacOf(md5.New)},
	{HMACSHA1, "hmac_sha1_96", 20, 12, "sha1-96", hmacOf(sha1.New)},
	{AESXCBC, "aes_xcbc_96", fixedLengthKey, 12, "aes_xcbc-96", aesmode.NewXCBC},
	{AESCMAC, "aes_cmac_96", fixedLengthKey, 12, "aes_cmac-96", aesmode.NewCMAC},
	{HMACSHA2_256, "hmac_sha2_256_128", 32, 16, "sha2_256-128", hmacOf(sha256.New)},
	{HMACSHA2_384, "hmac_sha2_384_192", 48, 24, "sha2_384-192", hmacOf(sha512.New384)},
	{HMACSHA2_512, "hmac_sha2_512_256", 64, 32, "sha2_512-256", hmacOf(sha512.New)},
}

// Integrities returns the table of integrity algorithms, in the order of their
// numbers; none is not among them.
func Integrities() []Integrity { return slices.Clone(integrities) }

// FindIntegrity returns the integrity algorithm of an IANA number.
func FindIntegrity(id uint16) (Integrity, error) {
	return byID("integrity algorithm", integrities, id)
}

// IntegrityByName returns the integrity algorithm of a name, or an error that
// lists the names there are.
func IntegrityByName(name string) (Integrity, error) {
	return byName("integrity algorithm", integrities, name)
}

// MAC returns the algorithm under a key, of Key bytes. Of its sum, a message carries ICV bytes.
func (i Integrity) MAC(key []byte) (hash.Hash, error) { return i.keyed(key) }

func (i Integrity) number() uint16 { return i.ID }
func (i Integrity) name() string   { return i.Name }

func hmacOf(h func() hash.Hash) func([]byte) (hash.Hash, error) {
	return func(key []byte) (hash.Hash, error) { return hmac.New(h, key), nil }
}
