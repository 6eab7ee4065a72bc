package compile

import (
	"fmt"
	"slices"

	"ipsec/conf"
	"ipsec/plan"
)

// Automatic is what ipsec auto is asked for, ipsec_auto(8).
type Automatic struct {
	// Action is the name of an option of ipsec auto: add, delete, replace, up,
	// down, route, unroute, ready, status, rereadsecrets, listall and the like.
	Action string
	// Names are connections. Those that are added are conns of ipsec.conf; the
	// others are what Pluto has.
	Names        []string
	Asynchronous bool
}

// AutoActions are the actions of ipsec auto: those about connections, and
// those about all of Pluto.
func AutoActions() (named, other []string) {
	return []string{"add", "delete", "replace", "up", "down", "route", "unroute"},
		[]string{"ready", "status", "rereadsecrets", "rereadcacerts", "rereadaacerts", "rereadocspcerts", "rereadacerts", "rereadcrls", "rereadall",
			"listpubkeys", "listcerts", "listcacerts", "listacerts", "listaacerts", "listocspcerts", "listgroups", "listcrls", "listocsp", "listpsks", "listall"}
}

// Auto returns the plan of ipsec auto. Only to add a connection takes a
// configuration; what is wrong with the conn is an error here, at its line.
func Auto(a Automatic, cfg *conf.Config, facts plan.Facts, paths conf.Paths) (plan.Plan, error) {
	c := newCompiler(plan.Automat, cfg, facts, paths)
	p := plan.Plan{Verb: plan.Automat, Paths: paths, Syslog: c.syslog()}
	named, other := AutoActions()
	reason := "ipsec auto --" + a.Action
	step := func(op plan.Op, reason string) { p.Nodes = append(p.Nodes, tried(op, reason)) }
	switch {
	case slices.Contains(other, a.Action):
		if a.Action == "ready" {
			step(plan.Listen{}, reason)
		} else {
			step(plan.Whack{Args: []string{"--" + a.Action}}, reason)
		}
	case !slices.Contains(named, a.Action):
		return plan.Plan{}, fmt.Errorf("malformed action %q: expected one of ipsec_auto(8)", a.Action)
	case a.Action == "add" || a.Action == "replace":
		if cfg == nil {
			return plan.Plan{}, fmt.Errorf("failed to plan auto --%s: there is no configuration", a.Action)
		}
		p.Digest, p.Facts = cfg.Digest, facts.Digest()
		for _, name := range a.Names {
			for _, op := range c.addition(name, a.Action == "replace") {
				if _, ok := op.(plan.Whack); ok {
					p.Nodes = append(p.Nodes, ignored(op, connReason(c.conns[name])))
				} else {
					step(op, connReason(c.conns[name]))
				}
			}
		}
	default:
		for _, name := range a.Names {
			step(a.op(name), reason+" "+name)
		}
	}
	if len(c.errs) > 0 {
		return plan.Plan{}, c.errs
	}
	p.Nodes = append(p.Nodes, theEnd())
	return p, nil
}

// op returns what is to be done to a connection that Pluto has.
func (a Automatic) op(name string) plan.Op {
	switch a.Action {
	case "up":
		return plan.Initiate{Name: name, Asynchronous: a.Asynchronous}
	case "route":
		return plan.RouteConn{Name: name}
	case "down":
		args := []string{"--terminate", "--name", name}
		if a.Asynchronous {
			args = append(args, "--asynchronous")
		}
		return plan.Whack{Args: args}
	}
	return plan.Whack{Args: []string{"--" + a.Action, "--name", name}} // delete, unroute
}

// addition returns the ops that add a conn, in place of one of that name.
func (c *compiler) addition(name string, replace bool) []plan.Op {
	conn := c.conns[name]
	if conn == nil {
		c.errorf(conf.Pos{File: c.paths.Conf}, "unknown conn %q", name)
		return nil
	}
	instances, bad := c.instances(conn)
	if bad != nil {
		c.errorf(bad.Pos, "conn %q: %s", conn.Name, bad.Text)
		return nil
	}
	var ops []plan.Op
	for _, instance := range instances {
		op := instance.add()
		if replace {
			op.Args = append([]string{"--delete"}, op.Args...)
		}
		ops = append(ops, op)
	}
	return ops
}
