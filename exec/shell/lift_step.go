package shell

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"ipsec/plan"
)

// begin reads a node from its first line, without the bodies that follow.
func (l *lifter) begin(line, reason string) (plan.Node, error) {
	if body, ok := strings.CutPrefix(line, ifFirst); ok {
		if body, ok = strings.CutSuffix(body, ifThen); ok {
			cond, err := l.cond(body)
			return plan.If{Cond: cond, Reason: reason}, shift(err, len(ifFirst))
		}
	}
	if body, ok := strings.CutSuffix(line, orBlock); ok {
		stmt, err := l.stmt(body)
		if err != nil {
			return nil, err
		}
		op, err := l.op(stmt)
		return plan.Try{Op: op, Reason: reason}, err
	}
	stmt, err := l.stmt(line)
	if err != nil {
		return nil, err
	}
	if status, ok := exit(stmt); ok {
		return plan.Exit{Status: status, Reason: reason}, nil
	}
	if c, err := readCommand(stmt); err == nil && setsStatus(c) {
		return plan.SetStatus{Reason: reason}, nil
	}
	list, ok := stmt.Cmd.(*syntax.BinaryCmd)
	if !ok || list.Op != syntax.OrStmt {
		op, err := l.op(stmt)
		if err == nil && !bare(op) {
			err = &lineError{len(line) + 1, "expected ||, and what follows when the step fails"}
		}
		return plan.Step{Op: op, OnFail: plan.OnFail{Kind: plan.FailIgnore}, Reason: reason}, err
	}
	op, err := l.op(list.X)
	if err != nil {
		return nil, err
	}
	onFail, err := policy(list.Y)
	return plan.Step{Op: op, OnFail: onFail, Reason: reason}, err
}

// shift moves an error to the right.
func shift(err error, col int) error {
	switch e := err.(type) {
	case *lineError:
		e.col += col
	case syntax.ParseError:
		return &lineError{int(e.Pos.Col()) + col, e.Text}
	case syntax.LangError:
		return &lineError{int(e.Pos.Col()) + col, e.Error()}
	}
	return err
}

// stmt parses a line that is one statement.
func (l *lifter) stmt(line string) (*syntax.Stmt, error) {
	file, err := l.parser.Parse(strings.NewReader(line), "")
	if err != nil {
		return nil, err
	}
	if len(file.Stmts) != 1 {
		return nil, &lineError{1, "expected one step, found " + excerpt(line)}
	}
	return file.Stmts[0], nil
}

// op reads an op from the commands that && joins in s.
func (l *lifter) op(s *syntax.Stmt) (plan.Op, error) {
	var cmds []command
	for {
		list, ok := s.Cmd.(*syntax.BinaryCmd)
		if !ok {
			break
		}
		if list.Op != syntax.AndStmt {
			return nil, errorAt(list.Y, "expected a step and what follows when it fails")
		}
		c, err := readCommand(list.Y)
		if err != nil {
			return nil, err
		}
		cmds = append(cmds, c)
		s = list.X
	}
	c, err := readCommand(s)
	if err != nil {
		return nil, err
	}
	cmds = append(cmds, c)
	slices.Reverse(cmds)
	return l.codec.read(cmds, l.ops)
}

// exit reads an Exit.
func exit(s *syntax.Stmt) (plan.Status, bool) {
	c, err := readCommand(s)
	if err != nil || len(c.words) != 2 || c.words[0].text != "exit" {
		return 0, false
	}
	switch c.words[1].text {
	case "0":
		return plan.Status0, true
	case "1":
		return plan.Status1, true
	case "3":
		return plan.StatusBack, true
	case "$status":
		return plan.StatusRegister, true
	}
	return 0, false
}

// policy reads what follows the || of a step.
func policy(s *syntax.Stmt) (plan.OnFail, error) {
	c, err := readCommand(s)
	if err != nil {
		return plan.OnFail{}, err
	}
	switch words := texts(c); {
	case len(words) == 2 && words[0] == "undo":
		return plan.OnFail{Kind: plan.FailUndo, Message: words[1]}, nil
	case len(words) == 3 && words[0] == "ipsec" && words[1] == "_log":
		return plan.OnFail{Kind: plan.FailWarn, Message: words[2]}, nil
	case len(words) == 1 && words[0] == ":":
		return plan.OnFail{Kind: plan.FailIgnore}, nil
	case setsStatus(c):
		return plan.OnFail{Kind: plan.FailStatus1}, nil
	}
	return plan.OnFail{}, errorAt(s, "expected what follows when the step fails: undo MESSAGE, ipsec _log MESSAGE, status=1 or :")
}

// setsStatus reports whether c is status=1.
func setsStatus(c command) bool {
	return len(c.words) == 0 && len(c.env) == 1 && c.env[0] == variable{"status", "1"}
}

func texts(c command) []string {
	words := make([]string, len(c.words))
	for i, w := range c.words {
		words[i] = w.text
	}
	return words
}
