package suite

import (
	"fmt"
	"slices"
)

// The IANA numbers of encryption algorithms, transform type 1.
const (
	TripleDES        uint16 = 3
	Null             uint16 = 11
	AESCBC           uint16 = 12
	AESCTR           uint16 = 13
	AESCCM8          uint16 = 14
	AESCCM12         uint16 = 15
	AESCCM16         uint16 = 16
	AESGCM8          uint16 = 18
	AESGCM12         uint16 = 19
	AESGCM16         uint16 = 20
	ChaCha20Poly1305 uint16 = 28
)

// An Encryption is an encryption algorithm. All lengths are in bytes where the
// name does not say otherwise.
type Encryption struct {
	ID      uint16
	Name    string
	KeyBits []int // what the Key Length attribute may say, ascending, not to be changed; none where the length is fixed
	Salt    int   // what of the keying material is salt or nonce, behind the key
	IV      int   // what each message carries
	ICV     int   // of an AEAD; 0 otherwise
	Block   int   // ciphertext is a multiple of this
	KLIPS   string

	fixed int // bytes of key where KeyBits has none
}

// AEAD reports whether the algorithm authenticates too, so that no integrity
// algorithm goes with it.
func (e Encryption) AEAD() bool { return e.ICV > 0 }

// KeyLen returns how many bytes of keying material a key of that many bits takes, the
// salt included. bits is the Key Length attribute, 0 where there is none; the
// error names what it may be.
func (e Encryption) KeyLen(bits int) (int, error) {
	switch {
	case len(e.KeyBits) == 0 && bits == 0:
		return e.fixed + e.Salt, nil
	case len(e.KeyBits) == 0:
		return 0, fmt.Errorf("%s takes no key length, found %d bits", e.Name, bits)
	case !slices.Contains(e.KeyBits, bits):
		return 0, fmt.Errorf("key of %s has %d bits, expected one of %v", e.Name, bits, e.KeyBits)
	}
	return bits/8 + e.Salt, nil
}

var aesBits = []int{128, 192, 256}

var encryptions = []Encryption{
	{ID: TripleDES, Name: "3des_cbc", IV: 8, Block: 8, KLIPS: "3des", fixed: 24},
	{ID: Null, Name: "null", Block: 1, KLIPS: "null"},
	{ID: AESCBC, Name: "aes_cbc", KeyBits: aesBits, IV: 16, Block: 16, KLIPS: "aes"},
	{ID: AESCTR, Name: "aes_ctr", KeyBits: aesBits, Salt: 4, IV: 8, Block: 1, KLIPS: "aesctr"},
	{ID: AESCCM8, Name: "aes_ccm_8", KeyBits: aesBits, Salt: 3, IV: 8, ICV: 8, Block: 1, KLIPS: "aesccm8"},
	{ID: AESCCM12, Name: "aes_ccm_12", KeyBits: aesBits, Salt: 3, IV: 8, ICV: 12, Block: 1, KLIPS: "aesccm12"},
	{ID: AESCCM16, Name: "aes_ccm_16", KeyBits: aesBits, Salt: 3, IV: 8, ICV: 16, Block: 1, KLIPS: "aesccm16"},
	{ID: AESGCM8, Name: "aes_gcm_8", KeyBits: aesBits, Salt: 4, IV: 8, ICV: 8, Block: 1, KLIPS: "aesgcm8"},
	{ID: AESGCM12, Name: "aes_gcm_12", KeyBits: aesBits, Salt: 4, IV: 8, ICV: 12, Block: 1, KLIPS: "aesgcm12"},
	{ID: AESGCM16, Name: "aes_gcm_16", KeyBits: aesBits, Salt: 4, IV: 8, ICV: 16, Block: 1, KLIPS: "aesgcm16"},
	{ID: ChaCha20Poly1305, Name: "chacha20_poly1305", Salt: 4, IV: 8, ICV: 16, Block: 1, KLIPS: "chacha20poly1305", fixed: 32},
}

// Encryptions returns the table of encryption algorithms, in the order of their
// numbers.
func Encryptions() []Encryption { return slices.Clone(encryptions) }

// FindEncryption returns the encryption algorithm of an IANA number.
func FindEncryption(id uint16) (Encryption, error) {
	return byID("encryption algorithm", encryptions, id)
}

// EncryptionByName returns the encryption algorithm of a name, or an error that
// lists the names there are.
func EncryptionByName(name string) (Encryption, error) {
	return byName("encryption algorithm", encryptions, name)
}

func (e Encryption) number() uint16 { return e.ID }
func (e Encryption) name() string   { return e.Name }
