package shell

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"

	"ipsec/exec"
	"ipsec/plan"
)

// Lift reads back what Script wrote: Lift of the script of p is p. It takes
// nothing else, so that what a reader of the script saw is all there is; the
// only freedom is in comments and blank lines, of which a reviewer may add any. The
// last comment above a step is its reason. The error says where, as NAME:LINE:COL,
// what was expected and what was found.
func Lift(name, text string) (plan.Plan, error) {
	l := lifter{name: name, rest: text, parser: newParser(), ops: exec.Zeros()}
	if len(text) > MaxScript {
		return plan.Plan{}, l.errorf(1, "the script is longer than %d bytes", MaxScript)
	}
	p, err := l.plan()
	if err != nil {
		return plan.Plan{}, err
	}
	return p, nil
}

// lifter reads line by line.
type lifter struct {
	name, rest string
	number     int    // of line, from 1
	line       string // without its newline
	undo       bool   // this is what undo does
	armed      int    // the line of the trap that undoes the plan; 0 where there is none
	before     int    // how many nodes stand before that line

	parser *syntax.Parser
	ops    []plan.Op
	codec  codec
	check  writer // writes again what was read
}

// next goes on to the next line, and returns false at the end.
func (l *lifter) next() (bool, error) {
	if l.rest == "" {
		l.number, l.line = l.number+1, ""
		return false, nil
	}
	line, rest, ok := strings.Cut(l.rest, "\n")
	l.number, l.line, l.rest = l.number+1, line, rest
	switch {
	case !ok:
		return false, l.errorf(len(line)+1, "expected the end of the line, found the end of the file")
	case len(line) > MaxLine:
		return false, l.errorf(MaxLine+1, "the line is longer than %d bytes", MaxLine)
	}
	return true, nil
}

func (l *lifter) errorf(col int, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: %s", l.name, l.number, col, fmt.Sprintf(format, args...))
}

// at returns err as it is in this line, col columns further to the right.
func (l *lifter) at(err error, col int) error {
	var here *lineError
	var parse syntax.ParseError
	var lang syntax.LangError
	switch {
	case errors.As(err, &here):
		return l.errorf(col+here.col, "%s", here.text)
	case errors.As(err, &parse):
		return l.errorf(col+int(parse.Pos.Col()), "%s", parse.Text)
	case errors.As(err, &lang):
		return l.errorf(col+int(lang.Pos.Col()), "%s", lang.Error())
	}
	return l.errorf(col+1, "%s", err)
}

// expect compares the line with what it has to be.
func (l *lifter) expect(want string) error {
	if l.line == want {
		return nil
	}
	col := 0
	for col < len(want) && col < len(l.line) && want[col] == l.line[col] {
		col++
	}
	for col > 0 && col < len(l.line) && !utf8.RuneStart(l.line[col]) {
		col--
	}
	return l.errorf(col+1, "expected %s, found %s", excerpt(want), excerpt(l.line))
}

// goTo goes on to the next line that is no comment, which has to be want; or want is one itself.
func (l *lifter) goTo(want string) error {
	for {
		more, err := l.next()
		switch {
		case err != nil:
			return err
		case l.line == want:
			return nil
		case !more || l.number == 1 || !isComment(l.line):
			return l.expect(want)
		}
		if err := l.visible(); err != nil {
			return err
		}
	}
}

func excerpt(line string) string {
	if line == "" {
		return "nothing"
	}
	if len(line) > 200 {
		return fmt.Sprintf("%q…", line[:200])
	}
	return fmt.Sprintf("%q", line)
}

func (l *lifter) plan() (plan.Plan, error) {
	p, err := l.head()
	if err != nil {
		return p, err
	}
	l.undo = true
	if p.Undo, err = l.nodes(1, "\t"+undoExit); err != nil {
		return p, err
	}
	l.undo = false
	if err := l.goTo(blockLast); err != nil {
		return p, err
	}
	if p.Nodes, err = l.nodes(0); err != nil {
		return p, err
	}
	if err := p.Validate(); err != nil {
		return p, l.errorf(1, "%s", err)
	}
	return p, l.trapped(p.Nodes)
}

// trapped sees to it that the trap that undoes the plan stands where it is
// needed first.
func (l *lifter) trapped(nodes []plan.Node) error {
	first := undoable(nodes)
	switch {
	case l.armed == 0 && first < len(nodes):
		return l.errorf(1, "expected the line %q before the first step that is undone when it fails", armTrap)
	case l.armed != 0 && first != l.before:
		l.number = l.armed
		return l.errorf(1, "expected the line %q before the first step that is undone when it fails, and nowhere else", armTrap)
	}
	return nil
}

