package shell

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// command is a simple command, in as much of the grammar as plans need.
type command struct {
	env   []variable
	words []word
	redir redirect
}

// variable is NAME=value before a command.
type variable struct{ name, value string }

// word is literal text or, as "$$" is, one parameter in double quotes.
type word struct {
	text  string
	param bool
	col   int // where it began, of one that was read
}

// redirect is one of > and >> with a file, 9< with a folder, and 9<&-.
type redirect struct{ op, target string }

const closeLock = "9<&-"

// appendCommand appends c as shell. Every value is quoted by syntax.Quote.
func appendCommand(b []byte, c command) ([]byte, error) {
	var err error
	for _, v := range c.env {
		b = append(append(b, v.name...), '=')
		if b, err = appendQuoted(b, v.value); err != nil {
			return b, err
		}
		b = append(b, ' ')
	}
	for i, w := range c.words {
		if i > 0 {
			b = append(b, ' ')
		}
		if w.param {
			b = append(append(append(b, '"'), w.text...), '"')
		} else if b, err = appendQuoted(b, w.text); err != nil {
			return b, err
		}
	}
	if len(c.words) == 0 { // an assignment by itself
		b = b[:len(b)-1]
	}
	if c.redir.op == "" {
		return b, nil
	}
	b = append(append(b, ' '), c.redir.op...)
	if c.redir.op == closeLock {
		return b, nil
	}
	return appendQuoted(append(b, ' '), c.redir.target)
}

func appendQuoted(b []byte, s string) ([]byte, error) {
	if plain(s) {
		return append(b, s...), nil
	}
	q, err := syntax.Quote(s, syntax.LangPOSIX)
	if err != nil {
		return b, fmt.Errorf("failed to quote %q: %w", s, err)
	}
	return append(b, q...), nil
}

// plain reports whether s is made of letters, digits and some marks only, which
// spares most words the way through Quote: it returns them as they are.
func plain(s string) bool {
	for i := range len(s) {
		if !plainBytes[s[i]] {
			return false
		}
	}
	return s != "" && !syntax.IsKeyword(s)
}

var plainBytes = func() (set [256]bool) {
	for c := range set {
		set[c] = c < utf8.RuneSelf && (unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c)) || strings.ContainsRune("-_./:@%+,", rune(c)))
	}
	return set
}()

// readCommand is the inverse of appendCommand. It takes more than that writes;
// what it reads is written again and compared.
func readCommand(s *syntax.Stmt) (command, error) {
	call, ok := s.Cmd.(*syntax.CallExpr)
	if !ok {
		return command{}, errorAt(s, "expected a simple command")
	}
	var c command
	for _, a := range call.Assigns {
		if a.Naked || a.Value == nil || a.Name == nil {
			return command{}, errorAt(a, "expected NAME=value")
		}
		value, err := readWord(a.Value)
		if err != nil || value.param {
			return command{}, errorAt(a, "expected NAME=value with a literal value")
		}
		c.env = append(c.env, variable{a.Name.Value, value.text})
	}
	for _, w := range call.Args {
		word, err := readWord(w)
		if err != nil {
			return command{}, err
		}
		c.words = append(c.words, word)
	}
	switch len(s.Redirs) {
	case 0:
		return c, nil
	case 1:
	default:
		return command{}, errorAt(s.Redirs[1], "expected one redirection at most")
	}
	r := s.Redirs[0]
	target, err := readWord(r.Word)
	if err != nil {
		return command{}, err
	}
	c.redir = redirect{op: r.Op.String(), target: target.text}
	if r.N != nil {
		c.redir.op = r.N.Value + c.redir.op
	}
	if c.redir.op+c.redir.target == closeLock {
		c.redir = redirect{op: closeLock}
	}
	return c, nil
}

func readWord(w *syntax.Word) (word, error) {
	col := int(w.Pos().Col())
	if len(w.Parts) == 1 {
		switch part := w.Parts[0].(type) {
		case *syntax.Lit:
			return word{text: part.Value, col: col}, nil
		case *syntax.SglQuoted:
			return word{text: part.Value, col: col}, nil
		case *syntax.DblQuoted:
			if len(part.Parts) != 1 {
				break
			}
			switch in := part.Parts[0].(type) {
			case *syntax.Lit:
				return word{text: unescape.Replace(in.Value), col: col}, nil
			case *syntax.ParamExp:
				if in.Short && in.Param != nil {
					return word{text: "$" + in.Param.Value, param: true, col: col}, nil
				}
			}
		}
	}
	return word{}, errorAt(w, "expected a literal word, without substitutions and in one way of quoting")
}

// unescape undoes what a backslash does within double quotes.
var unescape = strings.NewReplacer(`\\`, `\`, `\"`, `"`, "\\`", "`", `\$`, `$`)

// lineError is a remark about a column, from 1, of a line.
type lineError struct {
	col  int
	text string
}

func (e *lineError) Error() string { return e.text }

func errorAt(n syntax.Node, text string) error { return &lineError{int(n.Pos().Col()), text} }
