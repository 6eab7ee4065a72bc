package shell

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ipsec/exec"
	"ipsec/klips/said"
	"ipsec/plan"
)

// codec writes and reads the shell form of ops, so that there is one description of
// each form: its method of exec.Ops. Writing, a method puts the op that it is given
// into cmds; reading, it is given a zero value and fills it from cmds, and bad is set
// where cmds are not of that form.
type codec struct {
	cmds    []command // joined by &&
	reading bool

	cur int     // reading: the command of cmds that is being read
	cmd command // what is left to check of its env and redir
	at  int     // its next word

	bad  bool
	got  plan.Op
	want string // what was expected where reading ended
}

var _ exec.Ops = (*codec)(nil)

// write returns the commands of op.
func (c *codec) write(op plan.Op) []command {
	c.begin()
	_ = exec.Do(context.Background(), c, op)
	return c.cmds
}

// begin makes ready for writing.
func (c *codec) begin() {
	var words []word // in the storage of those before
	if len(c.cmds) > 0 {
		words = c.cmds[0].words[:0]
	}
	c.reading, c.cmds = false, append(c.cmds[:0], command{words: words})
}

// read returns the op whose form cmds have. Where there is none, the error says what
// the forms expected that fit furthest.
func (c *codec) read(cmds []command, ops []plan.Op) (plan.Op, error) {
	far, wants := -1, []string(nil)
	var at codec
	var invalid error
	for _, zero := range ops {
		*c = codec{cmds: cmds, reading: true, cmd: cmds[0]}
		_ = exec.Do(context.Background(), c, zero)
		if !c.bad {
			step := plan.Step{Op: c.got, OnFail: plan.OnFail{Kind: plan.FailIgnore}}
			if err := plan.Validate(step); err != nil {
				invalid = err
				continue
			}
			return c.got, nil
		}
		reach := c.cur<<20 + c.at
		if reach > far {
			far, wants, at = reach, nil, *c
		}
		if reach == far && !slices.Contains(wants, c.want) {
			wants = append(wants, c.want)
		}
	}
	if invalid != nil {
		return nil, &lineError{1, invalid.Error()}
	}
	return nil, at.mismatch(strings.Join(wants, " or "))
}

// mismatch returns the error that want was expected at the word where reading ended.
func (c *codec) mismatch(want string) error {
	words := c.cmds[c.cur].words
	switch {
	case len(words) == 0:
		return &lineError{1, "this is no step of a plan: expected a command"}
	case c.at == 0:
		return &lineError{words[0].col, fmt.Sprintf("%q is no step of a plan", words[0].text)}
	case c.at < len(words):
		return &lineError{words[c.at].col, fmt.Sprintf("expected %s, found %q", want, words[c.at].text)}
	}
	return &lineError{words[0].col, fmt.Sprintf("expected %s, found the end after %q", want, words[len(words)-1].text)}
}

func (c *codec) fail(want string) {
	if !c.bad {
		c.bad, c.want = true, want
	}
}

// next returns the next word of the command that is being read.
func (c *codec) next(want string) (string, bool) {
	words := c.cmds[c.cur].words
	if c.bad || c.at == len(words) || words[c.at].param {
		c.fail(want)
		return "", false
	}
	c.at++
	return words[c.at-1].text, true
}

func (c *codec) put(text string, param bool) {
	cmd := &c.cmds[len(c.cmds)-1]
	cmd.words = append(cmd.words, word{text: text, param: param})
}

// done ends a form; op is what it was called with, filled in when reading.
func done[T plan.Op](c *codec, op T) error {
	if c.reading {
		c.end()
		c.got = op
	}
	return nil
}

// end checks that nothing is left to read.
func (c *codec) end() {
	switch {
	case c.cur != len(c.cmds)-1 || c.at != len(c.cmds[c.cur].words):
		c.fail("the end of the step")
	case len(c.cmd.env) > 0:
		c.fail("a step without variables before it")
	case c.cmd.redir.op != "":
		c.fail("a step without a redirection")
	}
}

// and goes on to the command after &&.
func (c *codec) and() {
	switch {
	case !c.reading:
		c.cmds = append(c.cmds, command{})
	case c.at != len(c.cmds[c.cur].words) || c.cur == len(c.cmds)-1 || c.cmd.redir.op != "":
		c.fail("&&")
	default:
		c.cur, c.at = c.cur+1, 0
		c.cmd = c.cmds[c.cur]
	}
}

