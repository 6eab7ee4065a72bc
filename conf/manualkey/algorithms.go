// Package manualkey knows the algorithms of manually keyed SAs, as esp= and ah= of ipsec.conf(5) name them, and how long
// their keys are. Those that Pluto negotiates are in package proposal.
package manualkey

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"ipsec/conf/spell"
)

// Ciphers and authentications by the names that package klips gives them,
// with the sizes of their keys in bytes; of AEADs and CTR the salt counts.
var (
	cipherKeys = map[string][]int{
		"3des": {24}, "null": {0}, "aes": {16, 24, 32},
		"aesctr":  {16 + 4, 24 + 4, 32 + 4},
		"aesgcm8": {16 + 4, 24 + 4, 32 + 4}, "aesgcm12": {16 + 4, 24 + 4, 32 + 4}, "aesgcm16": {16 + 4, 24 + 4, 32 + 4},
		"aesccm8": {16 + 3, 24 + 3, 32 + 3}, "aesccm12": {16 + 3, 24 + 3, 32 + 3}, "aesccm16": {16 + 3, 24 + 3, 32 + 3},
		"chacha20poly1305": {32 + 4},
	}
	authKeys = map[string]int{
		"md5-96": 16, "sha1-96": 20, "sha2_256-128": 32, "sha2_256-96": 32, "sha2_384-192": 48, "sha2_512-256": 64,
		"aes_xcbc-96": 16, "aes_cmac-96": 16,
	}
)

// CipherLens returns the lengths in bytes that the key of a cipher may have, its salt included; none
// for an unknown one.
func CipherLens(enc string) []int { return cipherKeys[enc] }

// AuthLen returns the length in bytes of an authentication's key; 0 for an unknown one.
func AuthLen(auth string) int { return authKeys[auth] }

// IsAEAD reports whether a cipher authenticates by itself.
func IsAEAD(enc string) bool {
	return strings.HasPrefix(enc, "aesgcm") || strings.HasPrefix(enc, "aesccm") || enc == "chacha20poly1305"
}

// SaltLen returns how many bytes after the key proper belong to the salt or
// nonce (RFC 3686, 4106, 4309, 7634).
func SaltLen(enc string) int {
	switch {
	case strings.HasPrefix(enc, "aesccm"):
		return 3
	case IsAEAD(enc), enc == "aesctr":
		return 4
	}
	return 0
}

// The spellings, with - and _ and a final ! left out. Groups: cipher, size
// before the mode, mode, its tag, size after it, authentication, its bits.
var grammar = sync.OnceValues(func() (esp, ah *regexp.Regexp) {
	const auth = `((?:hmac)?(?:md5|sha1|sha2256|sha2384|sha2512|sha256|sha384|sha512|sha2|sha|null|none)|aesxcbc|aescmac)(96|128|192|256)?`
	esp = regexp.MustCompile(`^(?:esp)?(?:(3des)(?:192|168)?(?:cbc)?|(null|chacha20poly1305)|(aes)(128|192|256)?(?:(cbc|ctr|gcm|ccm)(?:(8|12|16|64|96|128)|([abc]))?(128|192|256)?)?)(?:` + auth + `)?$`)
	ah = regexp.MustCompile(`^(?:ah)?` + auth + `$`)
	return esp, ah
})

// squeeze leaves out what the spellings of an algorithm differ in.
func squeeze(s string) string {
	s = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(s), "!"))
	return strings.ReplaceAll(strings.ReplaceAll(s, "-", ""), "_", "")
}

var errOneAlgorithm = errors.New("expected one algorithm for manual keying, without groups")

