package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"ipsec/conf"
	"ipsec/plan"
)

// maxHead bounds the lines of the head, a reviewer's comments included.
const maxHead = 1000

// head reads up to the first line of what undo does, and takes the plan's own
// values from there.
func (l *lifter) head() (plan.Plan, error) {
	var p plan.Plan
	start := *l
	values := make(map[string]string)
	for i := 0; l.line != undoFirst; i++ {
		more, err := l.next()
		if err != nil {
			return p, err
		}
		if !more || i == maxHead {
			*l = start
			l.next()
			return p, l.errorf(1, "expected a script of ipsec setup --showonly --format sh: there is no line %q", undoFirst)
		}
		if verb, ok := strings.CutPrefix(l.line, verbLine); ok {
			p.Verb = plan.Verb(verb)
		}
		switch l.line {
		case manualLine:
			p.Verb = plan.Manual
		case autoLine:
			p.Verb = plan.Automat
		}
		if digest, ok := strings.CutPrefix(l.line, digestLine); ok {
			p.Digest = digest
		}
		if digest, ok := strings.CutPrefix(l.line, factsLine); ok {
			p.Facts = digest
		}
		if writer, ok := strings.CutPrefix(l.line, formatLine+writerMark); ok {
			p.Writer = writer
		}
		if name, _, ok := strings.Cut(l.line, "="); ok && syntax.ValidName(name) {
			stmt, err := l.stmt(l.line)
			if err != nil {
				return p, l.at(err, 0)
			}
			c, err := readCommand(stmt)
			if err != nil {
				return p, l.at(err, 0)
			}
			values[name] = c.env[0].value
		}
	}
	p.Paths.Bin = strings.TrimSuffix(values["PATH"], ":"+conf.SystemPath)
	if values["PATH"] == conf.SystemPath {
		p.Paths.Bin = conf.DefaultBin
	}
	for _, e := range environment(&p) {
		value, ok := values[e.name]
		if !ok {
			value = e.usual()
		}
		*e.value = value
	}
	*l = start
	alone := p
	alone.Nodes = []plan.Node{plan.Exit{}}
	if err := alone.Validate(); err != nil {
		l.number = 1
		return p, l.errorf(1, "%s", err)
	}
	return p, l.again(p)
}

// again reads the head that p has.
func (l *lifter) again(p plan.Plan) error {
	comments, commands := head(p)
	lines := comments
	for _, c := range commands {
		line, err := appendCommand(nil, c)
		if err != nil {
			return l.errorf(1, "%s", err)
		}
		lines = append(lines, string(line))
	}
	for _, line := range append(lines, undoFirst, "\t"+undoTrap, "\t"+undoSay) {
		if err := l.goTo(line); err != nil {
			return err
		}
	}
	return nil
}
