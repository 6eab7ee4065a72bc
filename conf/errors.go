package conf

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Errors are all that is wrong with a file and with the files that it
// includes, in the order of their places. It is what Load and Parse return as
// an error.
type Errors []Diagnostic

// Error returns the diagnostics, one a line, each as FILE:LINE:COL: TEXT.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, d := range e {
		lines[i] = d.String()
	}
	return strings.Join(lines, "\n")
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
	errors, warnings []Diagnostic
	seen             map[Diagnostic]bool
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

// quote returns text in quotes for a message: short, printable, and without
// what looks like a key.
func quote(text string) string {
	if len(text) > 12 && (strings.HasPrefix(text, "0x") || strings.HasPrefix(text, "0s") || strings.HasPrefix(text, "0t")) {
		return strconv.Quote(text[:2] + "…")
	}
	if len(text) > 80 {
		text = strings.ToValidUTF8(text[:77], "") + "…"
	}
	return strconv.Quote(text)
}

// suggest returns `; did you mean "X"?` for the nearest of known, or nothing
// when none is near.
func suggest(word string, known []string) string {
	word = strings.ToLower(word)
	if word == "" || len(word) > 64 {
		return ""
	}
	best, bestDistance := "", 1+max(1, min(3, len(word)/3))
	for _, k := range known {
		if len(k) > len(word)+bestDistance || len(word) > len(k)+bestDistance {
			continue
		}
		if d := editDistance(word, strings.ToLower(k)); d < min(bestDistance, len(word)) {
			best, bestDistance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance returns how many insertions, deletions, substitutions and
// swaps of neighbours turn a into b.
func editDistance(a, b string) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}

// oneOf returns "a, b or c".
func oneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
