package proposal

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"ipsec/conf/spell"
)

// Error says what is wrong with a text. Offset is where Word stands in it, in
// bytes; Known are words that may stand there.
type Error struct {
	Offset int
	Word   string
	Want   string
	Known  []string
}

// Error returns one line that names the word, what was expected and the
// nearest known one.
func (e *Error) Error() string {
	return fmt.Sprintf("malformed %s: expected %s%s", spell.Quote(e.Word), e.Want, spell.Suggest(e.Word, e.Known))
}

// kind is what a proposal is for.
type kind uint8

const (
	forIKE kind = iota
	forESP
	forAH
)

// Limits on what one text may hold; they are far above any real one.
const (
	maxText      = 64 << 10
	maxProposals = 64
)

// byDefault returns what a conn without the keyword has.
func (k kind) byDefault() List {
	switch k {
	case forIKE:
		return DefaultIKE()
	case forAH:
		return DefaultAH()
	}
	return DefaultESP()
}

// defaultTexts are the defaults in their normal form.
var defaultTexts = sync.OnceValue(func() map[kind]string {
	texts := make(map[kind]string)
	for _, k := range []kind{forIKE, forESP, forAH} {
		texts[k] = k.byDefault().String()
	}
	return texts
})

// ParseIKE reads the value of ike=. The error is an *Error.
func ParseIKE(text string) (List, error) { return parse(text, forIKE) }

// ParseESP reads the value of esp= or phase2alg=. The error is an *Error.
func ParseESP(text string) (List, error) { return parse(text, forESP) }

// ParseAH reads the value of ah=. The error is an *Error.
func ParseAH(text string) (List, error) { return parse(text, forAH) }

// ParseGroup reads the value of pfsgroup=: one group, or several with commas
// between them, in order of preference. The error is an *Error.
func ParseGroup(text string) ([]string, error) {
	var list []string
	offset := 0
	for part := range strings.SplitSeq(text, ",") {
		word := strings.Trim(part, " \t")
		a := lookup(word)
		if a.class == without {
			a = algorithm{class: group, name: "none"}
		}
		if a.class != group {
			return nil, &Error{offset + strings.Index(part, word), word, "a group such as " + groupExamples, groupWords()}
		}
		list = appendNew(list, a.name)
		offset += len(part) + 1
	}
	if len(list) > 1 && slices.Contains(list, "none") {
		return nil, &Error{0, text, "none alone, or groups", nil}
	}
	return list, nil
}

func parse(text string, k kind) (List, error) {
	if len(text) > maxText {
		return List{}, &Error{0, text, fmt.Sprintf("at most %d bytes", maxText), nil}
	}
	if text == defaultTexts()[k] { // which plans write out for most connections
		return k.byDefault(), nil
	}
	var l List
	body := strings.TrimRight(text, " \t")
	if rest, ok := strings.CutSuffix(body, "!"); ok {
		body, l.Strict = rest, true
	}
	offset := 0
	for part := range strings.SplitSeq(body, ",") {
		p := parser{kind: k, text: text}
		p.pos = offset + len(part) - len(strings.TrimLeft(part, " \t"))
		p.end = p.pos + len(strings.Trim(part, " \t"))
		list, err := p.proposal()
		if err != nil {
			return List{}, err
		}
		l.Proposals = append(l.Proposals, list...)
		if len(l.Proposals) > maxProposals {
			return List{}, &Error{offset, part, fmt.Sprintf("at most %d proposals", maxProposals), nil}
		}
		offset += len(part) + 1
	}
	l.Weak = weak(l.Proposals)
	return l, nil
}

// parser takes one proposal apart: text from pos to end.
type parser struct {
	kind     kind
	text     string
	pos, end int

	p           Proposal
	noIntegrity bool // null beside a cipher
	seen        bool // some word
}

// proposal reads words up to the end.
func (p *parser) proposal() ([]Proposal, error) {
	start := p.pos
	p.prefix()
	for after := byte('-'); ; {
		if err := p.word(after); err != nil {
			return nil, err
		}
		if p.pos == p.end {
			break
		}
		after = p.text[p.pos]
		p.pos++
		for after == ';' && p.pos < p.end && p.text[p.pos] == ' ' {
			p.pos++
		}
	}
	return p.complete(p.text[start:p.end], start)
}

// prefix skips the name of the protocol, which some write first.
func (p *parser) prefix() {
	name := [...]string{"ike-", "esp-", "ah-"}[p.kind]
	if rest := p.text[p.pos:p.end]; len(rest) > len(name) && strings.EqualFold(rest[:len(name)], name) {
		p.pos += len(name)
	}
}

// word reads the longest word that means something here and stands after that
// separator.
func (p *parser) word(after byte) error {
	rest := p.text[p.pos:p.end]
	whole := rest
	if i := strings.IndexAny(rest, ";+ \t"); i >= 0 {
		whole = rest[:i]
	}
	first, _, _ := strings.Cut(whole, "-")
	for word := longestWord(whole); ; {
		if word != "" && !strings.ContainsAny(word[len(word)-1:], "-_") {
			if a := p.meaning(word, after); a.class != unknown {
				p.pos += len(word)
				p.take(a)
				return p.separator()
			}
		}
		i := strings.LastIndexByte(word, '-')
		if i < 0 {
			break
		}
		word = word[:i]
	}
	if first == "" && p.pos < p.end {
		first = rest[:1]
	}
	want, known := p.expected()
	return &Error{p.pos, first, want, known}
}

