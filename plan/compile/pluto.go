package compile

import (
	"fmt"
	"strconv"
	"strings"

	"ipsec/conf"
	"ipsec/conf/info"
	"ipsec/plan"
	"ipsec/plan/foresee"
	"ipsec/pluto/connection"
)

// pluto returns the steps that start Pluto and hand it its conns: all added,
// then it listens, then the routed ones are routed and the started ones
// initiated, each in the order of the file.
func (c *resolved) pluto() []plan.Node {
	var conns []*conf.Conn
	for _, conn := range c.cfg.Conns {
		if isAutomatic(conn) {
			conns = append(conns, conn)
		}
	}
	if !c.setup.Pluto {
		return c.withoutPluto(conns)
	}
	var nodes []plan.Node
	if c.setup.PrePluto != "" {
		nodes = append(nodes, must(plan.Run{Words: c.setup.PrePluto}, c.keyword("prepluto", ""), "the command of prepluto failed"))
	}
	reason := c.keyword("pluto", "yes")
	nodes = append(nodes,
		c.note(info.Pluto, reason),
		must(plan.StartPluto{Args: c.plutoArgs()}, reason, "failed to start Pluto"))
	if c.setup.PostPluto != "" {
		nodes = append(nodes, warn(plan.Run{Words: c.setup.PostPluto}, c.keyword("postpluto", ""), "the command of postpluto failed"))
	}
	return append(nodes, c.load(conns)...)
}

// withoutPluto says, once, that conns which need Pluto are not loaded.
func (c *compiler) withoutPluto(conns []*conf.Conn) []plan.Node {
	var first *conf.Conn
	count := 0
	for _, conn := range conns {
		if !conn.PolicyGroup {
			count++
			if first == nil {
				first = conn
			}
		}
	}
	if first == nil {
		return nil
	}
	more := ""
	if count > 1 {
		more = fmt.Sprintf(" and %d more", count-1)
	}
	return []plan.Node{say(because(c.keyword("pluto", "yes"), posOr(first.At("auto"), first.Pos)), fmt.Sprintf("warning: auto=%s of conn %q%s has no effect, for pluto=no", first.Auto, first.Name, more))}
}

// load returns the steps that hand conns to Pluto. What Pluto will refuse, as far as files and facts
// tell, is said in the plan, in Pluto's words.
func (c *resolved) load(conns []*conf.Conn) []plan.Node {
	var add, route, initiate []plan.Node
	rehearsal := foresee.New(c.host.table)
	var loaded []instance
	for _, conn := range conns {
		instances, bad := c.instances(conn)
		if bad != nil {
			add = append(add, refused(conn, conn.Name, "loaded", bad.Text, bad.Pos))
			continue
		}
		for _, i := range instances {
			if err := rehearsal.Add(i.conn); err != nil {
				add = append(add, refused(conn, i.conn.Name, "loaded", err.Error(), conf.Pos{}))
				continue
			}
			add = append(add, warn(i.add(), autoReason(conn), fmt.Sprintf("conn %q is not loaded", conn.Name)))
			loaded = append(loaded, i)
		}
	}
	rehearsal.Listen(c.addressesOfIKE())
	for _, i := range loaded {
		conn, name, reason := i.of, i.conn.Name, autoReason(i.of)
		if conn.Auto != conf.AutoRoute && conn.Auto != conf.AutoStart {
			continue
		}
		if err := rehearsal.Route(name); err != nil {
			// Pluto is told all the same, so that it knows what is wanted once it can be.
			route = append(route, refused(conn, name, "routed", err.Error(), conf.Pos{}), ignored(plan.RouteConn{Name: name}, reason))
		} else {
			route = append(route, warn(plan.RouteConn{Name: name}, reason, fmt.Sprintf("conn %q is not routed", conn.Name)))
		}
		if conn.Auto == conf.AutoStart {
			initiate = append(initiate, warn(plan.Initiate{Name: name, Asynchronous: !c.setup.PlutoWait},
				reason+"; "+c.keyword("plutowait", "no"), fmt.Sprintf("conn %q is not up", conn.Name)))
		}
	}
	nodes := append(add, warn(plan.Listen{}, c.keyword("pluto", "yes"), "Pluto does not listen"))
	return append(append(nodes, route...), initiate...)
}

// refused says that a connection will not be what conn asks for.
func refused(conn *conf.Conn, name, what, why string, at conf.Pos) plan.Node {
	for _, prefix := range []string{"cannot route %q: ", "connection %q cannot be loaded: ", "connection %q: "} {
		why = strings.TrimPrefix(why, fmt.Sprintf(prefix, name))
	}
	return say(because(autoReason(conn), at), fmt.Sprintf("conn %q is not %s: %s", name, what, why))
}

// autoReason returns the reason that Pluto gets conn: its line auto=, or its first.
func autoReason(conn *conf.Conn) string {
	if at := conn.At("auto"); !at.IsZero() {
		return at.String() + " auto=" + string(conn.Auto) + " in conn " + conn.Name
	}
	return connReason(conn)
}

// addressesOfIKE returns the addresses that Pluto listens on once the plan has attached the
// interfaces: those of the physical ones.
func (c *resolved) addressesOfIKE() []connection.Address {
	var list []connection.Address
	for _, a := range c.attached {
		for _, addr := range a.link.Addrs {
			list = append(list, connection.Address{Addr: addr.Prefix.Addr(), Virtual: a.virtual})
		}
	}
	return list
}

// plutoArgs returns the options of pluto(8) that the configuration gives.
func (c *compiler) plutoArgs() []string {
	s := c.setup
	args := []string{
		"--ipsecdir", c.paths.Dir(),
		"--secretsfile", c.paths.Secrets(),
		"--ctlbase", c.paths.Run + "/pluto",
	}
	flag := func(set bool, name string) {
		if set {
			args = append(args, name)
		}
	}
	value := func(name, v string) {
		if v != "" {
			args = append(args, name, v)
		}
	}
	number := func(name string, n int) {
		if n > 0 {
			args = append(args, name, strconv.Itoa(n))
		}
	}
	switch {
	case !c.klips():
		args = append(args, "--use-nostack")
	default:
		args = append(args, "--use-klips")
	}
	for _, d := range s.PlutoDebug {
		if d != "none" {
			args = append(args, "--debug-"+d)
		}
	}
	if s.PlutoStderrLog != "" {
		args = append(args, "--stderrlog", s.PlutoStderrLog)
	}
	value("--coredir", s.DumpDir)
	flag(s.UniqueIDs, "--uniqueids")
	flag(s.NoCRSend, "--nocrsend")
	if s.StrictCRLPolicy != "no" && s.StrictCRLPolicy != "" {
		args = append(args, "--strictcrlpolicy", s.StrictCRLPolicy)
	}
	number("--crlcheckinterval", s.CRLCheckInterval)
	value("--ocspuri", s.OCSPURI)
	flag(s.NATTraversal, "--nat_traversal")
	for i, v := range s.VirtualPrivate {
		if i == 0 {
			args = append(args, "--virtual_private", v)
		} else {
			args[len(args)-1] += "," + v
		}
	}
	number("--keep_alive", s.KeepAlive)
	flag(s.ForceKeepAlive, "--force_keepalive")
	flag(s.DisablePortFloating, "--disable_port_floating")
	if s.NHelpers >= 0 {
		args = append(args, "--nhelpers", strconv.Itoa(s.NHelpers))
	}
	value("--myid", s.MyID)
	flag(!s.PlutoRestartOnCrash, "--norestart")
	return append(args, s.PlutoOpts...)
}
