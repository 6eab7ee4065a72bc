// Package planjson writes plans as JSON, for programs. What it writes is
// described by doc/plan.schema.json.
package planjson

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"

	"ipsec/exec/shell"
	"ipsec/plan"
)

// Version is the version of the form. It changes when a program that reads the
// form would have to.
const Version = 1

// Write writes p, and the facts that it was compiled from, as one JSON object
// with one node a line, in the order of the plan. The same input gives the same
// bytes.
func Write(w io.Writer, p plan.Plan, facts plan.Facts) error {
	if err := p.Validate(); err != nil {
		return err
	}
	e := newEncoder(w)
	e.raw("{\n")
	e.member("version", Version)
	e.raw(",\n")
	e.member("verb", p.Verb)
	e.raw(",\n")
	e.member("paths", p.Paths)
	e.raw(",\n")
	e.member("syslog", p.Syslog)
	e.raw(",\n")
	e.member("digest", p.Digest)
	e.raw(",\n")
	e.member("facts_digest", p.Facts)
	e.raw(",\n")
	e.member("program", p.Writer)
	e.raw(",\n")
	e.member("facts", facts)
	e.raw(",\n\"nodes\": ")
	e.nodes(p.Nodes)
	e.raw(",\n\"undo\": ")
	e.nodes(p.Undo)
	e.raw("\n}\n")
	if err := e.w.Flush(); err != nil {
		return fmt.Errorf("failed to write the plan: %w", err)
	}
	return e.err
}

type encoder struct {
	w    *bufio.Writer
	buf  bytes.Buffer
	json *json.Encoder // into buf
	err  error
}

func newEncoder(w io.Writer) *encoder {
	e := &encoder{w: bufio.NewWriterSize(w, 64<<10)}
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false)
	return e
}

func (e *encoder) raw(s string) { e.w.WriteString(s) }

func (e *encoder) value(v any) {
	e.buf.Reset()
	if err := e.json.Encode(v); err != nil && e.err == nil {
		e.err = fmt.Errorf("failed to encode %T: %w", v, err)
	}
	e.w.Write(bytes.TrimSuffix(e.buf.Bytes(), []byte("\n")))
}

func (e *encoder) member(name string, v any) {
	e.raw(`"` + name + `": `)
	e.value(v)
}

func (e *encoder) nodes(nodes []plan.Node) {
	e.raw("[")
	for i, n := range nodes {
		if i > 0 {
			e.raw(",")
		}
		e.raw("\n")
		e.node(n)
	}
	e.raw("]")
}

func (e *encoder) node(n plan.Node) {
	line, err := shell.Line(n)
	if err != nil && e.err == nil {
		e.err = err
	}
	kind := func(name string) {
		e.raw("{")
		e.member("kind", name)
		e.next("shell", line)
	}
	switch n := n.(type) {
	case plan.Step:
		kind("step")
		e.op(n.Op)
		e.raw(`, "onfail": {`)
		e.member("policy", policies[n.OnFail.Kind])
		if n.OnFail.Message != "" {
			e.next("message", n.OnFail.Message)
		}
		e.raw("}")
		e.next("reason", n.Reason)
	case plan.If:
		kind("if")
		e.cond(n.Cond)
		e.next("reason", n.Reason)
		e.raw(`, "then": `)
		e.nodes(n.Then)
		e.raw(`, "else": `)
		e.nodes(n.Else)
	case plan.Try:
		kind("try")
		e.op(n.Op)
		e.next("reason", n.Reason)
		e.raw(`, "else": `)
		e.nodes(n.Else)
	case plan.SetStatus: // this version of the form has it as a step that cannot fail
		kind("step")
		e.next("op", "SetStatus")
		e.raw(`, "fields": {}, "onfail": {`)
		e.member("policy", policies[plan.FailIgnore])
		e.raw("}")
		e.next("reason", n.Reason)
	case plan.Exit:
		kind("exit")
		if n.Status == plan.StatusRegister {
			e.next("status", "register")
		} else {
			e.next("status", n.Status)
		}
		e.next("reason", n.Reason)
	}
	e.raw("}")
}

func (e *encoder) next(name string, v any) {
	e.raw(", ")
	e.member(name, v)
}

var policies = map[plan.FailKind]string{
	plan.FailUndo:    "undo",
	plan.FailWarn:    "warn",
	plan.FailStatus1: "status1",
	plan.FailIgnore:  "ignore",
}

func (e *encoder) op(op plan.Op) {
	v := reflect.ValueOf(op)
	e.next("op", v.Type().Name())
	e.raw(`, "fields": `)
	e.fields(v)
	if add, ok := op.(plan.AddConn); ok {
		e.next("connection", ConnectionOf(add))
	}
}

func (e *encoder) cond(cond plan.Cond) {
	not, negated := cond.(plan.Not)
	if negated {
		cond = not.Cond
	}
	v := reflect.ValueOf(cond)
	e.next("cond", v.Type().Name())
	e.next("not", negated)
	e.raw(`, "fields": `)
	e.fields(v)
}

// fields writes a struct with its fields in lower case, all of them, and no
// null: an address or a SAID that is not there is empty.
func (e *encoder) fields(v reflect.Value) {
	e.raw("{")
	for i := range v.NumField() {
		if i > 0 {
			e.raw(", ")
		}
		f := v.Field(i)
		e.raw(`"` + fieldName(v.Type().Field(i)) + `": `)
		switch {
		case f.Type() == reflect.TypeFor[plan.Flow]():
			e.fields(f)
		case f.Kind() == reflect.Slice && f.IsNil():
			e.raw("[]")
		default:
			e.value(f.Interface())
		}
	}
	e.raw("}")
}

func fieldName(f reflect.StructField) string { return strings.ToLower(f.Name) }
