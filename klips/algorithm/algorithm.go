// Package algorithm is the table of the ciphers and authenticators that the
// transforms of ESP and AH offer, under the names of klips.SA: how long their
// keys, IVs and ICVs are, and the RFC that says so. It also holds [MAC], the
// truncated MAC that both transforms compute.
//
// No error of this package contains a key or a part of one.
package algorithm

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"slices"
	"strings"

	"ipsec/klips/algorithm/aesmode"
)

// A Cipher describes a transform of ESP that encrypts. All lengths are in bytes.
type Cipher struct {
	Name  string // as in klips.SA.Enc
	Keys  []int  // the lengths that a key may have, Salt included, ascending
	Salt  int    // the last bytes of the key that are a salt or nonce, not key
	Align int    // ciphertext is a multiple of this, at least 4 (RFC 4303, section 2.4)
	IV    int    // length of the IV that each packet carries
	ICV   int    // length of the ICV of an AEAD, 0 for other ciphers
	RFC   string // where it is specified
}

// AEAD reports whether the cipher authenticates too, so that no authenticator
// may go with it.
func (c Cipher) AEAD() bool { return c.ICV > 0 }

// CheckKey returns an error that names the lengths allowed when key is of
// none of them.
func (c Cipher) CheckKey(key []byte) error {
	if slices.Contains(c.Keys, len(key)) {
		return nil
	}
	var lengths []string
	for _, n := range c.Keys {
		lengths = append(lengths, fmt.Sprint(n))
	}
	what := strings.Join(lengths, " or ")
	if c.Salt > 0 {
		what += fmt.Sprintf(" (the last %d are the salt)", c.Salt)
	}
	return fmt.Errorf("key of %s has %d bytes, expected %s", c.Name, len(key), what)
}

// An Auth describes a keyed authenticator of ESP or AH. All lengths are in bytes.
type Auth struct {
	Name  string // as in klips.SA.Auth
	Key   int    // the one length that a key has
	ICV   int    // length of the ICV, a truncated MAC
	RFC   string // where it is specified
	keyed func(key []byte) (hash.Hash, error)
}

// CheckKey returns an error that names the length expected when key is of
// another.
func (a Auth) CheckKey(key []byte) error {
	if len(key) != a.Key {
		return fmt.Errorf("key of %s has %d bytes, expected %d", a.Name, len(key), a.Key)
	}
	return nil
}

// Ciphers returns the table of ciphers, in a stable order. The caller may
// change what it gets.
func Ciphers() []Cipher {
	salted, ccm := []int{20, 28, 36}, []int{19, 27, 35}
	return []Cipher{
		{Name: "3des", Keys: []int{24}, Align: 8, IV: 8, RFC: "RFC 2451"},
		{Name: "aes", Keys: []int{16, 24, 32}, Align: 16, IV: 16, RFC: "RFC 3602"},
		{Name: "aesctr", Keys: salted, Salt: 4, Align: 4, IV: 8, RFC: "RFC 3686"},
		{Name: "aesgcm16", Keys: salted, Salt: 4, Align: 4, IV: 8, ICV: 16, RFC: "RFC 4106"},
		{Name: "aesgcm12", Keys: salted, Salt: 4, Align: 4, IV: 8, ICV: 12, RFC: "RFC 4106"},
		{Name: "aesgcm8", Keys: salted, Salt: 4, Align: 4, IV: 8, ICV: 8, RFC: "RFC 4106"},
		{Name: "aesccm16", Keys: ccm, Salt: 3, Align: 4, IV: 8, ICV: 16, RFC: "RFC 4309"},
		{Name: "aesccm12", Keys: ccm, Salt: 3, Align: 4, IV: 8, ICV: 12, RFC: "RFC 4309"},
		{Name: "aesccm8", Keys: ccm, Salt: 3, Align: 4, IV: 8, ICV: 8, RFC: "RFC 4309"},
		{Name: "chacha20poly1305", Keys: []int{36}, Salt: 4, Align: 4, IV: 8, ICV: 16, RFC: "RFC 7634"},
		{Name: "null", Keys: []int{0}, Align: 4, RFC: "RFC 2410"},
	}
}

// Auths returns the table of authenticators, in a stable order. The caller
// may change what it gets.
func Auths() []Auth {
	return []Auth{
		{Name: "md5-96", Key: 16, ICV: 12, RFC: "RFC 2403", keyed: hmacOf(md5.New)},
		{Name: "sha1-96", Key: 20, ICV: 12, RFC: "RFC 2404", keyed: hmacOf(sha1.New)},
		{Name: "sha2_256-128", Key: 32, ICV: 16, RFC: "RFC 4868", keyed: hmacOf(sha256.New)},
		{Name: "sha2_256-96", Key: 32, ICV: 12, RFC: "draft-ietf-ipsec-ciph-sha-256-00", keyed: hmacOf(sha256.New)},
		{Name: "sha2_384-192", Key: 48, ICV: 24, RFC: "RFC 4868", keyed: hmacOf(sha512.New384)},
		{Name: "sha2_512-256", Key: 64, ICV: 32, RFC: "RFC 4868", keyed: hmacOf(sha512.New)},
		{Name: "aes_xcbc-96", Key: 16, ICV: 12, RFC: "RFC 3566", keyed: aesmode.NewXCBC},
		{Name: "aes_cmac-96", Key: 16, ICV: 12, RFC: "RFC 4494", keyed: aesmode.NewCMAC},
	}
}

func hmacOf(h func() hash.Hash) func([]byte) (hash.Hash, error) {
	return func(key []byte) (hash.Hash, error) { return hmac.New(h, key), nil }
}

// FindCipher returns the cipher of that name, or an error that lists the
// names there are.
func FindCipher(name string) (Cipher, error) {
	var names []string
	for _, c := range Ciphers() {
		if c.Name == name {
			return c, nil
		}
		names = append(names, c.Name)
	}
	return Cipher{}, fmt.Errorf("unknown cipher %q, expected one of %s", name, strings.Join(names, ", "))
}

// FindAuth returns the authenticator of that name, or an error that lists the
// names there are.
func FindAuth(name string) (Auth, error) {
	var names []string
	for _, a := range Auths() {
		if a.Name == name {
			return a, nil
		}
		names = append(names, a.Name)
	}
	return Auth{}, fmt.Errorf("unknown authenticator %q, expected one of %s", name, strings.Join(names, ", "))
}
