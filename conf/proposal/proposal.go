// Package proposal reads what ike=, esp= (phase2alg=), ah= and pfsgroup= of
// ipsec.conf(5) say, in the spelling of Openswan, Libreswan and strongSwan,
// and turns it into lists of algorithm names.
//
// A text is a list of proposals with commas between them. A proposal is words
// with - or ; between them, and + between alternatives (Libreswan); within a
// word - and _ and capitals make no difference, so that aes_gcm_c-256,
// aes256gcm16 and AES_GCM_16_256 are one algorithm. A ! at the end is
// strongSwan's and Openswan's strict flag.
//
// The dialects differ in what a text leaves open. Here it means:
//
//   - Only what is named is offered and accepted, as Libreswan does it, with
//     the strict flag or without.
//   - A cipher without a key length (aes, aes_gcm) stands for 256 bits, then
//     128.
//   - A cipher that needs an integrity algorithm and has none gets
//     hmac_sha2_256_128, hmac_sha2_512_256, and hmac_sha1_96 for the sake of
//     old peers.
//   - A PRF that is not named follows from each integrity algorithm; beside an
//     AEAD, which has no use for an integrity algorithm, one that is named
//     stands for the PRF. An AEAD alone gets HMAC with SHA-2 256, 384 and 512.
//   - An IKE proposal without a group gets the groups of DefaultIKE. An ESP or
//     AH proposal without a group leaves Groups empty: pfs= and pfsgroup= decide.
//   - AEADs and other ciphers in one proposal become two proposals (RFC 7296,
//     section 3.3).
//   - What is weak is offered only when it is named.
package proposal

import (
	"slices"
	"strconv"
	"strings"
)

// Encryption is a cipher with a length of its key.
type Encryption struct {
	Name    string // such as aes_cbc, aes_gcm_16, 3des_cbc
	KeyBits int    // without a salt; 0 where the cipher has only one length
}

// ESN is a set of answers to whether SAs have extended sequence numbers.
type ESN uint8

// The answers. The zero ESN means that the text does not say.
const (
	WithoutESN ESN = 1 << iota
	WithESN
)

// Proposal is algorithms of which one of each list is to be chosen; each list
// is in order of preference. A proposal holds either AEADs, and then no
// Integrity, or other ciphers.
type Proposal struct {
	Encryption []Encryption // empty for AH
	Integrity  []string     // empty with an AEAD
	PRF        []string     // for IKE only
	Groups     []string     // for ESP and AH empty when not given; "none" among them means without
	ESN        ESN          // for ESP and AH only
}

// List is the value of ike=, esp= or ah=.
type List struct {
	Proposals []Proposal // in order of preference
	Strict    bool       // the text ended in !
	Weak      []string   // the names in Proposals that deserve a warning, in order
}

// IsAEAD reports whether a cipher authenticates by itself.
func IsAEAD(cipher string) bool {
	return strings.HasPrefix(cipher, "aes_gcm_") || strings.HasPrefix(cipher, "aes_ccm_") || cipher == "chacha20_poly1305"
}

// IsWeak reports whether an algorithm or group of that name is no longer fit
// for use (RFC 8221, 8247): 3des_cbc, null, MD5, and MODP groups of fewer than
// 2048 bits.
func IsWeak(name string) bool {
	switch name {
	case "3des_cbc", "null", "hmac_md5_96", "hmac_md5", "modp1024", "modp1536":
		return true
	}
	return false
}

// DefaultIKE is what a conn without ike= offers and accepts.
func DefaultIKE() List {
	return List{Proposals: []Proposal{
		{Encryption: defaultAEADs(), PRF: defaultPRFs(), Groups: defaultGroups()},
		{Encryption: defaultCiphers(), Integrity: defaultIntegrity(), PRF: defaultPRFs(), Groups: defaultGroups()},
	}}
}

// DefaultESP is what a conn without esp= offers and accepts.
func DefaultESP() List {
	return List{Proposals: []Proposal{
		{Encryption: defaultAEADs()},
		{Encryption: defaultCiphers(), Integrity: defaultIntegrity()},
	}}
}

// DefaultAH is what a conn with auth=ah and without ah= offers and accepts.
func DefaultAH() List {
	return List{Proposals: []Proposal{{Integrity: defaultIntegrity()}}}
}

func defaultAEADs() []Encryption {
	return []Encryption{{"aes_gcm_16", 256}, {"aes_gcm_16", 128}, {"chacha20_poly1305", 0}}
}

func defaultCiphers() []Encryption { return []Encryption{{"aes_cbc", 256}, {"aes_cbc", 128}} }

func defaultIntegrity() []string {
	return []string{"hmac_sha2_256_128", "hmac_sha2_384_192", "hmac_sha2_512_256"}
}

func defaultPRFs() []string { return []string{"hmac_sha2_256", "hmac_sha2_384", "hmac_sha2_512"} }

func defaultGroups() []string {
	return []string{"curve25519", "ecp256", "ecp384", "ecp521", "modp2048", "modp3072", "modp4096"}
}

// String returns the list in its normal form, which the parser that made it
// reads as the same list: every algorithm named, in strongSwan's spelling.
func (l List) String() string {
	texts := make([]string, len(l.Proposals))
	for i, p := range l.Proposals {
		texts[i] = p.String()
	}
	text := strings.Join(texts, ",")
	if l.Strict {
		text += "!"
	}
	return text
}

// String returns the proposal in its normal form.
func (p Proposal) String() string {
	var words []string
	for i, e := range p.Encryption {
		if e.Name == "null" && i > 0 { // after a "-" it would say that there is no integrity algorithm
			words[len(words)-1] += "+null"
			continue
		}
		words = append(words, e.String())
	}
	for _, name := range p.Integrity {
		words = append(words, spellIntegrity(name))
	}
	for _, name := range p.PRF {
		words = append(words, spellPRF(name))
	}
	for _, name := range p.Groups {
		if name == "none" {
			name = "modpnone"
		}
		words = append(words, name)
	}
	if p.ESN&WithESN != 0 {
		words = append(words, "esn")
	}
	if p.ESN&WithoutESN != 0 {
		words = append(words, "noesn")
	}
	return strings.Join(words, "-")
}

// String returns the cipher in its normal form, such as aes256gcm16.
func (e Encryption) String() string {
	mode, isAES := strings.CutPrefix(e.Name, "aes_")
	switch {
	case isAES && mode == "cbc":
		return "aes" + strconv.Itoa(e.KeyBits)
	case isAES:
		return "aes" + strconv.Itoa(e.KeyBits) + strings.ReplaceAll(mode, "_", "")
	case e.Name == "3des_cbc":
		return "3des"
	}
	return strings.ReplaceAll(e.Name, "_", "")
}

// weak returns what is weak in the proposals.
func weak(proposals []Proposal) []string {
	var list []string
	add := func(name string) {
		if IsWeak(name) && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	for _, p := range proposals {
		for _, e := range p.Encryption {
			add(e.Name)
		}
		for _, names := range [][]string{p.Integrity, p.PRF, p.Groups} {
			for _, name := range names {
				add(name)
			}
		}
	}
	return list
}
