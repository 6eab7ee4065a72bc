// Package compile makes plans of the verbs of ipsec setup, ipsec manual and
// ipsec auto: a pure function of the verb, the configuration, the facts of a
// host and the paths. It reads no file, no clock and no environment, and the
// same input gives the same plan.
package compile

import (
	"fmt"
	"slices"
	"strings"

	"ipsec/conf"
	"ipsec/plan"
)

// Setup returns the plan of start, stop, restart or try-restart. For Stop, cfg may be
// nil: stop depends on what runs, which facts.Running says, and takes from the
// configuration nothing but where to log. The error is a conf.Errors with all
// that is in the way, each at its line of ipsec.conf.
func Setup(verb plan.Verb, cfg *conf.Config, facts plan.Facts, paths conf.Paths) (plan.Plan, error) {
	if cfg == nil && verb != plan.Stop {
		return plan.Plan{}, fmt.Errorf("failed to plan %s: there is no configuration", verb)
	}
	c := newCompiler(verb, cfg, facts, paths)
	p := plan.Plan{Verb: verb, Paths: paths, Syslog: defaultSyslog, Facts: facts.Digest()}
	if cfg != nil {
		p.Digest, p.Syslog = cfg.Digest, c.syslog()
	}
	switch verb {
	case plan.Start:
		r := c.whole()
		p.Nodes, p.Undo = r.start(), r.undo()
	case plan.Stop:
		p.Nodes = c.stop()
	case plan.Restart, plan.TryRestart:
		r := c.whole()
		p.Nodes, p.Undo = r.restart(), r.undo()
	default:
		return plan.Plan{}, fmt.Errorf("malformed verb %q: expected start, stop, restart or try-restart", verb)
	}
	if len(c.errs) > 0 {
		return plan.Plan{}, c.errs
	}
	return p, nil
}

const defaultSyslog = "daemon.error"

// compiler holds what a plan is made of, and what is in its way.
type compiler struct {
	verb  plan.Verb
	cfg   *conf.Config // nil for a stop without one
	setup *conf.Setup  // of cfg, or a zero one
	facts plan.Facts
	paths conf.Paths
	host  *host
	noted noted
	errs  conf.Errors

	conns map[string]*conf.Conn // by name, the first of each

	restarting bool // of a reload: it does what a restart does
}

func newCompiler(verb plan.Verb, cfg *conf.Config, facts plan.Facts, paths conf.Paths) *compiler {
	c := &compiler{
		verb: verb, cfg: cfg, setup: new(conf.Setup), facts: facts, paths: paths,
		host:  newHost(facts),
		noted: readInfo(facts.Running.Info),
		conns: make(map[string]*conf.Conn),
	}
	if cfg != nil {
		c.setup = &cfg.Setup
		for _, conn := range cfg.Conns {
			if c.conns[conn.Name] == nil {
				c.conns[conn.Name] = conn
			}
		}
	}
	return c
}

// errorf notes that there will be no plan, and why. What no file gave is an
// error of ipsec.conf as a whole.
func (c *compiler) errorf(pos conf.Pos, format string, args ...any) {
	if pos.IsZero() {
		pos.File = c.paths.Conf
	}
	c.errs = append(c.errs, conf.Diagnostic{Pos: pos, Text: fmt.Sprintf(format, args...)})
}

// checkStack sees to it that this host has the data plane that is asked for.
func (c *compiler) checkStack() {
	pos := c.setup.At("protostack")
	switch {
	case !c.klips(), slices.Contains(c.facts.Stacks, "klips"):
	case !c.facts.TUN && !c.facts.Modprobe:
		c.errorf(pos, "protostack=%s: this host cannot run KLIPS: there is neither /dev/net/tun nor modprobe(8) to load the module tun; expected one of them, or protostack=none", c.protostack())
	default:
		c.errorf(pos, "protostack=%s: this host offers no KLIPS; it offers %s", c.protostack(), listOr(c.facts.Stacks, "no stack"))
	}
}

func (c *compiler) protostack() string {
	if c.setup.Protostack == "" {
		return "auto"
	}
	return c.setup.Protostack
}

// klips reports whether the plan has a data plane.
func (c *compiler) klips() bool { return c.setup.Protostack != "none" }

func (c *compiler) syslog() string {
	if c.setup.Syslog == "" {
		return defaultSyslog
	}
	return c.setup.Syslog
}

func listOr(words []string, none string) string {
	if len(words) == 0 {
		return none
	}
	return strings.Join(words, ", ")
}
