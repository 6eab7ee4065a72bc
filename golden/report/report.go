// Package report is for tests whose outcome is a document of doc: it lays the
// document out, and compares it with what comes of a run, or writes it anew
// where the tests have -update.
package report

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write anew the document that these tests make")

// A Document is a text in Markdown. The zero Document is empty and ready.
type Document struct{ text strings.Builder }

// Add appends text as it is.
func (d *Document) Add(text string) { d.text.WriteString(text) }

// Table begins a table, of which each title has a column.
func (d *Document) Table(titles ...string) {
	fmt.Fprintf(&d.text, "| %s |\n|%s\n", strings.Join(titles, " | "), strings.Repeat("---|", len(titles)))
}

// Row adds a row to a table.
func (d *Document) Row(cells ...string) {
	for i, cell := range cells {
		cells[i] = strings.ReplaceAll(cell, "|", `\|`)
	}
	fmt.Fprintf(&d.text, "| %s |\n", strings.Join(cells, " | "))
}

// Result is what a cell says of something that was tried.
func Result(passed bool) string {
	if passed {
		return "yes"
	}
	return "**no**"
}

// String returns the whole text.
func (d *Document) String() string { return d.text.String() }

// Whole reports whether the tests that run do so with all their subtests, and not
// with those that -run or -skip select.
func Whole() bool {
	for _, name := range []string{"test.run", "test.skip"} {
		if f := flag.Lookup(name); f != nil && strings.Contains(f.Value.String(), "/") {
			return false
		}
	}
	return true
}

// Compare compares the document with a file, or writes it there.
func (d *Document) Compare(t testing.TB, file string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(d.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != d.String() {
		t.Errorf("%s is not what came of this; run with -update\n%s", file, d)
	}
}
