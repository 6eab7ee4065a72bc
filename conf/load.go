package conf

import (
	"fmt"

	"ipsec/conf/keyword"
)

// Option changes how Parse reads.
type Option func(*parser)

// WithFiles lets includes be read from files. Without it an include is an
// error.
func WithFiles(files Files) Option { return func(p *parser) { p.files = files } }

// Load reads the ipsec.conf of paths and all that it includes.
//
// The error is of type Errors and holds everything that is wrong, of all
// files. A Config is returned with it: what could be read, so that a stop can
// do its work on a broken file; parameters in error are left out of it. Where
// ipsec.conf itself cannot be read, the Config holds the defaults and the
// error wraps the cause.
func Load(paths Paths) (*Config, error) { return load(paths, "") }

// load is Load with the text of more sections after those of the files.
func load(paths Paths, more string) (*Config, error) {
	p := newParser(WithFiles(osFiles{}))
	p.more = more
	text, err := p.files.ReadFile(paths.Conf, maxFileSize)
	if err != nil {
		p.fail(Pos{File: paths.Conf}, "failed to read the configuration: "+reason(err), err)
	}
	c, err := p.parse(paths.Conf, text)
	p.policyGroups(c, paths.Dir())
	c.Warnings = p.warnings
	return c, err
}

// Parse reads text as the ipsec.conf of that name. It returns what Load
// returns.
func Parse(name string, text []byte, opts ...Option) (*Config, error) {
	return newParser(opts...).parse(name, text)
}

// parser is one reading of a configuration.
type parser struct {
	reporter
	files    Files
	table    *keyword.Table
	read     []string // names of the files read, in order
	total    int64
	steps    int // of also, taken so far
	walker   walker
	stack    []string
	more     string // sections after those of the files
	sections map[sectionKey]*section
	order    []*section
	said     map[said]bool // of which keywords has been said why they do not act
	offers   proposals
	unread   map[*keyword.Keyword]bool // those without effect in a manually keyed conn
}

func newParser(opts ...Option) *parser {
	p := &parser{
		files:    noFiles{},
		table:    keyword.Get(),
		sections: make(map[sectionKey]*section),
		said:     make(map[said]bool),
		offers:   make(proposals),
		unread:   make(map[*keyword.Keyword]bool),
	}
	for _, o := range opts {
		o(p)
	}
	return p
}

func (p *parser) parse(name string, text []byte) (*Config, error) {
	a := &assembler{parser: p}
	if int64(len(text)) > maxFileSize {
		p.errorf(Pos{File: name}, "the file is longer than %d bytes", maxFileSize)
	} else {
		a.file(name, text)
	}
	if p.more != "" {
		a.file(unionFile, []byte(p.more))
		p.read = p.read[:len(p.read)-1] // it is no file
	}
	c := p.build()
	c.Files = p.read
	c.Digest = c.digest(p.table)
	inOrder(p.warnings, p.read)
	inOrder(p.harmless, p.read)
	c.Warnings, c.Harmless = p.warnings, p.harmless
	if len(p.errors) == 0 {
		return c, nil
	}
	inOrder(p.errors, p.read)
	if len(p.errors) == maxReports {
		last := p.errors[len(p.errors)-1]
		p.errors = append(p.errors, Diagnostic{Pos: last.Pos, Text: fmt.Sprintf("more than %d errors, the rest is left out", maxReports)})
	}
	return c, Errors(p.errors)
}
