package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"ipsec/klips"
	"ipsec/klips/options"
	"ipsec/klips/said"
	"ipsec/plan"
)

// request is what a KLIPS tool was asked to do. Where package plan has an op
// for it, it is that op, done by the executor that runs plans, so that a line
// of a reviewed script does exactly what the native run does; all else is a
// call of the table. Exactly one field is set.
type request struct {
	op   plan.Op
	call func(klips.Table) error
	show func(io.Writer, klips.Table) error
}

// tool is a command that manages a table of KLIPS.
type tool interface {
	request(*env, options.Resolver) (request, error)
}

// runTool reads the command line of a tool and does what it asks for.
func runTool(e *env, t tool) error {
	r, err := t.request(e, options.System())
	if err != nil {
		return err
	}
	if r.op != nil {
		return e.do(r.op)
	}
	table, err := e.dial()
	if err != nil {
		return err
	}
	defer table.Close()
	if r.show != nil {
		return r.show(e.Stdout, table)
	}
	return r.call(table)
}

// listing is the request for a table of KLIPS.
func listing[T any](list func(klips.Table) (T, error), print func(io.Writer, T) error) request {
	return request{show: func(w io.Writer, table klips.Table) error {
		entries, err := list(table)
		if err != nil {
			return err
		}
		return print(w, entries)
	}}
}

// one checks that exactly one of a tool's forms was asked for, and returns it.
func one(forms ...form) (string, error) {
	var found string
	for _, f := range forms {
		if !f.given {
			continue
		}
		if found != "" {
			return "", usageError(fmt.Sprintf("%s and %s exclude each other", found, f.name))
		}
		found = f.name
	}
	return found, nil
}

// form is an option that says what a tool does, such as --add.
type form struct {
	name  string
	given bool
}

// need complains about an option that a form cannot do without.
func need(formName, option, value string) error {
	if value == "" {
		return usageError(fmt.Sprintf("%s needs %s", formName, option))
	}
	return nil
}

// refuse complains about options that a form has no use for.
func refuse(formName string, options ...form) error {
	var all []error
	for _, o := range options {
		if o.given {
			all = append(all, usageError(fmt.Sprintf("%s does not go with %s", o.name, formName)))
		}
	}
	return errors.Join(all...)
}

// do performs one op as a plan would.
func (e *env) do(op plan.Op) error {
	sa, _ := op.(plan.AddSA)
	run, done, err := e.executor(sa.KeysOf)
	if err != nil {
		return err
	}
	defer done()
	return run.Do(context.Background(), op)
}

// saidFlags name an SA in either way of the man pages: as one text, or in parts.
type saidFlags struct {
	Said  string         `placeholder:"SAID" help:"The SA, like esp0x200@192.0.2.1 or tun.201@192.0.2.1."`
	Af    options.Family `placeholder:"inet|inet6" help:"In place of --said: the address family of the SA."`
	Edst  string         `placeholder:"ADDR" help:"… its effective destination,"`
	Spi   string         `placeholder:"SPI" help:"… its security parameters index, like 0x200,"`
	Proto string         `placeholder:"PROTO" help:"… and its protocol: ah, esp, comp or tun."`
}

func (s saidFlags) given() bool { return s.Said != "" || s.Edst != "" || s.Spi != "" || s.Proto != "" }

// read returns the SAID that the flags name.
func (s saidFlags) read(r options.Resolver) (said.SAID, error) {
	return r.Named(s.Said, s.Af, s.Edst, s.Spi, s.Proto)
}
