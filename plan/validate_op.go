package plan

import (
	"net/netip"
	"slices"
	"strings"

	"ipsec/conf/linkname"
	"ipsec/klips/said"
)

// op checks every field of op. An op that is not named here is refused.
func (c *check) op(op Op) {
	switch op := op.(type) {
	case ClearInterfaces, ClearEroutes, ClearSAs, Listen, GoBack:
	case Log:
		if op.Priority != "" {
			c.priority(op.Priority)
		}
		c.word("text", op.Text)
	case Lock:
		c.path("folder", op.Dir)
	case Save:
		c.paths(op.Paths)
	case Restore:
		c.paths(op.Paths)
	case Keep:
		c.path("file", op.Path)
	case Disarm:
		if op.Login != NewLogin && op.Login != AnyLogin {
			c.failf("malformed login %q: expected %s or %s", op.Login, NewLogin, AnyLogin)
		}
	case Ping:
		c.addr("address", op.Addr, op.Addr)
		if op.From.IsValid() {
			c.addr("source", op.From, op.Addr)
		}
		c.count("seconds", op.Seconds, 1)
	case Arm:
		c.count("seconds", op.Seconds, 1)

	case MakeDir:
		c.path("folder", op.Path)
	case MakeDirs:
		c.path("folder", op.Path)
	case RemoveDir:
		c.path("folder", op.Path)
	case Remove:
		c.paths(op.Paths)
	case Write:
		c.path("file", op.Path)
		c.carried("text", op.Text, ' ')
	case Append:
		c.path("file", op.Path)
		c.carried("text", op.Text, ' ')
	case Touch:
		c.path("file", op.Path)
	case WritePID:
		c.path("file", op.Path)

	case AddAddr:
		c.link(op.Link)
		c.prefix("address", op.Prefix, false)
	case DelAddr:
		c.link(op.Link)
		c.prefix("address", op.Prefix, false)
	case SetMTU:
		c.link(op.Link)
		c.count("MTU", op.MTU, 1)
	case LinkUp:
		c.link(op.Link)
	case AddRoute:
		c.prefix("destination", op.Dst, true)
		c.link(op.Link)
		if op.Src != (netip.Addr{}) {
			c.addr("source", op.Src, op.Dst.Addr())
		}
		c.count("MTU", op.MTU, 0)
		c.count("metric", op.Metric, 0)
	case DelRoute:
		c.prefix("destination", op.Dst, true)
		c.link(op.Link)
		c.count("metric", op.Metric, 0)
	case RPFilter:
		if op.Value != "0" && op.Value != "1" && op.Value != "2" {
			c.fail("reverse path filter", op.Value, "it is none of 0, 1 and 2")
		}
		c.some("links", len(op.Links))
		for _, link := range op.Links {
			c.link(link)
		}

	case Modprobe:
		c.word("module", op.Module)
	case Run:
		c.word("words", op.Words)
	case StartKlips:
		c.joined("ways", "way", op.NoOffload)
		c.joined("debug flags", "debug flag", op.Debug)
	case StartPluto:
		c.args(op.Args)
	case EndDaemon:
		if op.Part != Klips && op.Part != Pluto {
			c.fail("part", string(op.Part), "it is neither klips nor pluto")
		}

	case Updown:
		c.word("command", op.Command)
		c.some("variables", len(op.Env))
		for _, v := range op.Env {
			c.variable(v)
		}
	case AddConn:
		c.word("connection", op.Name)
		c.some("arguments", len(op.Args))
		c.args(op.Args)
		if len(op.Args) > 0 && (op.Args[0] == "--route" || op.Args[0] == "--initiate") {
			c.fail("argument", op.Args[0], "this is another step")
		}
	case RouteConn:
		c.word("connection", op.Name)
	case Initiate:
		c.word("connection", op.Name)
	case Whack:
		c.some("arguments", len(op.Args))
		c.args(op.Args)
		if len(op.Args) > 0 && (op.Args[0] == "--name" || op.Args[0] == "--listen") {
			c.fail("argument", op.Args[0], "this is another step")
		}
	default:
		c.klips(op)
	}
}

// klips checks the ops of KLIPS.
func (c *check) klips(op Op) {
	switch op := op.(type) {
	case Attach:
		c.link(op.Virtual)
		c.link(op.Physical)
		if op.XDP != "auto" && op.XDP != "on" && op.XDP != "off" {
			c.fail("use of AF_XDP", op.XDP, "it is none of auto, on and off")
		}
	case Detach:
		c.link(op.Virtual)
	case AddSA:
		c.said(op.SAID, said.ESP, said.AH)
		c.addr("source", op.Src, op.SAID.Dst)
		c.word("algorithm", op.Algorithm)
		c.count("replay window", op.ReplayWindow, 0)
		if (op.EncapSrc == 0) != (op.EncapDst == 0) {
			c.failf("one of its UDP ports is missing")
		}
		c.word("connection", op.KeysOf)
	case AddComp:
		c.said(op.SAID, said.COMP)
		c.addr("source", op.Src, op.SAID.Dst)
	case AddTunnel:
		c.said(op.SAID, said.IPIP)
		c.addr("source", op.Src, op.Src)
		c.addr("destination", op.Dst, op.Src)
	case DelSA:
		c.said(op.SAID)
	case GroupSAs:
		c.some("SAs", len(op.SAIDs))
		for _, id := range op.SAIDs {
			c.said(id)
		}
	case AddEroute:
		c.flow(op.Flow)
		c.said(op.SAID)
	case AddInflow:
		c.flow(op.Flow)
		c.said(op.SAID)
	case DelEroute:
		c.flow(op.Flow)
	default:
		c.failf("it is not an op")
	}
}

