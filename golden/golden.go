// Package golden reads cases of plans, and compiles their plans: an ipsec.conf, the
// facts of a host, and the plans that start, stop, restart and manual have there. It
// is imported by tests only.
//
// A case is a txtar file in testdata. Its parts are
//
//	facts.json       the facts of the host
//	ipsec.conf       the configuration, as /etc/ipsec.conf
//	etc/…            files that it includes, as /etc/…
//	rundir           the run folder, where it is not the default one
//
// and what is expected:
//
//	warnings         what conf remarks
//	VERB             what --showonly VERB prints: start, stop, restart, or
//	                 "manual --up NAME", "auto --up NAME" and the like
//	VERB.sh          the same with --format sh
//	VERB.error       why there is no such plan
package golden

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"

	"ipsec/conf"
	"ipsec/exec/host"
	"ipsec/exec/shell"
	"ipsec/plan"
	"ipsec/plan/compile"
)

// Case is a configuration on a host.
type Case struct {
	Name    string // of its file, without .txtar
	Comment string
	Text    string // of ipsec.conf; none where the case has no such part
	Broken  bool   // there is no ipsec.conf
	Facts   plan.Facts
	Paths   conf.Paths

	file    string
	archive *txtar.Archive
}

// Load reads the cases in dir, in the order of their names.
func Load(dir string) ([]*Case, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		return nil, err
	}
	var cases []*Case
	for _, file := range files {
		c, err := load(file)
		if err != nil {
			return nil, fmt.Errorf("failed to read case %s: %w", file, err)
		}
		cases = append(cases, c)
	}
	return cases, nil
}

func load(file string) (*Case, error) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		return nil, err
	}
	c := &Case{
		Name:    strings.TrimSuffix(filepath.Base(file), ".txtar"),
		Comment: string(archive.Comment),
		Paths:   conf.DefaultPaths(),
		file:    file,
		archive: archive,
	}
	text, ok := c.part("ipsec.conf")
	c.Text, c.Broken = string(text), !ok
	if run, ok := c.part("rundir"); ok {
		c.Paths.Run = strings.TrimSpace(string(run))
	}
	facts, ok := c.part("facts.json")
	if !ok {
		return nil, fmt.Errorf("there is no part facts.json")
	}
	if c.Facts, err = host.Read(bytes.NewReader(facts)); err != nil {
		return nil, fmt.Errorf("facts.json: %w", err)
	}
	return c, nil
}

func (c *Case) part(name string) ([]byte, bool) {
	for _, f := range c.archive.Files {
		if f.Name == name {
			return f.Data, true
		}
	}
	return nil, false
}

// Config parses the configuration of the case. It is what conf.Load returns
// on a machine with these files.
func (c *Case) Config() (*conf.Config, error) {
	if c.Broken {
		return nil, fmt.Errorf("%s: %w", c.Paths.Conf, fs.ErrNotExist)
	}
	return conf.Parse(c.Paths.Conf, []byte(c.Text), conf.WithFiles(included{c}))
}

// Plan compiles a verb, written as on the command line: "start", or "manual --up
// NAME". A broken configuration stops every verb but stop.
func (c *Case) Plan(verb string) (plan.Plan, error) {
	config, err := c.Config()
	if verb == string(plan.Stop) {
		return compile.Setup(plan.Stop, config, c.Facts, c.Paths)
	}
	if err != nil {
		return plan.Plan{}, err
	}
	words := strings.Fields(verb)
	if words[0] == string(plan.Automat) {
		return compile.Auto(automatic(words[1:]), config, c.Facts, c.Paths)
	}
	if words[0] != string(plan.Manual) {
		return compile.Setup(plan.Verb(verb), config, c.Facts, c.Paths)
	}
	var action compile.Action
	var names []string
	var other bool
	for _, w := range words[1:] {
		switch flag, ok := strings.CutPrefix(w, "--"); {
		case flag == "other":
			other = true
		case ok:
			action = compile.Action(flag)
		default:
			names = append(names, w)
		}
	}
	return compile.Manual(action, names, other, config, c.Facts, c.Paths)
}

// automatic parses the arguments of ipsec auto.
func automatic(words []string) (a compile.Automatic) {
	for _, w := range words {
		switch flag, ok := strings.CutPrefix(w, "--"); {
		case flag == "asynchronous":
			a.Asynchronous = true
		case ok:
			a.Action = flag
		default:
			a.Names = append(a.Names, w)
		}
	}
	return a
}

// Result returns what the part of the case should hold: the plan, the reason
// why there is none, or the warnings.
func (c *Case) Result(part string) string {
	if part == "warnings" {
		config, _ := c.Config()
		var b strings.Builder
		for _, w := range config.Remarks() {
			fmt.Fprintln(&b, w)
		}
		return b.String()
	}
	verb, wantError := strings.CutSuffix(part, ".error")
	verb, script := strings.CutSuffix(verb, ".sh")
	p, err := c.Plan(verb)
	switch {
	case err != nil && wantError:
		return err.Error() + "\n"
	case err != nil:
		return "no plan: " + err.Error() + "\n"
	case wantError:
		return "there is a plan\n"
	}
	var b strings.Builder
	write := shell.Text
	if script {
		write = shell.Script
	}
	if err := write(&b, p); err != nil {
		return "failed to print the plan: " + err.Error() + "\n"
	}
	return b.String()
}

// Parts returns the names of the parts that are expectations.
func (c *Case) Parts() []string {
	var names []string
	for _, f := range c.archive.Files {
		switch {
		case f.Name == "ipsec.conf", f.Name == "facts.json", f.Name == "rundir", strings.HasPrefix(f.Name, "etc/"):
		default:
			names = append(names, f.Name)
		}
	}
	return names
}

// Verbs returns the verbs of which the case has a plan.
func (c *Case) Verbs() []string {
	var verbs []string
	for _, part := range c.Parts() {
		if part != "warnings" && !strings.HasSuffix(part, ".error") && !strings.HasSuffix(part, ".sh") {
			verbs = append(verbs, part)
		}
	}
	return verbs
}

// included is the parts etc/… as files.
type included struct{ c *Case }

// ReadFile is like 'cat name'.
func (in included) ReadFile(name string, limit int64) ([]byte, error) {
	data, ok := in.c.part(strings.TrimPrefix(name, "/"))
	if !ok || int64(len(data)) > limit {
		return nil, fs.ErrNotExist
	}
	return data, nil
}

// Glob returns the names that match, in the order of the case.
func (in included) Glob(pattern string) ([]string, error) {
	var names []string
	for _, f := range in.c.archive.Files {
		name := "/" + f.Name
		ok, err := path.Match(pattern, name)
		if err != nil {
			return nil, err
		}
		if ok && strings.HasPrefix(f.Name, "etc/") {
			names = append(names, name)
		}
	}
	return names, nil
}
