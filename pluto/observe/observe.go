// Package observe watches what passes the interfaces of package pluto, by decorators: it counts it, and says
// it to who debugs by topics that are turned on and off while Pluto runs. The parts themselves
// know nothing of that. No key and no secret is ever in a line: messages are shown as they
// travel, and SAs by their names and algorithms.
package observe

import (
	"slices"

	"ipsec/logger/topic"
)

// The topics, by the words of plutodebug= in ipsec.conf(5).
const (
	raw       topic.Set = 1 << iota // messages, byte for byte as they travel
	parsing                         // the header of each message that comes in
	emitting                        // the header of each that goes out
	control                         // what is asked of the connections, and what comes of it
	lifecycle                       // Child SAs that are set, used and taken away
	tables                          // what is asked of the kernel's tables
	dpd                             // when a peer's packets were looked for
	nat                             // keepalives, and peers whose address has changed
)

// topics is the table of the constants above.
func topics() topic.Table {
	return topic.Table{Names: []string{"raw", "parsing", "emitting", "control", "lifecycle", "klips", "dpd", "natt"}}
}

// synonym returns the topic that another word of plutodebug= stands for.
func synonym(word string) string {
	switch word {
	case "kernel", "netkey", "pfkey":
		return "klips"
	case "controlmore":
		return "control"
	case "route":
		return "klips"
	}
	return word
}

// Observer is what the decorators of one Pluto have in common. Its methods are for Pluto's
// one goroutine, but for Select.
type Observer struct {
	debug  *topic.Log
	counts Counts
}

// New returns an Observer that says its lines to say, and none before Select.
func New(say func(line string)) *Observer { return &Observer{debug: topic.New(say)} }

// Select has the topics of words on and all others off, and returns those of words that select nothing
// here.
func (o *Observer) Select(words []string) (idle []string) {
	var known []string
	table := topics()
	for _, word := range words {
		name := synonym(word)
		if word == "all" || word == "none" || slices.Contains(table.Names, name) {
			known = append(known, name)
		} else {
			idle = append(idle, word)
		}
	}
	o.debug.Select(table.Set(known...))
	return idle
}

// Counts are what has passed since Pluto began.
type Counts struct {
	Received, Sent int // messages of IKE; keepalives are none
	Unsent         int // messages that could not be sent
	Initiated      int // attempts that were begun here
	Installed      int // Child SAs that were set
	Refused        int // Child SAs that could not be
	Removed        int // Child SAs that were taken away
	Failed         int // attempts that came to nothing
	Retransmitted  int // requests that a peer was slow to answer, as far as that is reported
}

// Counts returns what has passed so far.
func (o *Observer) Counts() Counts { return o.counts }
