package conf

import (
	"fmt"
	"slices"
	"strings"

	"ipsec/conf/keyword"
)

// sectionKey names a section: kind is "config", "conn" or "ca".
type sectionKey struct{ kind, name string }

// section is a section as it stands in a file.
type section struct {
	sectionKey
	pos    Pos
	params []param
	alsos  []also
	seen   map[paramID]Pos // where each of params has its keyword
	base   *section        // the implicit conn that it adds to
	walked [2]int          // the last flattening that came by, straight and flipped
}

// String returns "conn NAME".
func (s *section) String() string { return s.kind + " " + s.name }

// param is a parameter as it stands in a section.
type param struct {
	word  *keyword.Keyword // nil for an x- key
	side  Side             // of a keyword of an end
	name  string           // as written, of an x- key
	value string
	at    Pos  // of the keyword
	pos   Pos  // of the value
	bad   bool // the value is in error
}

// scratch is where a value is tried on.
type scratch struct {
	setup Setup
	conn  Conn
	end   End
}

// clear returns a target on the scratch that a section of that kind has.
func (s *scratch) clear(kind keyword.Section) target {
	switch kind {
	case keyword.SectionSetup:
		s.setup = Setup{}
	case keyword.SectionConn:
		s.conn = Conn{}
	case keyword.SectionEnd:
		s.end = End{}
	}
	return target{setup: &s.setup, conn: &s.conn, end: &s.end}
}

// id tells one parameter of a section from another.
type paramID struct {
	word *keyword.Keyword
	side Side
	name string
}

func (p *param) id() paramID { return paramID{p.word, p.side, p.name} }

// spelling returns the keyword in its normal spelling.
func (p *param) spelling() string {
	if p.word == nil {
		return p.name
	}
	return p.word.Spelling(p.side)
}

// also is a reference to another section.
type also struct {
	name string
	flip bool
	pos  Pos
}

// assembler makes sections of lines.
type assembler struct {
	*parser
	current   *section
	skip      bool // the header was in error: its parameters say nothing
	secret    bool // the line before held a key, which may go on
	inSection bool
	scratch   scratch // for trying values on
}

// leave ends the section that is being read.
func (a *assembler) leave() {
	a.current, a.skip, a.inSection, a.secret = nil, false, false, false
}

func (a *assembler) line(l line) {
	if l.indented {
		a.param(l)
		return
	}
	a.header(l)
}

// header begins a section, or checks the version.
func (a *assembler) header(l line) {
	afterSecret := a.secret
	a.leave()
	a.skip = true
	if i, what := badByte(l.text, true); i >= 0 {
		a.errorf(l.pos.right(i), "the header of a section holds %s", what)
		return
	}
	words := blankFields(l.text)
	word := words[0]
	if strings.Contains(word, "=") || len(words) > 1 && strings.HasPrefix(words[1], "=") {
		name, _, _ := strings.Cut(word, "=")
		if isKeyword(name) {
			name = quote(name)
		} else {
			name = "this"
		}
		a.errorf(l.pos, "%s stands at the start of a line: expected a blank before a parameter, or the header of a section", name)
		return
	}
	kinds := []string{"config", "conn", "ca", "include", "version"}
	if !slices.Contains(kinds, word) {
		shown := "this line"
		if !afterSecret && len(word) <= 20 {
			shown = quote(word)
		}
		a.errorf(l.pos, "%s does not begin a section: expected %s%s", shown, oneOf(kinds), suggest(word, kinds))
		return
	}
	name, at := "", l.pos.right(len(l.text))
	if len(words) > 1 {
		name, at = words[1], l.pos.right(len(word)+strings.Index(l.text[len(word):], words[1]))
	}
	if len(words) != 2 {
		found := "none"
		if len(words) > 2 {
			found = fmt.Sprint(len(words) - 1)
		}
		a.errorf(at, "malformed header of a section: expected %q and one name, found %s", word, found)
		return
	}
	if word == "version" {
		a.skip = false
		if v := strings.Trim(name, `"`); v != "2" && strings.TrimRight(v, "0") != "2." {
			a.errorf(at, "malformed version %s: expected 2.0", quote(name))
		}
		return
	}
	a.begin(sectionKey{word, name}, l.pos, at)
}