// longestWord returns the part of text, up to a "-" or to its end, that may be one word: none is
// longer than longest, but for what squeeze leaves out.
func longestWord(text string) string {
	n := 0
	for i := range len(text) {
		if text[i] == '-' || text[i] == '_' {
			continue
		}
		if n++; n > longest {
			return text[:max(0, strings.LastIndexByte(text[:i], '-'))]
		}
	}
	return text
}

// separator complains when a word is followed by what is none.
func (p *parser) separator() error {
	if p.pos < p.end && !strings.ContainsRune("-;+", rune(p.text[p.pos])) {
		return &Error{p.pos, p.text[p.pos : p.pos+1], "- between the words of a proposal, + between alternatives, and commas between proposals", nil}
	}
	return nil
}

// meaning returns what a word means at this place; class unknown when it
// cannot stand here.
func (p *parser) meaning(word string, after byte) algorithm {
	a := lookup(word)
	if a.class == without {
		a.class = noIntegrity
		if after == ';' || len(p.p.Integrity) > 0 || p.noIntegrity || p.kind == forAH {
			a = algorithm{class: group, name: "none"}
		}
	}
	if a.class == encryption && a.ciphers[0].Name == "null" && (p.seen && after != '+' || p.kind == forIKE) {
		a = algorithm{class: noIntegrity}
	}
	allowed := false
	switch a.class {
	case encryption:
		allowed = p.kind != forAH
	case integrity:
		allowed = p.seen || p.kind == forAH
	case noIntegrity:
		allowed = p.seen && p.kind != forAH
	case prf:
		allowed = p.seen && p.kind == forIKE
	case group:
		allowed = p.seen && (p.kind != forIKE || a.name != "none")
	case esn:
		allowed = p.seen && p.kind != forIKE
	}
	if !allowed {
		return algorithm{}
	}
	return a
}

// take adds an algorithm to the proposal.
func (p *parser) take(a algorithm) {
	p.seen = true
	switch a.class {
	case encryption:
		for _, c := range a.ciphers {
			p.p.Encryption = appendNew(p.p.Encryption, c)
		}
	case integrity:
		p.p.Integrity = appendNew(p.p.Integrity, a.name)
	case noIntegrity:
		p.noIntegrity = true
	case prf:
		p.p.PRF = appendNew(p.p.PRF, a.name)
	case group:
		p.p.Groups = appendNew(p.p.Groups, a.name)
	case esn:
		p.p.ESN |= a.esn
	}
}

// complete fills in what the text leaves open, and parts AEADs from others.
func (p *parser) complete(text string, at int) ([]Proposal, error) {
	if p.kind == forAH {
		return []Proposal{p.p}, nil
	}
	var aeads, others []Encryption
	for _, e := range p.p.Encryption {
		if IsAEAD(e.Name) {
			aeads = append(aeads, e)
		} else {
			others = append(others, e)
		}
	}
	if len(others) > 0 && p.noIntegrity && (len(p.p.Integrity) == 0) {
		return nil, &Error{at, text, fmt.Sprintf("an integrity algorithm beside %s, as in %s-sha256", others[0], others[0]), nil}
	}
	if p.kind == forIKE && len(p.p.Groups) == 0 {
		p.p.Groups = defaultGroups()
	}
	var list []Proposal
	if len(aeads) > 0 {
		list = append(list, p.aead(aeads))
	}
	if len(others) > 0 {
		list = append(list, p.other(others))
	}
	if len(list) == 2 && !IsAEAD(p.p.Encryption[0].Name) {
		slices.Reverse(list)
	}
	return list, nil
}

// aead makes a proposal of AEADs.
func (p *parser) aead(ciphers []Encryption) Proposal {
	q := p.p
	q.Encryption, q.Integrity = ciphers, nil
	if p.kind == forIKE && len(q.PRF) == 0 {
		q.PRF = prfsOf(p.p.Integrity)
		if len(q.PRF) == 0 {
			q.PRF = defaultPRFs()
		}
	}
	return q
}

// other makes a proposal of ciphers that need an integrity algorithm.
func (p *parser) other(ciphers []Encryption) Proposal {
	q := p.p
	q.Encryption = ciphers
	if len(q.Integrity) == 0 {
		q.Integrity = []string{"hmac_sha2_256_128", "hmac_sha2_512_256", "hmac_sha1_96"}
	}
	if p.kind == forIKE && len(q.PRF) == 0 {
		q.PRF = prfsOf(q.Integrity)
	}
	return q
}

func prfsOf(integrity []string) []string {
	var list []string
	for _, name := range integrity {
		list = appendNew(list, prfOf(name))
	}
	return list
}

func appendNew[T comparable](list []T, item T) []T {
	if slices.Contains(list, item) {
		return list
	}
	return append(list, item)
}
