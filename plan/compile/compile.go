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
	"ipsec/klips/said"
	"ipsec/plan"
)

// Setup returns the plan of start, stop or restart. For Stop, cfg may be
// nil: stop depends on what runs, which facts.Running says, and takes from the
// configuration nothing but where to log. The error is a conf.Errors with all
// that is in the way, each at its line of ipsec.conf.
func Setup(verb plan.Verb, cfg *conf.Config, facts plan.Facts, paths conf.Paths) (plan.Plan, error) {
	if cfg == nil && verb != plan.Stop {
		return plan.Plan{}, fmt.Errorf("failed to plan %s: there is no configuration", verb)
	}
	c := newCompiler(verb, cfg, facts, paths)
	p := plan.Plan{Verb: verb, Paths: paths, Syslog: defaultSyslog}
	if cfg != nil {
		p.Digest, p.Syslog = cfg.Digest, c.syslog()
	}
	switch verb {
	case plan.Start:
		c.prepare()
		p.Nodes, p.Undo = c.start(), c.undo()
	case plan.Stop:
		p.Nodes = c.stop()
	case plan.Restart:
		c.prepare()
		p.Nodes, p.Undo = c.restart(), c.undo()
	default:
		return plan.Plan{}, fmt.Errorf("malformed verb %q: expected start, stop or restart", verb)
	}
	if len(c.errs) > 0 {
		return plan.Plan{}, c.errs
	}
	return p, nil
}

const defaultSyslog = "daemon.error"

// compiler holds what the parts of a plan have in common while it is made.
type compiler struct {
	verb  plan.Verb
	cfg   *conf.Config // nil for a stop without one
	setup *conf.Setup  // of cfg, or a zero one
	facts plan.Facts
	paths conf.Paths
	host  *host
	noted noted
	errs  conf.Errors

	conns      map[string]*conf.Conn
	attached   []attachment
	virtual    map[string]string // physical link to virtual
	manual     []*manualConn
	saids      map[said.SAID]string  // to the conn that has it
	ciphers    map[string]string     // of algorithm strings of ESP
	routed     map[plan.DelRoute]int // to the conns that want it
	forwarding []string              // the settings that forwarding changes
	rpfilter   []string              // the settings that rp_filter changes
}

func newCompiler(verb plan.Verb, cfg *conf.Config, facts plan.Facts, paths conf.Paths) *compiler {
	c := &compiler{
		verb: verb, cfg: cfg, setup: new(conf.Setup), facts: facts, paths: paths,
		host:    newHost(facts),
		noted:   readInfo(facts.Running.Info),
		conns:   make(map[string]*conf.Conn),
		virtual: make(map[string]string),
		saids:   make(map[said.SAID]string),
		ciphers: make(map[string]string),
		routed:  make(map[plan.DelRoute]int),
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

// prepare resolves the configuration on this host, before the first node.
func (c *compiler) prepare() {
	c.checkStack()
	c.attached = c.interfaces()
	for _, a := range c.attached {
		c.virtual[a.physical] = a.virtual
	}
	c.manual = c.manualConns()
	c.checkMTU()
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
