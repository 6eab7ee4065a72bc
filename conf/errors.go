package conf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ipsec/conf/spell"
)

// Errors are all that is wrong with a file and with the files that it
// includes, in the order of their places. It is what Load and Parse return as
// an error.
type Errors []Diagnostic

// Error returns the diagnostics, one a line, each as FILE:LINE:COL: TEXT.
func (e Errors) Error() string {
	return strings.Join(Lines(e), "\n")
}

// Lines returns the text of an error line by line: one for each diagnostic,
// where it has some.
func Lines(err error) []string {
	var all Errors
	if !errors.As(err, &all) {
		return []string{err.Error()}
	}
	lines := make([]string, len(all))
	for i, d := range all {
		lines[i] = d.String()
	}
	return lines
}

// Unwrap returns the causes that lie outside the text, such as fs.ErrNotExist
// for a file that is not there.
func (e Errors) Unwrap() []error {
	var causes []error
	for _, d := range e {
		if d.cause != nil {
			causes = append(causes, d.cause)
		}
	}
	return causes
}

// reporter gathers errors and warnings, each one once.
type reporter struct {
	errors, warnings, harmless []Diagnostic
	seen                       map[Diagnostic]bool
}

// maxReports bounds what a file of rubbish makes us remember.
const maxReports = 1000

func (r *reporter) add(list *[]Diagnostic, d Diagnostic) {
	key := d
	key.cause = nil
	if r.seen[key] || len(*list) >= maxReports {
		return
	}
	if r.seen == nil {
		r.seen = make(map[Diagnostic]bool)
	}
	r.seen[key] = true
	*list = append(*list, d)
}

// full reports whether no further error is kept, so that nobody need think of
// what to say.
func (r *reporter) full() bool { return len(r.errors) >= maxReports }

func (r *reporter) errorf(pos Pos, format string, args ...any) {
	r.add(&r.errors, Diagnostic{Pos: pos, Text: fmt.Sprintf(format, args...)})
}

func (r *reporter) fail(pos Pos, text string, cause error) {
	r.add(&r.errors, Diagnostic{Pos: pos, Text: text, cause: cause})
}

func (r *reporter) warnf(pos Pos, format string, args ...any) {
	r.add(&r.warnings, Diagnostic{Pos: pos, Text: fmt.Sprintf(format, args...)})
}

// inOrder sorts diagnostics by file, in the order in which files were read,
// then by place.
func inOrder(list []Diagnostic, files []string) {
	rank := make(map[string]int, len(files))
	for i, f := range files {
		if _, ok := rank[f]; !ok {
			rank[f] = i
		}
	}
	slices.SortStableFunc(list, func(a, b Diagnostic) int {
		if c := rank[a.Pos.File] - rank[b.Pos.File]; c != 0 {
			return c
		}
		if c := a.Pos.Line - b.Pos.Line; c != 0 {
			return c
		}
		return a.Pos.Col - b.Pos.Col
	})
}

// The words of messages, see package spell.
func quote(text string) string                   { return spell.Quote(text) }
func suggest(word string, known []string) string { return spell.Suggest(word, known) }
func oneOf(words []string) string                { return spell.OneOf(words) }