// lit is words that are always the same.
func (c *codec) lit(words ...string) {
	for _, w := range words {
		if !c.reading {
			c.put(w, false)
		} else if got, ok := c.next(w); ok && got != w {
			c.at--
			c.fail(w)
		}
	}
}

// param is "$$" and the like.
func (c *codec) param(text string) {
	if !c.reading {
		c.put(text, true)
		return
	}
	words := c.cmds[c.cur].words
	if c.bad || c.at == len(words) || words[c.at] != (word{text, true, words[c.at].col}) {
		c.fail(`"` + text + `"`)
		return
	}
	c.at++
}

// opt is a flag that is there or not.
func (c *codec) opt(flag string, present bool) bool {
	if !c.reading {
		if present {
			c.put(flag, false)
		}
		return present
	}
	words := c.cmds[c.cur].words
	if c.bad || c.at == len(words) || words[c.at].param || words[c.at].text != flag {
		return false
	}
	c.at++
	return true
}

// either is yes or no.
func (c *codec) either(yes, no string, is bool) {
	if is = c.opt(yes, is); !is {
		c.lit(no)
	}
}

// value is a word that parse makes a T of.
func value[T any](c *codec, v *T, what string, format func(T) string, parse func(string) (T, error)) {
	if !c.reading {
		c.put(format(*v), false)
		return
	}
	text, ok := c.next(what)
	if !ok {
		return
	}
	got, err := parse(text)
	if err != nil {
		c.at--
		c.fail(what)
		return
	}
	*v = got
}

func (c *codec) text(v *string) {
	if !c.reading {
		c.put(*v, false)
	} else if text, ok := c.next("a value"); ok {
		*v = text
	}
}

// texts is all the words that are left; there may be none.
func (c *codec) texts(v *[]string) { list(c, v, (*codec).text) }

// list is all the words that are left.
func list[T any](c *codec, v *[]T, each func(*codec, *T)) {
	if !c.reading {
		for i := range *v {
			each(c, &(*v)[i])
		}
		return
	}
	for !c.bad && c.at < len(c.cmds[c.cur].words) {
		var one T
		each(c, &one)
		*v = append(*v, one)
	}
}

func (c *codec) num(v *int) { value(c, v, "a number", strconv.Itoa, strconv.Atoi) }

func (c *codec) part(v *plan.Part) {
	value(c, v, "a part", func(p plan.Part) string { return string(p) },
		func(s string) (plan.Part, error) { return plan.Part(s), nil })
}

func (c *codec) addr(v *netip.Addr) {
	value(c, v, "an address", netip.Addr.String, netip.ParseAddr)
}

func (c *codec) prefix(v *netip.Prefix) {
	value(c, v, "an address with its prefix length", netip.Prefix.String, netip.ParsePrefix)
}

func (c *codec) said(v *said.SAID) {
	value(c, v, "a SAID", said.SAID.String, said.Parse)
}

// small is a number of 8 or 16 bits.
func small[T uint8 | uint16](c *codec, v *T) {
	value(c, v, "a number", func(n T) string { return strconv.Itoa(int(n)) }, func(s string) (T, error) {
		n, err := strconv.ParseUint(s, 10, 16)
		if err == nil && uint64(T(n)) != n {
			err = strconv.ErrRange
		}
		return T(n), err
	})
}

// joined is a list in one word.
func (c *codec) joined(v *[]string, sep string) {
	value(c, v, "a list", func(s []string) string { return strings.Join(s, sep) },
		func(s string) ([]string, error) { return strings.Split(s, sep), nil })
}

// env is the variables before the command.
func (c *codec) env(v *[]string) {
	if c.reading {
		for _, e := range c.cmd.env {
			*v = append(*v, e.name+"="+e.value)
		}
		if len(*v) == 0 {
			c.fail("variables")
		}
		c.cmd.env = nil
		return
	}
	cmd := &c.cmds[len(c.cmds)-1]
	for _, e := range *v {
		name, value, _ := strings.Cut(e, "=")
		cmd.env = append(cmd.env, variable{name, value})
	}
}

// redir is a redirection with a target, or closeLock with none.
func (c *codec) redir(op string, target *string) {
	if !c.reading {
		c.cmds[len(c.cmds)-1].redir = redirect{op, *target}
		return
	}
	if c.cmd.redir.op != op {
		c.fail(op)
		return
	}
	*target = c.cmd.redir.target
	c.cmd.redir = redirect{}
}
