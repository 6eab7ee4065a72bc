package shell

import (
	"bufio"
	"fmt"
	"io"
	"slices"

	"ipsec/plan"
)

// writer writes the lines of a plan one by one.
type writer struct {
	w        *bufio.Writer
	prefix   string
	comments bool

	depth int
	line  []byte // being made
	codec codec
	err   error
}

const tabs = "\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t"

func write(to io.Writer, p plan.Plan, w *writer) error {
	if err := p.Validate(); err != nil {
		return err
	}
	w.w = bufio.NewWriterSize(to, 64<<10)
	comments, commands := head(p)
	for _, text := range comments {
		w.comment(text)
	}
	for _, c := range commands {
		w.command(c)
		w.end()
	}
	w.string(undoFirst).end()
	w.depth++
	w.string(undoTrap).end()
	w.string(undoSay).end()
	w.nodes(p.Undo)
	w.string(undoExit).end()
	w.depth--
	w.string(blockLast).end()
	armed := p.Nodes[:undoable(p.Nodes)]
	w.nodes(armed)
	if len(armed) < len(p.Nodes) {
		w.string(armTrap).end()
	}
	w.nodes(p.Nodes[len(armed):])
	return w.flush()
}

// undoable returns the index of the first of nodes in which a step may fail so
// that the plan is undone. From there on an interrupt undoes it too, as
// exec.Run has it; before, it may be another's work that an undo would find.
func undoable(nodes []plan.Node) int {
	i := slices.IndexFunc(nodes, mayUndo)
	if i < 0 {
		return len(nodes)
	}
	return i
}

func mayUndo(n plan.Node) bool {
	switch n := n.(type) {
	case plan.Step:
		return n.OnFail.Kind == plan.FailUndo
	case plan.If:
		return slices.ContainsFunc(n.Then, mayUndo) || slices.ContainsFunc(n.Else, mayUndo)
	case plan.Try:
		return slices.ContainsFunc(n.Else, mayUndo)
	}
	return false
}

// The lines that are always the same.
const (
	armTrap    = "trap 'undo interrupted' HUP INT TERM"
	undoFirst  = "undo() {"
	undoTrap   = "trap '' HUP INT TERM" // an undo is never cut short
	undoSay    = `ipsec _log "$1"`
	undoExit   = "exit 1"
	ifFirst    = "if "
	ifThen     = "; then"
	ifElse     = "else"
	ifLast     = "fi"
	orBlock    = " || {"
	blockLast  = "}"
	or         = " || "
	and        = " && "
	notPrefix  = "! "
	setStatus  = "status=1"
	reasonText = "# "
)

func (w *writer) nodes(nodes []plan.Node) {
	for _, n := range nodes {
		if w.err != nil {
			return
		}
		switch n := n.(type) {
		case plan.If:
			w.reason(n.Reason)
			w.string(ifFirst).cond(n.Cond)
			w.string(ifThen).end()
			w.body(n.Then)
			if len(n.Else) > 0 {
				w.string(ifElse).end()
				w.body(n.Else)
			}
			w.string(ifLast).end()
		case plan.Try:
			w.reason(n.Reason)
			w.op(n.Op)
			w.string(orBlock).end()
			w.body(n.Else)
			w.string(blockLast).end()
		case plan.Step:
			w.reason(n.Reason)
			w.leaf(n)
			w.end()
		case plan.SetStatus:
			w.reason(n.Reason)
			w.leaf(n)
			w.end()
		case plan.Exit:
			w.reason(n.Reason)
			w.leaf(n)
			w.end()
		}
	}
}

func (w *writer) body(nodes []plan.Node) {
	w.depth++
	w.nodes(nodes)
	w.depth--
}

// leaf makes the line of a Step, a SetStatus or an Exit.
func (w *writer) leaf(n plan.Node) {
	switch n := n.(type) {
	case plan.Step:
		w.op(n.Op)
		w.onFail(n)
	case plan.SetStatus:
		w.string(setStatus)
	case plan.Exit:
		switch n.Status {
		case plan.Status0:
			w.string("exit 0")
		case plan.Status1:
			w.string("exit 1")
		case plan.StatusBack:
			w.string("exit 3")
		default:
			w.string(`exit "$status"`)
		}
	}
}

// onFail makes what follows a step's op. A step that says something and is
// ignored when it fails has nothing there.
func (w *writer) onFail(s plan.Step) {
	switch s.OnFail.Kind {
	case plan.FailUndo:
		w.string(or + "undo ").quoted(s.OnFail.Message)
	case plan.FailWarn:
		w.string(or + "ipsec _log ").quoted(s.OnFail.Message)
	case plan.FailStatus1:
		w.string(or + setStatus)
	case plan.FailIgnore:
		if !bare(s.Op) {
			w.string(or + ":")
		}
	}
}

func bare(op plan.Op) bool {
	_, says := op.(plan.Log)
	return says
}

func (w *writer) op(op plan.Op) {
	for i, c := range w.codec.write(op) {
		if i > 0 {
			w.string(and)
		}
		w.command(c)
	}
}

func (w *writer) command(c command) {
	line, err := appendCommand(w.line, c)
	if w.line = line; w.err == nil {
		w.err = err
	}
}

func (w *writer) quoted(s string) {
	line, err := appendQuoted(w.line, s)
	if w.line = line; w.err == nil {
		w.err = err
	}
}

func (w *writer) string(s string) *writer {
	w.line = append(w.line, s...)
	return w
}

func (w *writer) reason(reason string) {
	if reason != "" {
		w.comment(reasonText + reason)
	}
}

func (w *writer) comment(text string) {
	if w.comments {
		w.string(text).end()
	}
}

// end ends a line.
func (w *writer) end() {
	if len(w.line) > MaxLine && w.err == nil {
		w.err = fmt.Errorf("failed to write a step: its line is longer than %d bytes: %.60q…", MaxLine, w.line)
	}
	w.w.WriteString(w.prefix)
	w.w.WriteString(tabs[:w.depth])
	w.w.Write(w.line)
	w.w.WriteByte('\n')
	w.line = w.line[:0]
}

func (w *writer) flush() error {
	if err := w.w.Flush(); err != nil {
		return fmt.Errorf("failed to write the plan: %w", err)
	}
	return w.err
}
