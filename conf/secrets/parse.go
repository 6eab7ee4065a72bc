package secrets

import (
	"fmt"
	"strings"

	"ipsec/conf"
	"ipsec/conf/identity"
	"ipsec/conf/secret"
	"ipsec/conf/spell"
)

// kinds are the words after the colon.
func kinds() map[string]Kind {
	return map[string]Kind{"PSK": PSK, "RSA": RSA, "ECDSA": ECDSA, "PKCS8": PKCS8, "XAUTH": XAUTH, "EAP": EAP, "NTLM": 0, "P12": 0, "PIN": 0, "PPK": 0, "PPKS": 0, "BLISS": 0}
}

// entry reads one entry and keeps it, or says what is wrong with it.
func (p *parser) entry(rec record) {
	if rec.wrong != "" {
		p.errorf(rec.at, "%s", rec.wrong)
		return
	}
	indices, rest, ok := cutColon(rec.words)
	if !ok {
		p.errorf(rec.words[0].pos, "no colon in the entry: expected INDEX… : KIND SECRET, with blanks around the colon")
		return
	}
	e := &Entry{Pos: rec.words[0].pos}
	wrong := false
	for i, w := range indices {
		id, err := identity.Parse(w.text)
		if err != nil || id.IsZero() || id.Type == identity.TypeFromCert || id.Type == identity.TypeMyID {
			p.errorf(w.pos, "index %d is no identity: expected an address, @NAME, USER@NAME, %%any or a DN in quotes", i+1)
			wrong = true
			continue
		}
		e.IDs = append(e.IDs, id)
	}
	if len(rest) == 0 {
		last := rec.words[len(rec.words)-1]
		p.errorf(last.pos, "nothing after the colon: expected PSK, RSA, ECDSA, PKCS8, XAUTH or EAP")
		return
	}
	kind, known := kinds()[strings.ToUpper(rest[0].text)]
	switch {
	case !known || rest[0].quoted:
		p.unknownKind(rest[0])
		return
	case kind == 0:
		p.unsupported(rest[0])
		return
	}
	e.Kind = kind
	if p.secret(e, rest[0], rest[1:]) && !wrong {
		p.entries = append(p.entries, e)
	}
}

// cutColon parts the words of an entry at the colon, which may stand at the
// end of the last index, or before the kind.
func cutColon(words []word) (indices, rest []word, ok bool) {
	for i, w := range words {
		if w.quoted {
			continue
		}
		switch body, kind := strings.TrimSuffix(w.text, ":"), strings.TrimPrefix(w.text, ":"); {
		case w.text == ":":
			return words[:i], words[i+1:], true
		case body != w.text && i+1 < len(words) && isKind(words[i+1]):
			indices = append(append(indices, words[:i]...), word{body, false, w.pos})
			return indices, words[i+1:], true
		case kind != w.text && isKind(word{text: kind}):
			w.text, w.pos.Col = kind, w.pos.Col+1
			return words[:i], append([]word{w}, words[i+1:]...), true
		}
	}
	return nil, nil, false
}

func isKind(w word) bool {
	_, known := kinds()[strings.ToUpper(w.text)]
	return known && !w.quoted
}

// unknownKind complains about a word that is no kind, and does not show it:
// somebody may have left the kind out.
func (p *parser) unknownKind(w word) {
	hint := ""
	if !w.quoted && len(w.text) <= 7 {
		hint = spell.Suggest(w.text, []string{"PSK", "RSA", "ECDSA", "PKCS8", "XAUTH", "EAP"})
	}
	p.errorf(w.pos, "unknown kind of secret after the colon: expected PSK, RSA, ECDSA, PKCS8, XAUTH or EAP%s", hint)
}

// unsupported tells of a kind that other programs know.
func (p *parser) unsupported(w word) {
	switch kind := strings.ToUpper(w.text); kind {
	case "P12":
		p.errorf(w.pos, "P12 is not supported: expected PKCS8 FILE; openssl pkcs12 -in FILE.p12 -nocerts makes such a file")
	case "PIN":
		p.warnf(w.pos, "PIN has no effect: smart cards are not supported")
	default:
		p.errorf(w.pos, "%s is not supported: expected PSK, RSA, ECDSA, PKCS8, XAUTH or EAP", kind)
	}
}

// secret reads what stands after the kind, which is at word w.
func (p *parser) secret(e *Entry, w word, rest []word) bool {
	if len(rest) == 0 {
		p.errorf(w.pos, "nothing after %s: expected %s", e.Kind, wanted(e.Kind))
		return false
	}
	switch e.Kind {
	case PSK, XAUTH, EAP:
		return p.text(e, rest)
	}
	if e.Kind == RSA && rest[0].is("{") {
		return p.block(e, rest)
	}
	return p.file(e, rest)
}

// wanted says what stands after a kind.
func wanted(k Kind) string {
	switch k {
	case PSK, XAUTH, EAP:
		return "text in quotes, 0x and hex digits, 0s and base64, or 0t and text"
	case RSA:
		return "a file, or { and the key"
	}
	return "a file"
}

// text reads the secret of PSK, XAUTH or EAP.
func (p *parser) text(e *Entry, rest []word) bool {
	w := rest[0]
	e.Secret = secret.New(w.text)
	if w.quoted {
		if w.text == "" {
			p.errorf(w.pos, "the secret of %s is empty", e.Kind)
			return false
		}
		e.Secret = secret.New("0t" + w.text)
	}
	if _, err := e.Secret.Decode(); err != nil {
		p.errorf(w.pos, "malformed secret of %s: expected %s", e.Kind, wanted(e.Kind))
		return false
	}
	return p.nothingAfter(e, rest[1:])
}

// file reads the name of a private key's file and its passphrase.
func (p *parser) file(e *Entry, rest []word) bool {
	e.File = rest[0].text
	if i := strings.IndexFunc(e.File, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 || e.File == "" || len(e.File) > 4096 {
		p.errorf(rest[0].pos, "malformed name of a file after %s", e.Kind)
		return false
	}
	if len(rest) == 1 {
		return true
	}
	switch w := rest[1]; {
	case w.is("%prompt"):
		e.Prompt = true
	case w.quoted:
		e.Passphrase = secret.New("0t" + w.text)
		if w.text == "" {
			e.Passphrase = secret.Text{}
		}
	case secret.New(w.text).IsSet():
		e.Passphrase = secret.New(w.text)
		if _, err := e.Passphrase.Decode(); err != nil {
			p.errorf(w.pos, "malformed passphrase: expected it in quotes, or %%prompt")
			return false
		}
	}
	return p.nothingAfter(e, rest[2:])
}

func (p *parser) nothingAfter(e *Entry, rest []word) bool {
	if len(rest) > 0 {
		p.errorf(rest[0].pos, "text after the secret of %s: expected the end of the entry; a new one begins at the start of a line", e.Kind)
		return false
	}
	return true
}

func (p *parser) errorf(pos conf.Pos, format string, args ...any) {
	p.report(&p.errors, conf.Diagnostic{Pos: pos, Text: fmt.Sprintf(format, args...)})
}

func (p *parser) warnf(pos conf.Pos, format string, args ...any) {
	p.report(&p.warnings, conf.Diagnostic{Pos: pos, Text: fmt.Sprintf(format, args...)})
}

// maxReports bounds what a file of rubbish makes us remember.
const maxReports = 1000

func (p *parser) report(list *[]conf.Diagnostic, d conf.Diagnostic) {
	if len(*list) < maxReports {
		*list = append(*list, d)
	}
}
