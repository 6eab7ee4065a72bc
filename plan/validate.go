package plan

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// MaxDepth is how deep the bodies of If and Try go within each other.
const MaxDepth = 32

// Validate returns an error when p cannot be carried out or written down: a
// node that Validate refuses, an unknown verb, a path that is not absolute, or
// no Exit as the last node. In Undo, which always ends with status 1, there is
// no Exit and no FailUndo.
func (p Plan) Validate() error {
	var c check
	switch p.Verb {
	case Start, Stop, Restart, TryRestart, Reload, ReloadDisruptive, Confirm, Revert, Manual, Automat:
	default:
		c.fail("verb", string(p.Verb), "it is none of start, stop, restart, try-restart, manual and auto")
	}
	c.path("binary folder", p.Paths.Bin)
	c.without("binary folder", p.Paths.Bin, ':')
	c.path("configuration folder", p.Paths.Confs)
	c.path("configuration file", p.Paths.Conf)
	c.path("run folder", p.Paths.Run)
	for name, digest := range map[string]string{"digest": p.Digest, "digest of facts": p.Facts} {
		if digest != "" {
			c.word(name, digest)
			c.without(name, digest, ' ')
		}
	}
	if p.Writer != "" {
		c.word("version of the program", p.Writer)
	}
	c.priority(p.Syslog)
	if c.err != nil {
		return fmt.Errorf("malformed plan: %w", c.err)
	}
	if len(p.Nodes) == 0 {
		return errors.New("malformed plan: it has no nodes")
	}
	if _, ok := p.Nodes[len(p.Nodes)-1].(Exit); !ok {
		return errors.New("malformed plan: its last node is not an Exit")
	}
	c.nodes(p.Nodes, 1)
	c.undo = true
	c.nodes(p.Undo, 1)
	return c.err
}

// Validate returns an error when n, or a node within it, is not one that can
// be carried out and written down as shell: a zero value where none is allowed,
// an empty slice that is not nil, an address where another family belongs, or
// a value that shell does not carry on one line, which are control characters,
// other invisible ones and invalid UTF-8.
func Validate(n Node) error {
	var c check
	c.node(n, 1)
	return c.err
}

// check remembers the first thing that is wrong.
type check struct {
	err  error
	undo bool // these nodes are those of Plan.Undo
}

func (c *check) nodes(nodes []Node, depth int) {
	if depth > MaxDepth {
		c.failf("malformed plan: its nodes are more than %d deep", MaxDepth)
		return
	}
	c.nilled("nodes", nodes == nil, len(nodes))
	for _, n := range nodes {
		if c.err != nil {
			return
		}
		c.node(n, depth)
	}
}

func (c *check) node(n Node, depth int) {
	var what string
	var reason string
	switch n := n.(type) {
	case Step:
		what, reason = fmtOp(n.Op), n.Reason
		c.op(n.Op)
		c.onFail(n.OnFail)
	case If:
		what, reason = "If", n.Reason
		c.cond(n.Cond, true)
		if len(n.Then) == 0 {
			c.failf("it has nothing to do when its condition holds")
		}
		c.nodes(n.Then, depth+1)
		c.nodes(n.Else, depth+1)
	case Try:
		what, reason = fmtOp(n.Op), n.Reason
		c.op(n.Op)
		if len(n.Else) == 0 {
			c.failf("there is nothing to do when it fails")
		}
		c.nodes(n.Else, depth+1)
	case SetStatus:
		what, reason = "SetStatus", n.Reason
	case Exit:
		what, reason = "Exit", n.Reason
		if (n.Status < StatusRegister || n.Status > Status1) && n.Status != StatusBack {
			c.failf("its status is %d", n.Status)
		}
		if c.undo {
			c.failf("what undoes a plan has no Exit of its own")
		}
	default:
		c.failf("it is not a node")
	}
	if reason != "" {
		c.carried("reason", reason, '\t')
	}
	if c.err != nil && what != "" {
		c.err = fmt.Errorf("malformed %s: %w", what, c.err)
	}
}

func fmtOp(op Op) string {
	if op == nil {
		return "Step"
	}
	return fmt.Sprintf("%T", op)[len("plan."):]
}

func (c *check) onFail(f OnFail) {
	switch f.Kind {
	case FailUndo, FailWarn:
		c.word("message", f.Message)
		if c.undo && f.Kind == FailUndo {
			c.failf("what undoes a plan is not undone itself")
		}
	case FailStatus1, FailIgnore:
		if f.Message != "" {
			c.fail("message", f.Message, "this failure policy says nothing")
		}
	default:
		c.failf("it has no failure policy")
	}
}

func (c *check) cond(cond Cond, negatable bool) {
	switch cond := cond.(type) {
	case Exists:
		c.path("path", cond.Path)
	case Device:
		c.path("path", cond.Path)
	case Alive:
		c.some("parts", len(cond.Parts))
		for _, part := range cond.Parts {
			if part != Klips && part != Pluto && part != Interfaces {
				c.fail("part", string(part), "it is none of klips, pluto and interfaces")
			}
		}
	case HasSA:
		c.some("SAs", len(cond.SAIDs))
		for _, id := range cond.SAIDs {
			c.said(id)
		}
	case HasEroute:
		c.flow(cond.Flow)
	case Not:
		if !negatable {
			c.failf("a Not within a Not")
		}
		c.cond(cond.Cond, false)
	default:
		c.failf("it is not a condition")
	}
}

func (c *check) failf(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func (c *check) fail(what, value, why string) { c.failf("malformed %s %q: %s", what, value, why) }

// carried is for a value that may be empty.
func (c *check) carried(what, s string, also rune) {
	for i, r := range s {
		if r >= ' ' && r < 0x7f {
			continue
		}
		if r == utf8.RuneError || r != also && !unicode.IsPrint(r) {
			c.fail(what, s, fmt.Sprintf("shell does not carry what is at byte %d visibly on one line", i+1))
			return
		}
	}
}

// word is for an operand, which some command would take for an option if it
// began with - or +.
func (c *check) word(what, s string) {
	switch {
	case s == "":
		c.failf("no %s", what)
	case s[0] == '-' || s[0] == '+':
		c.fail(what, s, fmt.Sprintf("it begins with %q like an option", s[0]))
	}
	c.carried(what, s, ' ')
}
