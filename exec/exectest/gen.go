package exectest

import (
	"fmt"
	"net/netip"
	"reflect"

	"ipsec/conf"
	"ipsec/exec"
	"ipsec/klips/said"
	"ipsec/plan"
)

// Plan returns a valid plan that data decides, whatever data is: every op,
// node, condition and failure policy comes up, with values that are hard to
// quote. Beyond the end of data everything is as short as it can be.
func Plan(data []byte) plan.Plan {
	g := generator{data: data}
	p := plan.Plan{
		Verb:   pick(&g, plan.Start, plan.Stop, plan.Restart, plan.TryRestart, plan.Reload, plan.ReloadDisruptive, plan.Confirm, plan.Revert, plan.Manual, plan.Automat),
		Paths:  conf.DefaultPaths(),
		Digest: pick(&g, "", "5feceb66ffc86f38"),
		Facts:  pick(&g, "", "6b86b273ff34fce1"),
		Writer: pick(&g, "", "1.2 (abc)"),
		Syslog: pick(&g, "daemon.error", "local0.info"),
	}
	if g.below(2) == 1 {
		p.Paths = conf.Paths{Bin: g.path(), Confs: g.path(), Conf: g.path(), Run: g.path()}
	}
	p.Undo = g.nodes(2, true)
	p.Nodes = append(g.nodes(3, false), g.exit())
	return p
}

// Op returns a valid op of the type of zero that data decides.
func Op(zero plan.Op, data []byte) plan.Op { return (&generator{data: data}).op(zero) }

type generator struct {
	data []byte
	v6   bool
}

// below returns a number from 0 to n-1.
func (g *generator) below(n int) int {
	if len(g.data) == 0 {
		return 0
	}
	b := int(g.data[0])
	g.data = g.data[1:]
	return b % n
}

func pick[T any](g *generator, of ...T) T { return of[g.below(len(of))] }

func (g *generator) nodes(depth int, undo bool) []plan.Node {
	var nodes []plan.Node
	for len(g.data) > 0 && g.below(8) != 0 {
		switch kind := g.below(8); {
		case kind == 0 && depth > 0:
			n := plan.If{Cond: g.cond(), Then: g.some(depth-1, undo), Reason: g.reason()}
			if g.below(2) == 1 {
				n.Else = g.some(depth-1, undo)
			}
			nodes = append(nodes, n)
		case kind == 1 && depth > 0:
			nodes = append(nodes, plan.Try{Op: g.anyOp(), Else: g.some(depth-1, undo), Reason: g.reason()})
		case kind == 2 && !undo:
			nodes = append(nodes, g.exit())
		case kind == 3:
			nodes = append(nodes, plan.SetStatus{Reason: g.reason()})
		default:
			nodes = append(nodes, g.step(undo))
		}
	}
	return nodes
}

// some returns at least one node.
func (g *generator) some(depth int, undo bool) []plan.Node {
	return append([]plan.Node{g.step(undo)}, g.nodes(depth, undo)...)
}

func (g *generator) exit() plan.Exit {
	return plan.Exit{Status: pick(g, plan.Status0, plan.Status1, plan.StatusBack, plan.StatusRegister), Reason: g.reason()}
}

func (g *generator) step(undo bool) plan.Step {
	s := plan.Step{Op: g.anyOp(), OnFail: plan.OnFail{Kind: plan.FailIgnore}, Reason: g.reason()}
	switch pick(g, plan.FailIgnore, plan.FailStatus1, plan.FailWarn, plan.FailUndo) {
	case plan.FailUndo:
		if undo {
			break
		}
		s.OnFail = plan.OnFail{Kind: plan.FailUndo, Message: g.text()}
	case plan.FailWarn:
		s.OnFail = plan.OnFail{Kind: plan.FailWarn, Message: g.text()}
	case plan.FailStatus1:
		s.OnFail.Kind = plan.FailStatus1
	}
	return s
}

func (g *generator) cond() plan.Cond {
	var cond plan.Cond
	switch g.below(5) {
	case 0:
		cond = plan.Exists{Path: g.path()}
	case 1:
		cond = plan.Device{Path: g.path()}
	case 2:
		var has plan.HasSA
		g.fill(reflect.ValueOf(&has).Elem())
		cond = has
	case 3:
		var has plan.HasEroute
		g.fill(reflect.ValueOf(&has).Elem())
		cond = has
	default:
		cond = plan.Alive{Parts: []plan.Part{plan.Klips, plan.Pluto, plan.Interfaces}[g.below(3):]}
	}
	if g.below(2) == 1 {
		return plan.Not{Cond: cond}
	}
	return cond
}

func (g *generator) reason() string {
	return pick(g, "", "east.conf:3\tconn a", "# \\ 'it' $x", g.text())
}

func (g *generator) path() string {
	return pick(g, "/run/x", "/", "/a b/c", "/it's/$HOME", "/-x", "/ü/€") + pick(g, "", "/ipsec", "=y")
}

