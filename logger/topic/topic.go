// Package topic selects what a daemon logs of its work for who debugs it:
// topics that have names, turned on and off while the daemon runs. KLIPS has
// those of klipsdebug(8), Pluto those of plutodebug in ipsec.conf(5).
//
// A daemon declares a [Table], the names of its topics in the order of their
// bits, and has one [Log]:
//
//	const (
//		parsing topic.Set = 1 << iota
//		private
//	)
//
//	func topics() topic.Table {
//		return topic.Table{Names: []string{"parsing", "private"}, Apart: private}
//	}
//
//	debug := topic.New(log.Say)
//	debug.Select(topics().Set("all"))                 // any time, from any goroutine
//	debug.Sayf(parsing, "| %d payloads", len(payloads))
//
// A topic that is off costs one atomic load. The arguments of Sayf are made even
// then, so that a path that carries packets asks On first. A nil Log has no topic on.
//
// A Log says each line at once. Who must not wait for a log says its lines into
// [Lines] and logs what Take returns, now and then.
package topic

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// A Set is a set of topics, a bit for each.
type Set uint64

// A Table names the topics of a daemon.
type Table struct {
	Names []string // Names[i] is the name of 1<<i
	Apart Set      // topics that "all" leaves off
}

// Set returns the topics of words, each of which adds to those before it: the
// name of a topic; "all", which is all but those of Apart; or "none", which
// takes back what is before it. Other words add nothing.
func (t Table) Set(words ...string) Set {
	var s Set
	for _, word := range words {
		switch i := slices.Index(t.Names, word); {
		case word == "none":
			s = 0
		case word == "all":
			s |= (1<<len(t.Names) - 1) &^ t.Apart
		case i >= 0:
			s |= 1 << i
		}
	}
	return s
}

// Words returns the names of topics, in the order of the table.
func (t Table) Words(s Set) []string {
	var words []string
	for i, name := range t.Names {
		if s&(1<<i) != 0 {
			words = append(words, name)
		}
	}
	return words
}

// A Log says lines of the topics that are selected. Any goroutine may use it.
type Log struct {
	say func(line string)
	on  atomic.Uint64
}

// New returns a Log with no topic selected, which gives its lines to say.
func New(say func(line string)) *Log { return &Log{say: say} }

// Select has the topics of s on and all others off.
func (l *Log) Select(s Set) { l.on.Store(uint64(s)) }

// Selected returns the topics that are on.
func (l *Log) Selected() Set {
	if l == nil {
		return 0
	}
	return Set(l.on.Load())
}

// On reports whether any topic of s is on.
func (l *Log) On(s Set) bool { return l.Selected()&s != 0 }

// Sayf says a line, formatted as by fmt.Sprintf, where any topic of s is on.
func (l *Log) Sayf(s Set, format string, args ...any) {
	if l.On(s) {
		l.say(fmt.Sprintf(format, args...))
	}
}

// Lines keeps lines until they are taken, so that nobody waits for a log; it
// keeps the first Limit of them and counts the others. Any goroutine may use it.
type Lines struct {
	Limit int

	mu    sync.Mutex // guards what follows
	lines []string
	lost  int
}

// Add keeps a line.
func (l *Lines) Add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) < l.Limit {
		l.lines = append(l.lines, line)
	} else {
		l.lost++
	}
}

// Take returns the lines since it was last called, and how many others there were.
func (l *Lines) Take() (lines []string, lost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines, lost = l.lines, l.lost
	l.lines, l.lost = nil, 0
	return lines, lost
}
