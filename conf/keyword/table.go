package keyword

import (
	"slices"
	"strings"
	"sync"
)

// All returns the rows of the table: config setup first, then conn, then the ends,
// then ca; in each those with an effect first.
func All() []Keyword {
	rows := theTable().rows
	list := make([]Keyword, len(rows))
	for i, k := range rows {
		list[i] = *k
		list[i].Synonyms, list[i].Values = slices.Clone(k.Synonyms), slices.Clone(k.Values)
	}
	return list
}

// Table is the keywords in order and by name. It never changes.
type Table struct {
	rows   []*Keyword
	byName map[string]map[string]entry // kind of section, then folded name
}

// entry is what a name in a file stands for.
type entry struct {
	word *Keyword
	side Side
}

// Get returns the table.
func Get() *Table { return theTable() }

// theTable builds the table on its first use.
var theTable = sync.OnceValue(func() *Table {
	t := &Table{byName: map[string]map[string]entry{"config": {}, "conn": {}, "ca": {}}}
	for _, part := range [][]Keyword{
		setupKeywords(), setupForeign(),
		connKeywords(), manualKeywords(), connForeign(),
		endKeywords(), endForeign(),
		caKeywords(),
	} {
		for i := range part {
			t.add(&part[i])
		}
	}
	return t
})

func (t *Table) add(k *Keyword) {
	k.row = len(t.rows)
	for _, c := range k.choices {
		k.Values = append(k.Values, c.name)
	}
	t.rows = append(t.rows, k)
	for _, name := range append([]string{k.Name}, k.Synonyms...) {
		switch k.Section {
		case SectionSetup:
			t.byName["config"][fold(name)] = entry{word: k}
		case SectionConn:
			t.byName["conn"][fold(name)] = entry{word: k}
		case SectionCA:
			t.byName["ca"][fold(name)] = entry{word: k}
		case SectionEnd:
			base := strings.TrimPrefix(name, "left")
			t.byName["conn"][fold("left"+base)] = entry{k, Left}
			t.byName["conn"][fold("right"+base)] = entry{k, Right}
		}
	}
}

// fold makes names that mean the same the same: lower case, - for _.
func fold(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "_", "-")
}

// Rows returns the keywords, which are not to be changed, in order.
func (t *Table) Rows() []*Keyword { return t.rows }

// Find looks a keyword of a section of that kind up, "config", "conn" or "ca".
func (t *Table) Find(kind, name string) (*Keyword, Side, bool) {
	e, ok := t.byName[kind][fold(name)]
	return e.word, e.side, ok
}

// Names returns the names that a section of that kind knows, in the order of
// the table.
func (t *Table) Names(kind string) []string {
	var list []string
	for _, k := range t.rows {
		if k.Section.Kind() != kind {
			continue
		}
		for _, name := range append([]string{k.Name}, k.Synonyms...) {
			list = append(list, name)
			if k.Section == SectionEnd {
				list = append(list, "right"+strings.TrimPrefix(name, "left"))
			}
		}
	}
	return list
}
