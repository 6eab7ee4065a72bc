package daemon

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ipsec/pluto/whack/cmdline"
)

// Kind is what a message of the journal does. At most one of a kind is kept for
// a connection.
type Kind string

// The kinds of messages that a new worker needs again.
const (
	KindAdd      Kind = "add"
	KindListen   Kind = "listen"
	KindRoute    Kind = "route"
	KindInitiate Kind = "initiate"
	KindDebug    Kind = "debug"
)

// An Entry is a whack message that has been accepted and that a new worker
// needs again: what it did is still wanted.
type Entry struct {
	Kind  Kind     `json:"kind"`
	Name  string   `json:"name,omitempty"`  // of the connection that it is about; "" for none
	Words []string `json:"words,omitempty"` // of whack's command line
}

// A Journal is the accepted messages, in the order in which a new worker gets them.
// Its zero value is empty.
type Journal struct {
	kept map[place]numbered
	last int
}

type place struct {
	kind Kind
	name string
}

type numbered struct {
	Entry
	number  int
	updowns []string // of the connection that is added
}

// maxEntries bounds the messages of a journal: what a worker keeps, its supervisor has in memory. It is
// three of each of many more connections than a host has.
const maxEntries = 1 << 20

// kinds are those that are kept.
func kinds() []Kind { return []Kind{KindAdd, KindListen, KindRoute, KindInitiate, KindDebug} }

// Keep appends e, and takes away one of the same kind for the same name. It refuses what no worker in
// its right mind keeps.
func (j *Journal) Keep(e Entry) error {
	at := place{e.Kind, e.Name}
	switch {
	case !slices.Contains(kinds(), e.Kind):
		return fmt.Errorf("a message of unknown kind %q cannot be kept", e.Kind)
	case len(j.kept) >= maxEntries && j.kept[at].number == 0:
		return fmt.Errorf("more than %d messages cannot be kept", maxEntries)
	}
	if j.kept == nil {
		j.kept = make(map[place]numbered)
	}
	j.last++
	j.kept[at] = numbered{e, j.last, updowns(e)}
	return nil
}

// Drop takes away the entry of that kind for that name; with an empty kind, all
// of the name.
func (j *Journal) Drop(kind Kind, name string) {
	list := []Kind{kind}
	if kind == "" {
		list = kinds()
	}
	for _, k := range list {
		delete(j.kept, place{k, name})
	}
}

// updowns returns the updown commands of a connection that e adds.
func updowns(e Entry) []string {
	if !slices.ContainsFunc(e.Words, func(word string) bool { return strings.HasPrefix(word, "--updown") }) {
		return nil // which is most of many thousand
	}
	request, err := cmdline.Parse(e.Words)
	if err != nil || request.Add == nil {
		return nil
	}
	return []string{request.Add.Local.Updown, request.Add.Remote.Updown}
}

// updown reports whether a connection of the journal has command for its updown.
func (j *Journal) updown(command string) bool {
	for at, e := range j.kept {
		if at.kind == KindAdd && slices.ContainsFunc(e.updowns, func(own string) bool { return command != "" && strings.TrimSpace(own) == command }) {
			return true
		}
	}
	return false
}

// Entries returns the messages, oldest first.
func (j *Journal) Entries() []Entry {
	sorted := slices.SortedFunc(maps.Values(j.kept), func(a, b numbered) int { return a.number - b.number })
	list := make([]Entry, len(sorted))
	for i, n := range sorted {
		list[i] = n.Entry
	}
	return list
}

// toWorker is a message of the supervisor. Exactly one field is set.
type toWorker struct {
	Replay *Entry   `json:"replay,omitempty"`
	Begin  bool     `json:"begin,omitempty"` // the replay is over
	Ran    *outcome `json:"ran,omitempty"`
}

// toSupervisor is a message of the worker. Exactly one field is set.
type toSupervisor struct {
	Ready bool    `json:"ready,omitempty"`
	Keep  *Entry  `json:"keep,omitempty"`
	Drop  *Entry  `json:"drop,omitempty"`
	Run   *script `json:"run,omitempty"`
}

// script is a command of ipsec.conf, a connection's updown, that the worker has not the
// privileges for.
type script struct {
	ID      int           `json:"id"`
	Command string        `json:"command"`
	Env     []string      `json:"env"`
	Timeout time.Duration `json:"timeout"`
}

// outcome is what came of a script.
type outcome struct {
	ID     int    `json:"id"`
	Output string `json:"output,omitempty"`
	Err    string `json:"err,omitempty"`
}
