package topic

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const (
	parsing Set = 1 << iota
	control
	private
)

func table() Table {
	return Table{Names: []string{"parsing", "control", "private"}, Apart: private}
}

func TestTable(t *testing.T) {
	for _, tt := range []struct {
		words string
		set   Set
		names []string
	}{
		{"", 0, nil},
		{"control", control, []string{"control"}},
		{"private parsing", parsing | private, []string{"parsing", "private"}},
		{"all", parsing | control, []string{"parsing", "control"}},
		{"private all", parsing | control | private, []string{"parsing", "control", "private"}},
		{"parsing none control", control, []string{"control"}},
		{"all none", 0, nil},
		{"nonsense control", control, []string{"control"}},
	} {
		set := table().Set(strings.Fields(tt.words)...)
		if names := table().Words(set); set != tt.set || !reflect.DeepEqual(names, tt.names) {
			t.Errorf("%q: got %b %q, expected %b %q", tt.words, set, names, tt.set, tt.names)
		}
	}
}

func TestLog(t *testing.T) {
	var said []string
	l := New(func(line string) { said = append(said, line) })
	l.Sayf(control, "off")
	l.Select(control)
	l.Sayf(control, "on %d", 1)
	l.Sayf(parsing, "off")
	l.Sayf(parsing|control, "on %d", 2)
	l.Select(0)
	l.Sayf(control, "off again")
	if want := []string{"on 1", "on 2"}; !reflect.DeepEqual(said, want) {
		t.Errorf("got %q, expected %q", said, want)
	}
	var none *Log
	none.Sayf(control, "nobody hears")
	if none.On(control) || none.Selected() != 0 {
		t.Error("a nil Log has a topic on")
	}
}

// TestCheap holds what a path that carries packets does to no allocation.
func TestCheap(t *testing.T) {
	l := New(func(string) { t.Error("said") })
	l.Select(control)
	if n := testing.AllocsPerRun(100, func() {
		if l.On(parsing) {
			l.Sayf(parsing, "%d", 1<<20)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLines(t *testing.T) {
	l := Lines{Limit: 2}
	for i := range 5 {
		l.Add(fmt.Sprint(i))
	}
	lines, lost := l.Take()
	if !reflect.DeepEqual(lines, []string{"0", "1"}) || lost != 3 {
		t.Errorf("got %q and %d lost", lines, lost)
	}
	if lines, lost := l.Take(); lines != nil || lost != 0 {
		t.Errorf("again: got %q and %d lost", lines, lost)
	}
}
