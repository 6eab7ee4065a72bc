package conf

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// line is a line of a file without its comment and without the blanks around
// it; empty when nothing else is there.
type line struct {
	text     string
	pos      Pos  // of the first byte of text
	indented bool // it belongs to the section above
}

// scanner yields the lines of a text.
type scanner struct {
	rest string
	file string
	no   int
}

func newScanner(file string, text []byte) *scanner {
	return &scanner{rest: strings.TrimPrefix(string(text), "\ufeff"), file: file}
}

// next returns the next line that holds something.
func (s *scanner) next() (line, bool) {
	for s.rest != "" {
		raw, rest, _ := strings.Cut(s.rest, "\n")
		s.rest = rest
		s.no++
		raw = strings.TrimSuffix(raw, "\r")
		text := strings.TrimLeft(raw, " \t")
		indent := len(raw) - len(text)
		text = strings.TrimRight(withoutComment(text), " \t")
		if text != "" {
			return line{text, Pos{s.file, s.no, indent + 1}, indent > 0}, true
		}
	}
	return line{}, false
}

// withoutComment cuts a comment off: # at the start or after a blank, and not
// in quotes.
func withoutComment(text string) string {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			quoted = !quoted
		case '#':
			if !quoted && (i == 0 || text[i-1] == ' ' || text[i-1] == '\t') {
				return text[:i]
			}
		}
	}
	return text
}

// badByte returns the offset of the first thing in text that shell cannot
// carry on one line, and what it is; -1 when there is none. Tabs count only
// within a value.
func badByte(text string, tabs bool) (int, string) {
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			switch {
			case c == '\t' && tabs:
			case c == '\t':
				return i, "a tab in a value (write a space)"
			case c == 0:
				return i, "a NUL byte"
			case c < ' ' || c == 0x7f:
				return i, fmt.Sprintf("the control character 0x%02x", c)
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return i, fmt.Sprintf("the byte 0x%02x, which is not UTF-8", c)
		case r < 0xa0 || r == '\u2028' || r == '\u2029':
			return i, fmt.Sprintf("the control character U+%04X", r)
		}
		i += size
	}
	return -1, ""
}

// isName reports whether text can be the name of a section: letters, digits
// and . _ - + : @, beginning with a letter, a digit or _.
func isName(text string) bool {
	if text == "" || len(text) > 255 {
		return false
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if !isAlnum(c) && c != '_' && (i == 0 || !strings.ContainsRune(".-+:@", rune(c))) {
			return false
		}
	}
	return true
}

// isKeyword reports whether text has the form of a keyword.
func isKeyword(text string) bool {
	if text == "" || len(text) > 64 {
		return false
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if !isAlnum(c) && c != '_' && c != '-' || i == 0 && (isDigit(c) || c == '-') {
			return false
		}
	}
	return true
}

// blankFields splits text at blanks and tabs.
func blankFields(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\t' })
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlnum(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }

// assignment is "keyword = value" taken apart.
type assignment struct {
	keyword  string
	value    string
	at       Pos // of the keyword
	valuePos Pos
}

// assign takes a parameter line apart. The error says what is wrong and shows
// nothing of what may be a key.
func assign(l line) (a assignment, at Pos, wrong string) {
	name, value, found := strings.Cut(l.text, "=")
	keyword := strings.TrimRight(name, " \t")
	a = assignment{keyword: keyword, at: l.pos}
	if !isKeyword(keyword) {
		first, _, _ := strings.Cut(keyword, " ")
		if found && len(first) <= 20 {
			return a, l.pos, fmt.Sprintf("malformed keyword %s: expected letters, digits, _ and -", quote(keyword))
		}
		return a, l.pos, "malformed line: expected KEYWORD=VALUE"
	}
	if !found {
		return a, l.pos, fmt.Sprintf("no value after %s: expected KEYWORD=VALUE", quote(keyword))
	}
	trimmed := strings.TrimLeft(value, " \t")
	a.valuePos = l.pos.right(len(l.text) - len(trimmed))
	a.value = trimmed
	if strings.HasPrefix(trimmed, `"`) {
		body, tail, closed := strings.Cut(trimmed[1:], `"`)
		a.valuePos = a.valuePos.right(1)
		switch {
		case !closed:
			return a, a.valuePos.right(-1), fmt.Sprintf("the value of %s has no closing quote", keyword)
		case strings.Trim(tail, " \t") != "":
			return a, a.valuePos.right(len(body) + 1), fmt.Sprintf("text after the closing quote of %s: expected the end of the line", keyword)
		}
		a.value = body
	} else if i := strings.IndexByte(trimmed, '"'); i >= 0 {
		return a, a.valuePos.right(i), fmt.Sprintf("a quote within the value of %s: expected it around the whole value", keyword)
	}
	if i, what := badByte(a.value, false); i >= 0 {
		return a, a.valuePos.right(i), fmt.Sprintf("the value of %s holds %s: expected one line of printable text", keyword, what)
	}
	return a, a.at, ""
}
