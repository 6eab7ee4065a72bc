package proposal

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// class is what kind of algorithm a word names.
type class uint8

const (
	unknown class = iota
	encryption
	integrity
	prf
	group
	noIntegrity // null beside a cipher
	without     // none: of integrity or of a group, as its place says
	esn
)

// algorithm is what a word means. Names has more than one where the word
// leaves the key length open.
type algorithm struct {
	class   class
	ciphers []Encryption
	name    string
	esn     ESN
}

// squeeze leaves out what the spellings of a word differ in.
func squeeze(word string) string {
	if !strings.ContainsFunc(word, func(r rune) bool { return r == '-' || r == '_' || unicode.ToLower(r) != r }) {
		return word
	}
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' {
			return -1
		}
		return unicode.ToLower(r)
	}, word)
}

// The spellings of ciphers, squeezed: the size of the key may stand before the
// mode or after it, and a letter may stand for the size of the tag.
var patterns = sync.OnceValue(func() (p struct{ tripleDES, aes, aead *regexp.Regexp }) {
	p.tripleDES = regexp.MustCompile(`^3des(?:192|168)?(?:cbc)?(?:192|168)?$`)
	p.aes = regexp.MustCompile(`^aes(128|192|256)?(cbc|ctr)?(128|192|256)?$`)
	p.aead = regexp.MustCompile(`^aes(128|192|256)?(gcm|ccm)(8|12|16|64|96|128|a|b|c)?(128|192|256)?$`)
	return p
})

// cipher returns the ciphers that a squeezed word names, or none.
func cipher(word string) []Encryption {
	switch word {
	case "null":
		return []Encryption{{Name: "null"}}
	case "chacha20poly1305", "chacha20poly1305256":
		return []Encryption{{Name: "chacha20_poly1305"}}
	}
	if !strings.HasPrefix(word, "aes") && !strings.HasPrefix(word, "3des") {
		return nil // most words are none, and need no expression to say so
	}
	p := patterns()
	if p.tripleDES.MatchString(word) {
		return []Encryption{{Name: "3des_cbc"}}
	}
	if m := p.aes.FindStringSubmatch(word); m != nil {
		name := "aes_cbc"
		if m[2] != "" {
			name = "aes_" + m[2]
		}
		return withKeys(name, m[1], m[3])
	}
	if m := p.aead.FindStringSubmatch(word); m != nil {
		before, tag, after := m[1], m[3], m[4]
		if before == "" && after == "" && tag == "128" {
			tag, after = "", tag // aes_gcm128 has a key of 128 bits, aes128gcm128 a tag of that size
		}
		size := map[string]string{"": "16", "8": "8", "64": "8", "a": "8", "12": "12", "96": "12", "b": "12", "16": "16", "128": "16", "c": "16"}[tag]
		return withKeys("aes_"+m[2]+"_"+size, before, after)
	}
	return nil
}

// withKeys returns the cipher with the length of the key that stands before or
// after it, or with the usual ones.
func withKeys(name, before, after string) []Encryption {
	if before != "" && after != "" && before != after {
		return nil
	}
	bits, err := strconv.Atoi(before)
	if err != nil {
		bits, err = strconv.Atoi(after)
	}
	if err != nil {
		return []Encryption{{name, 256}, {name, 128}}
	}
	return []Encryption{{name, bits}}
}

// integrityNames are the squeezed spellings of integrity algorithms, hmac
// before them left out. A PRF is spelled likewise with prf before it.
var integrityNames = sync.OnceValue(func() map[string]string {
	names := make(map[string]string)
	for name, spellings := range map[string]string{
		"hmac_md5_96":       "md5 md596 md5128",
		"hmac_sha1_96":      "sha1 sha sha196 sha96 sha1160",
		"hmac_sha2_256_128": "sha256 sha2256 sha2 sha256128 sha2256128 sha2128",
		"hmac_sha2_384_192": "sha384 sha2384 sha384192 sha2384192",
		"hmac_sha2_512_256": "sha512 sha2512 sha512256 sha2512256",
		"aes_xcbc_96":       "aesxcbc aesxcbc96 aesxcbcmac aes128xcbc xcbc",
		"aes_cmac_96":       "aescmac aescmac96 aes128cmac cmac",
	} {
		for spelling := range strings.FieldsSeq(spellings) {
			names[spelling] = name
		}
	}
	return names
})

// prfOf returns the PRF that goes with an integrity algorithm.
func prfOf(integrity string) string {
	switch integrity {
	case "hmac_md5_96":
		return "hmac_md5"
	case "hmac_sha1_96":
		return "hmac_sha1"
	case "hmac_sha2_256_128":
		return "hmac_sha2_256"
	case "hmac_sha2_384_192":
		return "hmac_sha2_384"
	case "hmac_sha2_512_256":
		return "hmac_sha2_512"
	case "aes_xcbc_96":
		return "aes128_xcbc"
	}
	return "aes128_cmac"
}

// groupNames are the spellings of groups, squeezed.
var groupNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{"x25519": "curve25519", "modpnone": "none", "dh0": "none"}
	for number, name := range map[string]string{
		"2": "modp1024", "5": "modp1536", "14": "modp2048", "15": "modp3072", "16": "modp4096", "17": "modp6144", "18": "modp8192",
		"19": "ecp256", "20": "ecp384", "21": "ecp521", "31": "curve25519",
	} {
		names["dh"+number], names[name] = name, name
	}
	return names
})

// longest is the length of the longest spelling, squeezed: chacha20poly1305256.
const longest = 19

// lookup returns what a word means, of class unknown when it means nothing.
func lookup(word string) algorithm {
	if word = squeeze(word); len(word) > longest {
		return algorithm{}
	}
	switch word {
	case "none":
		return algorithm{class: without}
	case "esn":
		return algorithm{class: esn, esn: WithESN}
	case "noesn":
		return algorithm{class: esn, esn: WithoutESN}
	}
	if list := cipher(word); list != nil {
		return algorithm{class: encryption, ciphers: list}
	}
	if name, ok := groupNames()[word]; ok {
		return algorithm{class: group, name: name}
	}
	if rest, ok := strings.CutPrefix(word, "prf"); ok {
		if name, ok := integrityNames()[strings.TrimPrefix(rest, "hmac")]; ok {
			return algorithm{class: prf, name: prfOf(name)}
		}
		return algorithm{}
	}
	if name, ok := integrityNames()[strings.TrimPrefix(word, "hmac")]; ok {
		return algorithm{class: integrity, name: name}
	}
	return algorithm{}
}

// spellIntegrity returns the normal spelling of an integrity algorithm.
func spellIntegrity(name string) string {
	switch name {
	case "hmac_md5_96":
		return "md5"
	case "hmac_sha1_96":
		return "sha1"
	case "hmac_sha2_256_128":
		return "sha256"
	case "hmac_sha2_384_192":
		return "sha384"
	case "hmac_sha2_512_256":
		return "sha512"
	case "aes_xcbc_96":
		return "aesxcbc"
	}
	return "aescmac"
}

// spellPRF returns the normal spelling of a PRF.
func spellPRF(name string) string {
	for _, i := range []string{"hmac_md5_96", "hmac_sha1_96", "hmac_sha2_256_128", "hmac_sha2_384_192", "hmac_sha2_512_256", "aes_xcbc_96"} {
		if prfOf(i) == name {
			return "prf" + spellIntegrity(i)
		}
	}
	return "prfaescmac"
}