func (c *check) path(what, s string) {
	c.word(what, s)
	if !strings.HasPrefix(s, "/") {
		c.fail(what, s, "it is not an absolute path")
	}
}

func (c *check) paths(paths []string) {
	c.some("paths", len(paths))
	for _, path := range paths {
		c.path("path", path)
	}
}

func (c *check) args(args []string) {
	c.nilled("arguments", args == nil, len(args))
	for _, arg := range args {
		c.carried("argument", arg, ' ')
	}
}

// link checks a name by the kernel's rules.
func (c *check) link(name string) {
	c.word("link", name)
	if !linkname.Valid(name) {
		c.fail("link", name, "this is no name of a network interface")
	}
}

// priority checks facility.priority, e.g. daemon.error.
func (c *check) priority(s string) {
	facility, priority, _ := strings.Cut(s, ".")
	for _, part := range []string{facility, priority} {
		if part == "" || strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			c.fail("syslog priority", s, "it is not like daemon.error")
		}
	}
}

// variable checks NAME=value with a NAME that begins with PLUTO_.
func (c *check) variable(s string) {
	name, value, ok := strings.Cut(s, "=")
	if !ok || !strings.HasPrefix(name, "PLUTO_") || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		c.fail("variable", s, "it is not like PLUTO_VERB=up-client")
	}
	c.carried("variable", value, ' ')
}

// prefix checks a network, or with network false an address and the length of
// its network.
func (c *check) prefix(what string, p netip.Prefix, network bool) {
	switch {
	case !p.IsValid():
		c.failf("no %s", what)
	case p.Addr().Is4In6():
		c.fail(what, p.String(), "it is an IPv4 address within IPv6")
	case network && p != p.Masked():
		c.fail(what, p.String(), "it has bits beyond its length")
	}
}

// addr checks an address that has to be of the family of like.
func (c *check) addr(what string, a, like netip.Addr) {
	switch {
	case !a.IsValid():
		c.failf("no %s", what)
	case a.Zone() != "" || a.Is4In6():
		c.fail(what, a.String(), "it is neither plain IPv4 nor plain IPv6")
	case a.Is4() != like.Is4():
		c.fail(what, a.String(), "it is of another family than "+like.String())
	}
}

func (c *check) said(id said.SAID, protos ...said.Proto) {
	switch id.Proto {
	case said.ESP, said.AH, said.IPIP, said.COMP, said.INT:
	default:
		c.fail("SAID", id.String(), "it has no protocol")
	}
	c.addr("destination", id.Dst, id.Dst)
	if id.Proto == said.INT && id.Dst == netip.IPv6Unspecified() {
		c.fail("SAID", id.String(), "a shunt has the destination 0.0.0.0")
	}
	if len(protos) > 0 && !slices.Contains(protos, id.Proto) {
		c.fail("SAID", id.String(), "it is of another protocol")
	}
}

func (c *check) flow(f Flow) {
	c.prefix("source", f.Src, true)
	c.prefix("destination", f.Dst, true)
	if f.Src.Addr().Is4() != f.Dst.Addr().Is4() {
		c.fail("destination", f.Dst.String(), "it is of another family than "+f.Src.String())
	}
	if f.Proto == 0 && (f.SrcPort != 0 || f.DstPort != 0) {
		c.failf("a port without a protocol")
	}
}

func (c *check) count(what string, n, least int) {
	if n < least || int64(n) > 1<<32-1 {
		c.failf("malformed %s %d", what, n)
	}
}

func (c *check) some(what string, n int) {
	if n == 0 {
		c.failf("no %s", what)
	}
}

// joined checks a list that shell has in one word, with commas between.
func (c *check) joined(what, each string, list []string) {
	c.nilled(what, list == nil, len(list))
	for _, s := range list {
		c.word(each, s)
		c.without(each, s, ',')
	}
}

// nilled keeps nodes comparable: there is one way to have none.
func (c *check) nilled(what string, isNil bool, n int) {
	if n == 0 && !isNil {
		c.failf("its %s are empty but not nil", what)
	}
}

func (c *check) without(what, s string, r rune) {
	if strings.ContainsRune(s, r) {
		c.fail(what, s, "there is a "+string(r)+" in it")
	}
}