// ParseESP takes an algorithm of ESP apart, as a manually keyed connection
// names one: 3des-md5-96, aes128-sha1, aes_gcm_c-256-null, aes128gcm16,
// chacha20poly1305, null-sha2_256 and the like. It returns the names that
// klips.SA has in Enc and Auth (Auth is empty for an AEAD, or when there is
// none), and the size of the cipher's key in bits, without a salt: 0 when the
// string does not say and the cipher has several.
func ParseESP(s string) (enc, auth string, keyBits int, err error) {
	fail := func() (string, string, int, error) {
		return "", "", 0, fmt.Errorf("malformed ESP algorithm %s: expected one such as aes128-sha1, aes256-sha2_256, aes128gcm16 or 3des-md5-96", spell.Quote(s))
	}
	if strings.ContainsAny(s, ",;|+") {
		return "", "", 0, fmt.Errorf("malformed ESP algorithm %s: %w", spell.Quote(s), errOneAlgorithm)
	}
	esp, _ := grammar()
	m := esp.FindStringSubmatch(squeeze(s))
	if m == nil {
		return fail()
	}
	before, mode, tag, letter, after := m[4], m[5], m[6], m[7], m[8]
	if before == "" && after == "" && tag == "128" {
		tag, after = "", tag // aes_gcm128 has a key of 128 bits, aes128gcm128 a tag of that size
	}
	tagged := mode == "gcm" || mode == "ccm"
	if !tagged && before == "" && after == "" {
		tag, after = "", tag // aes_ctr128
	}
	if before != "" && after != "" || !tagged && (tag != "" || letter != "") {
		return fail()
	}
	switch {
	case m[1] != "":
		enc, keyBits = "3des", 192
	case m[2] == "null":
		enc = "null"
	case m[2] != "":
		enc, keyBits = m[2], 256
	default:
		enc = "aes"
		keyBits, _ = strconv.Atoi(before + after)
		switch mode {
		case "ctr":
			enc = "aesctr"
		case "gcm", "ccm":
			enc += mode + map[string]string{"": "16", "8": "8", "64": "8", "a": "8", "12": "12", "96": "12", "b": "12", "16": "16", "128": "16", "c": "16"}[tag+letter]
		}
	}
	auth, ok := authName(m[9], m[10])
	switch {
	case !ok, IsAEAD(enc) && auth != "":
		return fail()
	case enc == "null" && auth == "":
		return "", "", 0, fmt.Errorf("malformed ESP algorithm %s: expected an authentication with the null cipher, such as null-sha1-96", spell.Quote(s))
	}
	return enc, auth, keyBits, nil
}

// authName returns the name in klips.SA of an authentication whose tag has
// that many bits; no number means the usual one (RFC 4868 for SHA-2).
func authName(name, bits string) (string, bool) {
	switch strings.TrimPrefix(name, "hmac") {
	case "", "null", "none":
		return "", bits == ""
	case "md5":
		return "md5-96", bits == "" || bits == "96"
	case "sha", "sha1":
		return "sha1-96", bits == "" || bits == "96"
	case "sha2", "sha256", "sha2256":
		if bits == "96" {
			return "sha2_256-96", true
		}
		return "sha2_256-128", bits == "" || bits == "128"
	case "aesxcbc":
		return "aes_xcbc-96", bits == "" || bits == "96"
	case "aescmac":
		return "aes_cmac-96", bits == "" || bits == "96"
	case "sha384", "sha2384":
		return "sha2_384-192", bits == "" || bits == "192"
	}
	return "sha2_512-256", bits == "" || bits == "256"
}

// ParseAH takes an algorithm of AH as a manually keyed connection names one:
// hmac-md5-96, hmac-sha1-96, sha2_256 and the like. It returns the name that
// klips.SA has in Auth.
func ParseAH(s string) (auth string, err error) {
	if strings.ContainsAny(s, ",;|+") {
		return "", fmt.Errorf("malformed AH algorithm %s: %w", spell.Quote(s), errOneAlgorithm)
	}
	_, ah := grammar()
	if m := ah.FindStringSubmatch(squeeze(s)); m != nil {
		if auth, ok := authName(m[1], m[2]); ok && auth != "" {
			return auth, nil
		}
	}
	return "", fmt.Errorf("malformed AH algorithm %s: expected one such as hmac-sha1-96, hmac-md5-96 or sha2_256", spell.Quote(s))
}
