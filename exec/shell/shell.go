// Package shell writes plans as POSIX shell and reads them back. A script is
// its plan: it has everything that the plan has, the reasons as comments above
// the steps, and Lift takes it back exactly, and nothing else.
//
// The shell is one that dash and busybox sh run. Each line is complete, as no
// value has a newline in it, and its indentation is as deep as its node.
package shell

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"mvdan.cc/sh/v3/syntax"

	"ipsec/plan"
)

// TextPrefix begins each line of Text, as logger(1) with -s and the tag
// ipsec_setup began the lines of ipsec setup --showonly.
const TextPrefix = "ipsec_setup: \t "

// Limits of what is written and read back.
const (
	MaxLine   = 128 << 10 // bytes of a line, which is what Linux allows one argument
	MaxScript = 64 << 20  // bytes of a script
)

// Script writes p as a script that sh runs, reasons as comments.
func Script(w io.Writer, p plan.Plan) error {
	return write(w, p, &writer{comments: true})
}

// Text writes the same lines without comments and each after TextPrefix.
func Text(w io.Writer, p plan.Plan) error {
	return write(w, p, &writer{prefix: TextPrefix})
}

// Compare returns a unified diff from the script of reviewed to that of now,
// or "" when they do the same. Comments are left out of it, and so the reasons,
// the verb and the digest of the configuration. What cannot be written is an
// error in the place of its script.
func Compare(reviewed, now plan.Plan) string {
	return string(diff.Diff("reviewed", uncommented(reviewed), "now", uncommented(now)))
}

func uncommented(p plan.Plan) []byte {
	var b bytes.Buffer
	if err := write(&b, p, &writer{}); err != nil {
		return []byte(err.Error() + "\n")
	}
	return b.Bytes()
}

// Reviewed refuses the plan of now where it is not what the script text, of the file
// name, does. A plan reviewed on another machine was made with --facts, and so has
// the paths of this one.
func Reviewed(name, text string, now plan.Plan) error {
	if err := shape(text); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	reviewed, err := Lift(name, text)
	if err != nil {
		return err
	}
	if reviewed.Verb != now.Verb {
		return fmt.Errorf("%s is a plan of %s, not of %s", name, reviewed.Verb, now.Verb)
	}
	if difference := Compare(reviewed, now); difference != "" {
		return fmt.Errorf("%s is not what ipsec setup %s would do here and now%s:\n%s", name, now.Verb, since(reviewed, now), difference)
	}
	return nil
}

// since says what has changed since a plan was reviewed, as far as the digests in its head tell.
func since(reviewed, now plan.Plan) string {
	config, facts := reviewed.Digest != now.Digest, reviewed.Facts != now.Facts
	const host = "it was made for another host, or the links, addresses or routes of this one have changed"
	switch {
	case config && facts:
		return " (the configuration is another, and " + host + ")"
	case config:
		return " (the configuration is another)"
	case facts:
		return " (" + host + ")"
	}
	return ""
}

// shape says of what is no script at all what it is, as far as that can be told.
func shape(text string) error {
	const expected = "expected the script that ipsec setup --showonly --format sh prints"
	first, _, _ := strings.Cut(text, "\n")
	switch {
	case text == "":
		return errors.New("the file is empty; " + expected)
	case strings.HasSuffix(first, "\r"):
		return errors.New("its lines end in CR LF; a plan has LF alone, so save it that way (dos2unix does)")
	case strings.HasPrefix(first, TextPrefix):
		return errors.New("it is a plan in the form text; " + expected)
	case strings.HasPrefix(first, "{"):
		return errors.New("it is a plan in the form json; " + expected)
	case first != "#!/bin/sh":
		return errors.New("it is no plan; " + expected)
	}
	return format(text)
}

// format refuses a script in another version of the form, where its head is one of a plan.
func format(text string) error {
	head, _, _ := strings.Cut(text, "\n"+undoFirst+"\n")
	for line := range strings.Lines(head) {
		if rest, ok := strings.CutPrefix(line, formatWords); ok {
			number, _, _ := strings.Cut(strings.TrimSuffix(rest, "\n"), ",")
			if number != Format {
				return fmt.Errorf("it has plan format %s, and this program reads %s; print the plan again", number, Format)
			}
			return nil
		}
	}
	if strings.Contains(head, "\n"+digestLine) || strings.Contains(head, "\n"+noDigest) {
		return errors.New("it was printed by an older program, before plans had a format; print the plan again")
	}
	return nil
}

// Line returns n in one line: a Step with its failure policy, the command of a
// Try or of the condition of an If by itself, an Exit.
func Line(n plan.Node) (string, error) {
	if err := plan.Validate(n); err != nil {
		return "", err
	}
	var w writer
	switch n := n.(type) {
	case plan.If:
		w.cond(n.Cond)
	case plan.Try:
		w.op(n.Op)
	default:
		w.leaf(n)
	}
	return string(w.line), w.err
}

// Lower returns n as the syntax tree that printing and parsing it gives, its
// reasons as comments.
func Lower(n plan.Node) ([]*syntax.Stmt, error) {
	if err := plan.Validate(n); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := &writer{w: bufio.NewWriter(&b), comments: true}
	w.nodes([]plan.Node{n})
	if err := w.flush(); err != nil {
		return nil, err
	}
	file, err := newParser(syntax.KeepComments(true)).Parse(&b, "")
	if err != nil {
		return nil, fmt.Errorf("failed to parse what was written: %w", err)
	}
	return file.Stmts, nil
}

func newParser(options ...syntax.ParserOption) *syntax.Parser {
	return syntax.NewParser(append(options, syntax.Variant(syntax.LangPOSIX))...)
}