// nodes reads nodes that are depth tabs to the right, up to one of the lines
// ends, or without any up to the end of the file.
func (l *lifter) nodes(depth int, ends ...string) (nodes []plan.Node, err error) {
	if depth > plan.MaxDepth {
		return nil, l.errorf(1, "expected nothing that is more than %d deep", plan.MaxDepth)
	}
	reason := ""
	for {
		more, err := l.next()
		if err != nil {
			return nil, err
		}
		switch {
		case !more && len(ends) > 0:
			return nil, l.errorf(1, "expected %q, found the end of the file", ends[len(ends)-1])
		case !more || slices.Contains(ends, l.line):
			return nodes, nil
		case isComment(l.line):
			if err := l.visible(); err != nil {
				return nil, err
			}
			if text, ok := strings.CutPrefix(l.line, tabs[:depth]+reasonText); ok {
				reason = text
			}
			continue
		}
		line, err := l.indented(depth)
		if err != nil {
			return nil, err
		}
		if line == armTrap && depth == 0 && l.armed == 0 {
			l.armed, l.before = l.number, len(nodes)
			continue
		}
		n, err := l.node(line, reason, depth)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
		reason = ""
	}
}

// isComment reports whether nothing is in a line but a comment, or nothing at all. A reviewer may
// add such lines anywhere.
func isComment(line string) bool {
	line = strings.TrimLeft(line, " \t")
	return line == "" || line[0] == '#'
}

// visible refuses a comment that a terminal would not show as it is: who reads the script must see
// each line of it.
func (l *lifter) visible() error {
	for i, r := range l.line {
		if r == utf8.RuneError || r != '\t' && !unicode.IsPrint(r) {
			return l.errorf(i+1, "expected a comment of printable text, found %s", excerpt(l.line))
		}
	}
	return nil
}

// indented returns the line without the tabs of its depth.
func (l *lifter) indented(depth int) (string, error) {
	line, ok := strings.CutPrefix(l.line, tabs[:depth])
	if !ok {
		return "", l.errorf(1, "expected a step that is %d tabs to the right, found %s", depth, excerpt(l.line))
	}
	return line, nil
}

// node reads the node that begins in line, which is l.line without its tabs.
func (l *lifter) node(line, reason string, depth int) (plan.Node, error) {
	n, err := l.begin(line, reason)
	if err != nil {
		return nil, l.at(err, len(l.line)-len(line))
	}
	if err := l.same(n, depth); err != nil {
		return nil, err
	}
	switch n := n.(type) {
	case plan.If:
		before := tabs[:depth]
		if n.Then, err = l.body(depth+1, before+ifElse, before+ifLast); err != nil {
			return nil, err
		}
		if l.line == before+ifElse {
			n.Else, err = l.body(depth+1, before+ifLast)
		}
		return n, err
	case plan.Try:
		n.Else, err = l.body(depth+1, tabs[:depth]+blockLast)
		return n, err
	}
	return n, nil
}

func (l *lifter) body(depth int, ends ...string) ([]plan.Node, error) {
	nodes, err := l.nodes(depth, ends...)
	if err == nil && len(nodes) == 0 {
		err = l.errorf(1, "expected a step, found %s", excerpt(l.line))
	}
	return nodes, err
}

// same writes the first line of n again, to see that it is what was read.
func (l *lifter) same(n plan.Node, depth int) error {
	w := &l.check
	w.line = append(w.line[:0], tabs[:depth]...)
	switch n := n.(type) {
	case plan.If:
		w.string(ifFirst).cond(n.Cond)
		w.string(ifThen)
	case plan.Try:
		w.op(n.Op)
		w.string(orBlock)
	default:
		w.leaf(n)
	}
	if w.err != nil {
		return l.errorf(1, "%s", w.err)
	}
	if line := string(w.line); line != l.line && older(n, line) != l.line {
		return l.expect(line)
	}
	return l.valid(n)
}

// older returns the line of a node as programs wrote it before it had all of its words.
func older(n plan.Node, line string) string {
	if step, ok := n.(plan.Step); ok {
		if _, ok := step.Op.(plan.Attach); ok {
			return strings.Replace(line, " --xdp auto", "", 1)
		}
	}
	return line
}

// valid checks n without its bodies, so that the error has its line, which one of
// Plan.Validate has not.
func (l *lifter) valid(n plan.Node) error {
	body := []plan.Node{plan.Exit{}}
	switch m := n.(type) {
	case plan.If:
		m.Then = body
		n = m
	case plan.Try:
		m.Else = body
		n = m
	case plan.Step:
		if l.undo && m.OnFail.Kind == plan.FailUndo {
			return l.errorf(1, "an undo is not undone itself")
		}
	case plan.Exit:
		if l.undo {
			return l.errorf(1, "an undo ends with status 1 and has no exit of its own")
		}
	}
	if err := plan.Validate(n); err != nil {
		return l.errorf(1, "%s", err)
	}
	return nil
}