func (g *generator) text() string {
	return pick(g, "conn", "it's", `"$x" \`+"`y`", "a b", "~", "!", "if", "%any", "x=1", "# no", "}", "*", `\`, "done || {", "ü", "0", "a;b&c|d", "{a,b}") +
		pick(g, "", "x", " ", "'", `"`, `\`, "$", "|| :")
}

func (g *generator) addr() netip.Addr {
	if g.v6 {
		return netip.MustParseAddr(pick(g, "2001:db8::1", "::", "fe80::1"))
	}
	return netip.MustParseAddr(pick(g, "192.0.2.1", "0.0.0.0", "198.51.100.200"))
}

// anyOp returns an op of any type.
func (g *generator) anyOp() plan.Op {
	zeros := exec.Zeros()
	return g.op(zeros[g.below(len(zeros))])
}

func (g *generator) op(zero plan.Op) plan.Op {
	g.v6 = g.below(2) == 1
	v := reflect.New(reflect.TypeOf(zero)).Elem()
	g.fill(v)
	switch op := v.Interface().(type) {
	case plan.AddSA:
		op.SAID = g.sa(pick(g, said.ESP, said.AH))
		if g.below(2) == 1 {
			op.EncapSrc, op.EncapDst = 4500, uint16(1+g.below(256))
		}
		return op
	case plan.AddComp:
		op.SAID = g.sa(said.COMP)
		return op
	case plan.AddTunnel:
		op.SAID = g.sa(said.IPIP)
		return op
	case plan.Arm:
		op.Seconds = 1 + g.below(256)
		return op
	case plan.Ping:
		op.Seconds = 1 + g.below(256)
		if g.below(2) == 1 {
			op.From = netip.Addr{}
		}
		return op
	case plan.AddRoute:
		if g.below(2) == 1 {
			op.Src = netip.Addr{}
		}
		return op
	}
	return v.Interface().(plan.Op)
}

// fill gives each field of a struct a valid value, by its name and type.
func (g *generator) fill(v reflect.Value) {
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		switch p := f.Addr().Interface().(type) {
		case *string:
			*p = g.string(name)
		case *bool:
			*p = g.below(2) == 1
		case *int:
			*p = pick(g, 0, 1, 1400, 1<<31)
			if name == "MTU" && v.Type() == reflect.TypeFor[plan.SetMTU]() {
				*p = 68 + g.below(256)
			}
		case *netip.Addr:
			*p = g.addr()
		case *netip.Prefix:
			*p = netip.PrefixFrom(g.addr(), g.below(33))
			if name != "Prefix" {
				*p = p.Masked()
			}
		case *said.SAID:
			*p = g.said()
		case *[]said.SAID:
			*p = append([]said.SAID{g.said()}, []said.SAID{g.said(), g.said()}[g.below(3):]...)
		case *[]string:
			*p = g.strings(name)
		case *plan.Part:
			*p = pick(g, plan.Klips, plan.Pluto)
		case *plan.Flow:
			g.fill(f)
			if p.Proto == 0 {
				p.SrcPort, p.DstPort = 0, 0
			}
		case *uint8:
			*p = uint8(g.below(256))
		case *uint16:
			if name != "EncapSrc" && name != "EncapDst" {
				*p = uint16(g.below(256) * g.below(256))
			}
		default:
			panic(fmt.Sprintf("exectest: no values for %s of type %s", name, f.Type()))
		}
	}
}

func (g *generator) sa(proto said.Proto) said.SAID {
	return said.SAID{Dst: g.addr(), SPI: uint32(0x100 + g.below(256)), Proto: proto}
}

func (g *generator) said() said.SAID {
	return pick(g, g.sa(pick(g, said.ESP, said.AH, said.IPIP)), said.Shunt(said.SPITrap), said.Passthrough())
}

func (g *generator) string(name string) string {
	switch name {
	case "Path", "Dir":
		return g.path()
	case "Link", "Virtual", "Physical":
		return pick(g, "eth0", "ipsec0", "eth0.1", "it's", "a*")
	case "Login":
		return pick(g, plan.NewLogin, plan.AnyLogin)
	case "Value":
		return pick(g, "0", "1", "2")
	case "XDP":
		return pick(g, "auto", "on", "off")
	case "Priority":
		return pick(g, "", "daemon.error", "local0.info")
	case "Text", "Words", "Command", "Algorithm", "KeysOf", "Name", "Module":
		return g.text()
	}
	panic("exectest: no values for " + name)
}

func (g *generator) strings(name string) []string {
	n := g.below(4)
	switch name {
	case "Paths":
		return append([]string{g.path()}, []string{g.path(), "/x", "/y"}[3-n:]...)
	case "Links":
		return append([]string{"eth0"}, []string{"a b"[:1], "eth1", "eth2"}[3-n:]...)
	case "Debug":
		return append([]string(nil), []string{"tunnel", "pfkey-x", "xmit"}[3-n:]...)
	case "NoOffload":
		return append([]string(nil), []string{"xdp", "all", "packet"}[3-n:]...)
	case "Env":
		return append([]string{"PLUTO_VERB=" + g.text()}, []string{"PLUTO_ME=", "PLUTO_PEER_ID=C=DE, O=\"x\"", "PLUTO_X1=~:~"}[3-n:]...)
	case "Args":
		return append([]string{"--host"}, []string{"", g.text(), "--route"}[3-n:]...)
	}
	panic("exectest: no values for " + name)
}
