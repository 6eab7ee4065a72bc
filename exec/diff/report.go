package diff

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"ipsec/plan/change"
)

// Change is one difference, as a report has it.
type Change struct {
	Mark   change.Mark `json:"mark"`
	Object string      `json:"object"`
	Detail string      `json:"detail"`
	Reason string      `json:"reason"` // of what is wanted
}

// String returns the change in one line.
func (c Change) String() string {
	s := string(c.Mark) + " " + c.Object
	if c.Detail != "" {
		s += ": " + c.Detail
	}
	if c.Reason != "" {
		s += " (" + c.Reason + ")"
	}
	return s
}

// Report is what ipsec setup diff prints. Its version changes when a program that reads it as JSON would
// have to.
type Report struct {
	Version int      `json:"version"`
	Running bool     `json:"running"` // a start has been, and no stop
	Changes []Change `json:"changes"`
	Unseen  []string `json:"unseen"` // what could not be compared, and why
}

// New returns the report of the differences between want and what is there.
func New(running bool, want []change.Item, there change.State) Report {
	r := Report{Version: 1, Running: running, Changes: []Change{}, Unseen: []string{}}
	if !running {
		return r
	}
	changes := change.Compare(want, there)
	whole := make(map[string]bool) // SAs that come or go as a whole, and with them what is of them
	for _, c := range changes {
		if c.Mark == change.Add || c.Mark == change.Remove {
			whole[strings.TrimPrefix(c.Item().Object, "SA ")] = true
		}
	}
	for _, c := range changes {
		if _, sa, of := strings.Cut(c.Item().Object, " of "); of && c.Item().Kind == change.DataPlane && whole[sa] {
			continue
		}
		r.Changes = append(r.Changes, lines(c)...)
	}
	for _, kind := range slices.Sorted(maps.Keys(there.Unseen)) {
		if slices.ContainsFunc(want, func(i change.Item) bool { return i.Kind == kind }) {
			r.Unseen = append(r.Unseen, there.Unseen[kind])
		}
	}
	return r
}

// Differs reports whether there is something to do.
func (r Report) Differs() bool { return !r.Running || len(r.Changes) > 0 }

// WriteJSON writes r for programs.
func (r Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteText writes r for people: a line for each change, with colour where that is wanted, and a
// summary.
func (r Report) WriteText(w io.Writer, colour bool) error {
	counts := make(map[change.Mark]int)
	for _, c := range r.Changes {
		counts[c.Mark]++
		line := strings.Map(visible, c.String())
		if colour {
			line = colours[c.Mark] + line + "\x1b[0m"
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	for _, why := range r.Unseen {
		fmt.Fprintln(w, "? "+why)
	}
	var err error
	switch {
	case !r.Running:
		_, err = fmt.Fprintln(w, "IPsec is not running: a start would do all of its plan")
	case len(r.Changes) == 0:
		_, err = fmt.Fprintln(w, "no difference")
	default:
		_, err = fmt.Fprintf(w, "%d to add, %d to take away, %d to change, %d changed behind the plan's back\n", counts[change.Add], counts[change.Remove], counts[change.Alter], counts[change.Drift])
	}
	return err
}

// visible replaces what a terminal would obey: some of a report comes from a daemon, which may have been taken over.
func visible(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return unicode.ReplacementChar
}

// colours are the escape sequences of terminals.
var colours = map[change.Mark]string{change.Add: "\x1b[32m", change.Remove: "\x1b[31m", change.Alter: "\x1b[33m", change.Drift: "\x1b[35m"}