// begin opens the section of that name. Only %default may be begun again.
func (a *assembler) begin(key sectionKey, pos, at Pos) {
	switch {
	case key.name == "%default":
	case key.kind == "config" && key.name != "setup":
		a.errorf(at, "unknown section config %s: expected setup or %%default%s", quote(key.name), suggest(key.name, []string{"setup", "%default"}))
		return
	case !isName(key.name):
		a.errorf(at, "malformed name %s of a section: expected a letter or digit, then letters, digits, and . _ - + : @", quote(key.name))
		return
	}
	a.skip = false
	a.inSection = true
	old := a.sections[key]
	if old != nil && key.name == "%default" {
		a.current = old
		return
	}
	a.current = &section{sectionKey: key, pos: pos, seen: make(map[paramID]Pos)}
	if old != nil {
		// The second one is read to the side, so that its errors are said too.
		a.errorf(at, "%s is there twice; first at %s", old, old.pos)
		return
	}
	a.sections[key] = a.current
	a.order = append(a.order, a.current)
}

// param takes a parameter of the section that is being read.
func (a *assembler) param(l line) {
	if a.skip {
		return
	}
	set, at, wrong := assign(l)
	afterSecret := a.secret
	a.secret = false
	if !a.inSection {
		shown := "a parameter"
		if isKeyword(set.keyword) && wrong == "" {
			shown = quote(set.keyword)
		}
		a.errorf(l.pos, "%s stands in no section: expected a header such as \"conn NAME\" before it", shown)
		a.skip = true
		return
	}
	word, side, known := a.table.Find(a.current.kind, set.keyword)
	a.secret = known && word.Type == keyword.TypeSecret
	if wrong != "" {
		if afterSecret && !known {
			wrong = "malformed line after a key: expected KEYWORD=VALUE, and the whole key on one line"
		}
		a.errorf(at, "%s", wrong)
		return
	}
	lower := strings.ToLower(set.keyword)
	switch {
	case known && word.Reference:
		a.also(lower == "alsoflip", set)
		return
	case known:
	case strings.HasPrefix(lower, "x-") || strings.HasPrefix(lower, "x_"):
		a.current.params = append(a.current.params, param{name: set.keyword, value: set.value, at: set.at, pos: set.valuePos})
		return
	default:
		shown, hint := quote(set.keyword), a.hint(set.keyword)
		if afterSecret && hint == "" {
			shown = "(the line after a key)"
		}
		a.errorf(set.at, "unknown keyword %s in %s%s", shown, a.current, hint)
		return
	}
	p := param{word: word, side: side, value: set.value, at: set.at, pos: set.valuePos}
	if first, twice := a.current.seen[p.id()]; twice {
		a.errorf(p.at, "%s is given twice in %s; first at %s", quote(set.keyword), a.current, first)
		return
	}
	a.current.seen[p.id()] = p.at
	a.check(&p)
	a.current.params = append(a.current.params, p)
}

// hint says what may have been meant by an unknown keyword.
func (a *assembler) hint(keyword string) string {
	if a.full() {
		return ""
	}
	for _, kind := range []string{"config", "conn"} {
		if _, _, ok := a.table.Find(kind, keyword); ok && kind != a.current.kind {
			return fmt.Sprintf("; it belongs into a section of the kind %s", kind)
		}
	}
	return suggest(keyword, a.table.Names(a.current.kind))
}

func (a *assembler) also(flip bool, set assignment) {
	if set.value == "" {
		return
	}
	if !isName(set.value) {
		a.errorf(set.valuePos, "malformed %s %s: expected the name of one section", set.keyword, quote(set.value))
		return
	}
	a.current.alsos = append(a.current.alsos, also{set.value, flip, set.valuePos})
}

// check tries the value on a section of its own, and reports what is wrong
// with it.
func (a *assembler) check(p *param) {
	if boundTo(p.word).set == nil || p.value == "" {
		return
	}
	t := a.scratch.clear(p.word.Section)
	t.pos = p.pos
	t.warn = func(text string) { a.warnf(p.pos, "%s: %s", p.spelling(), text) }
	if err := boundTo(p.word).set(p.word, t, p.value); err != nil {
		p.bad = true
		a.errorf(p.pos.right(err.offset), "%s", err.message(p))
	}
}
