package secrets

import (
	"strings"

	"ipsec/conf"
)

// word is a word of a file. It may be part of a secret, so it is never shown.
type word struct {
	text   string
	quoted bool
	pos    conf.Pos
}

// is reports whether it is that word, not in quotes.
func (w word) is(text string) bool { return !w.quoted && w.text == text }

// split takes a line apart into words, without its comment. When wrong is not
// empty, it says what is wrong at that place.
func split(line string, pos conf.Pos) (words []word, at conf.Pos, wrong string) {
	for i := 0; i < len(line); {
		c := line[i]
		switch {
		case c == ' ' || c == '\t':
			i++
			continue
		case c == '#':
			return words, pos, ""
		}
		at := conf.Pos{File: pos.File, Line: pos.Line, Col: i + 1}
		if c == '"' || c == '\'' {
			body, rest, closed := strings.Cut(line[i+1:], string(c))
			if !closed {
				return nil, at, "a quote that is not closed on its line"
			}
			words = append(words, word{body, true, at})
			i = len(line) - len(rest)
			if rest != "" && !strings.ContainsRune(" \t:}", rune(rest[0])) {
				return nil, at, "text right after a closing quote: expected a blank"
			}
			continue
		}
		end := strings.IndexAny(line[i:], " \t")
		if end < 0 {
			end = len(line) - i
		}
		words = append(words, word{line[i : i+end], false, at})
		i += end
	}
	return words, pos, ""
}

// record is the words of an entry.
type record struct {
	words []word
	// at and wrong say what makes it no entry, where something does.
	at    conf.Pos
	wrong string
	open  bool // a brace is not closed
}

// reader yields the entries of a text.
type reader struct {
	rest string
	file string
	no   int

	next   []word // of a line that was read ahead
	nextAt conf.Pos
	nextBy string // what is wrong with it
	ahead  bool
}

// line reads the next line that has words, or that is wrong.
func (r *reader) line() (words []word, indented bool, at conf.Pos, wrong string, ok bool) {
	for r.rest != "" {
		raw, rest, _ := strings.Cut(r.rest, "\n")
		r.rest = rest
		r.no++
		raw = strings.TrimSuffix(raw, "\r")
		words, at, wrong := split(raw, conf.Pos{File: r.file, Line: r.no, Col: 1})
		if len(words) > 0 || wrong != "" {
			return words, raw[0] == ' ' || raw[0] == '\t', at, wrong, true
		}
	}
	return nil, false, conf.Pos{}, "", false
}

// record reads the next entry: a line and those after it that begin with a
// blank, and the } at the start of a line that closes a brace.
func (r *reader) record() (record, bool) {
	if !r.ahead {
		words, _, at, wrong, ok := r.line()
		if !ok {
			return record{}, false
		}
		r.next, r.nextAt, r.nextBy = words, at, wrong
	}
	r.ahead = false
	var rec record
	rec.add(r.next, r.nextAt, r.nextBy)
	for {
		words, indented, at, wrong, ok := r.line()
		if !ok {
			return rec, true
		}
		closing := rec.open && len(words) == 1 && words[0].is("}")
		if !indented && !closing {
			r.next, r.nextAt, r.nextBy, r.ahead = words, at, wrong, true
			return rec, true
		}
		rec.add(words, at, wrong)
	}
}

// add adds a line.
func (rec *record) add(words []word, at conf.Pos, wrong string) {
	for _, w := range words {
		rec.open = (rec.open || w.is("{")) && !w.is("}")
	}
	rec.words = append(rec.words, words...)
	if rec.wrong == "" && wrong != "" {
		rec.at, rec.wrong = at, wrong
	}
}
