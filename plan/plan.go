// Package plan has the plans of ipsec setup, ipsec manual and ipsec auto as
// data: lists of shell-equivalent steps, the conditions between them, and the
// facts of a host that they are compiled from. It does nothing with them:
// package compile makes a plan of a verb, and package exec says what to do with
// one: run it, print it, read it back.
package plan

import "ipsec/conf"

// Verb is what a plan does.
type Verb string

// The verbs that have plans.
const (
	Start      Verb = "start"
	Stop       Verb = "stop"
	Restart    Verb = "restart"
	TryRestart Verb = "try-restart" // restart, where it runs
	Reload     Verb = "reload"
	// ReloadDisruptive is a reload that may do what a restart does.
	ReloadDisruptive Verb = "reload --disruptive"
	Confirm          Verb = "confirm" // a change, which otherwise is taken back
	Revert           Verb = "revert"  // to what was confirmed last
	Manual           Verb = "manual"
	Automat          Verb = "auto" // of ipsec auto
)

// Stops reports whether the verb stops what runs before it starts anything: if it fails, nothing runs.
func (v Verb) Stops() bool { return v == Restart || v == TryRestart || v == ReloadDisruptive }

// Plan is what a verb does on one host. When a step with policy FailUndo fails, its
// message is said, Undo is carried out, and the exit status is 1.
type Plan struct {
	Verb   Verb
	Paths  conf.Paths
	Digest string // of the configuration, "" where none could be read
	Facts  string // the digest of the facts of the host, "" where none were asked
	Writer string // the version of the program that made the plan; it may be empty
	Syslog string // facility.priority of everything that is said
	Nodes  []Node
	Undo   []Node
}

// Node is a Step, an If, a Try, a SetStatus or an Exit. Nodes are values: comparable
// by reflect.DeepEqual, without pointers and maps.
type Node interface{ node() }

// Step does one Op.
type Step struct {
	Op     Op
	OnFail OnFail
	Reason string // the line of ipsec.conf or the fact that put it here; one line, may be empty
}

// If does Then when Cond holds as the plan runs, else Else (which may be empty).
type If struct {
	Cond   Cond
	Then   []Node
	Else   []Node
	Reason string
}

// Try does Op, and Else when it fails.
type Try struct {
	Op     Op
	Else   []Node // not empty
	Reason string
}

// SetStatus sets the register to 1; shell: status=1.
type SetStatus struct{ Reason string }

// Exit ends the plan.
type Exit struct {
	Status Status
	Reason string
}

func (Step) node()      {}
func (If) node()        {}
func (Try) node()       {}
func (SetStatus) node() {}
func (Exit) node()      {}

// Status is an exit status: 0, 1, 3 for a change that is taken back, or what the register holds.
type Status int8

// The register is 0 when a plan begins and 1 once a step with policy
// FailStatus1 has failed or a SetStatus was passed.
const (
	StatusRegister Status = -1
	Status0        Status = 0
	Status1        Status = 1
	StatusBack     Status = 3
)

// FailKind says what follows when a step fails.
type FailKind uint8

// The failure policies. FailUndo and FailWarn carry a message; how the
// step itself failed is said before it.
const (
	FailInvalid FailKind = iota
	FailUndo             // say the message, do Plan.Undo, exit 1; shell: cmd || undo 'message'
	FailWarn             // say the message, go on; shell: cmd || ipsec _log 'message'
	FailStatus1          // go on, exit 1 in the end; shell: cmd || status=1
	FailIgnore           // go on; shell: cmd || :
)

// OnFail is the failure policy of a step.
type OnFail struct {
	Kind    FailKind
	Message string // of FailUndo and FailWarn, else empty
}
