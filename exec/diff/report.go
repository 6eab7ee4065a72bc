package diff

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Report is what ipsec setup diff prints. Its version changes when a program that reads it as JSON would
// have to.
type Report struct {
	Version int      `json:"version"`
	Running bool     `json:"running"` // a start has been, and no stop
	Changes []Change `json:"changes"`
	Unseen  []string `json:"unseen"` // what could not be compared, and why
}

// New returns the report of the differences between want and s.
func New(running bool, want []Item, s State) Report {
	r := Report{Version: 1, Running: running, Changes: []Change{}, Unseen: []string{}}
	if !running {
		return r
	}
	seen := func(k Kind) bool {
		if k == Routing {
			k = Connection
		}
		_, unseen := s.Unseen[k]
		return !unseen
	}
	r.Changes = Compare(want, s.Items, seen)
	for _, kind := range slices.Sorted(maps.Keys(s.Unseen)) {
		if slices.ContainsFunc(want, func(i Item) bool { return i.Kind == kind }) {
			r.Unseen = append(r.Unseen, s.Unseen[kind])
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
	counts := make(map[Mark]int)
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
		_, err = fmt.Fprintf(w, "%d to add, %d to take away, %d to change, %d changed behind the plan's back\n", counts[Add], counts[Remove], counts[Alter], counts[Drift])
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
var colours = map[Mark]string{Add: "\x1b[32m", Remove: "\x1b[31m", Alter: "\x1b[33m", Drift: "\x1b[35m"}
