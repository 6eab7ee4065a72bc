package compile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ipsec/conf"
	"ipsec/conf/info"
	"ipsec/klips/route"
	"ipsec/plan"
	"ipsec/plan/change"
	"ipsec/plan/foresee"
	"ipsec/pluto/connection"
)

// pluto returns the steps that start Pluto and hand it its conns: all added,
// then it listens, then the routed ones are routed and the started ones
// initiated, each in the order of the file.
func (c *resolved) pluto() []plan.Node {
	if !c.setup.Pluto {
		return c.withoutPluto(Loaded(c.cfg))
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
	return append(nodes, c.load()...)
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

// rehearsed is what comes of handing the automatic conns to Pluto, as far as files and facts tell.
type rehearsed struct {
	add      []plan.Node // the steps that load them, or say why one is not loaded
	loaded   []instance
	unrouted map[string]error // why Pluto will not route one that it is to route
	unasked  map[string]error // why Pluto will not initiate one that it is to initiate, and has routed
	untold   map[string]bool  // those that are not to be routed, though Pluto would
	unknown  []instance       // to be routed by what nobody knows yet: an address, or a command of the user
	routes   []route.Route    // into KLIPS, of those that it will
	leads    []change.Lead    // what each of them is given
}

// rehearse has a Pluto in memory load the automatic conns, listen, and route those that it is to route.
func (c *resolved) rehearse() rehearsed {
	r := rehearsed{unrouted: make(map[string]error), unasked: make(map[string]error), untold: make(map[string]bool)}
	inMemory := foresee.New(c.host.table)
	for _, conn := range Loaded(c.cfg) {
		instances, bad := c.instances(conn)
		if bad != nil {
			r.add = append(r.add, refused(conn, conn.Name, "loaded", bad.Text, bad.Pos))
			continue
		}
		for _, i := range instances {
			err := c.keyed(i.conn)
			if err == nil {
				err = inMemory.Add(i.conn)
			}
			if err != nil {
				r.add = append(r.add, refused(conn, i.conn.Name, "loaded", err.Error(), conf.Pos{}))
				continue
			}
			r.add = append(r.add, warn(i.add(), autoReason(conn), fmt.Sprintf("conn %q is not loaded", conn.Name)))
			r.loaded = append(r.loaded, i)
		}
		if text := c.everything(conn); text != "" {
			r.add = append(r.add, say(autoReason(conn), fmt.Sprintf("warning: conn %q: %s", conn.Name, text)))
		}
	}
	inMemory.Listen(c.addressesOfIKE())
	for _, i := range r.loaded {
		if i.routed() {
			routes, flows, hooks := len(inMemory.Routes()), len(inMemory.Flows()), inMemory.Hooks()
			err := inMemory.Route(i.conn.Name)
			switch waits := foresee.Waits(err); {
			case waits, inMemory.Hooks() > hooks:
				r.unknown = append(r.unknown, i)
			case err != nil:
				r.unrouted[i.conn.Name] = err
				continue
			}
			if err := c.ways.Refuse(route.User{Conn: i.conn.Name}, since(inMemory.Routes(), routes)); err != nil { // which Pluto cannot know
				inMemory.Unroute(i.conn.Name)
				r.unrouted[i.conn.Name], r.untold[i.conn.Name] = err, true
				continue
			}
			r.leads = append(r.leads, change.Lead{Conn: i.conn.Name, Reason: autoReason(i.of), Routes: since(inMemory.Routes(), routes), Flows: since(inMemory.Flows(), flows)})
		}
	}
	r.routes = inMemory.Routes()
	for _, i := range r.loaded {
		if i.of.Auto == conf.AutoStart && r.unrouted[i.conn.Name] == nil {
			if err := inMemory.Initiate(i.conn.Name); err != nil && !foresee.Waits(err) {
				r.unasked[i.conn.Name] = err
			}
		}
	}
	return r
}

// since returns a copy of what has come to a list that had n.
func since[T any](list []T, n int) []T { return slices.Clone(list[min(n, len(list)):]) }

// load returns the steps that hand the automatic conns to Pluto. What Pluto will refuse is said in the
// plan, in Pluto's words.
func (c *resolved) load() []plan.Node {
	nodes := append(slices.Clone(c.negotiated.add), warn(plan.Listen{}, c.keyword("pluto", "yes"), "Pluto does not listen"))
	var initiate []plan.Node
	for _, i := range c.negotiated.loaded {
		if !i.routed() {
			continue
		}
		name, reason := i.conn.Name, autoReason(i.of)
		err := c.negotiated.unrouted[name]
		switch {
		case c.negotiated.untold[name]:
			nodes = append(nodes, refused(i.of, name, "routed", err.Error(), conf.Pos{}))
			continue
		case err != nil:
			// Pluto is told all the same, so that it knows what is wanted once it can be.
			nodes = append(nodes, refused(i.of, name, "routed", err.Error(), conf.Pos{}), ignored(plan.RouteConn{Name: name}, reason))
		default:
			nodes = append(nodes, warn(plan.RouteConn{Name: name}, reason, fmt.Sprintf("conn %q is not routed", i.of.Name)))
		}
		if i.of.Auto == conf.AutoStart {
			initiate = append(initiate, c.initiate(i))
		}
	}
	return append(nodes, initiate...)
}

// initiate returns the step that has Pluto initiate a connection, or says why it cannot.
func (c *resolved) initiate(i instance) plan.Node {
	name, reason := i.conn.Name, autoReason(i.of)
	op := plan.Initiate{Name: name, Asynchronous: !c.setup.PlutoWait}
	switch err := c.negotiated.unasked[name]; {
	case err != nil:
		return refused(i.of, name, "initiated", err.Error(), conf.Pos{})
	case c.negotiated.unrouted[name] != nil: // as has been said; Pluto is told all the same
		return ignored(op, reason)
	}
	return warn(op, reason+"; "+c.keyword("plutowait", "no"), fmt.Sprintf("conn %q is not up", i.of.Name))
}

// refused says that a connection will not be what conn asks for.
func refused(conn *conf.Conn, name, what, why string, at conf.Pos) plan.Node {
	for _, prefix := range []string{"cannot route %q: ", "cannot initiate %q: ", "connection %q cannot be loaded: ", "connection %q: "} {
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
