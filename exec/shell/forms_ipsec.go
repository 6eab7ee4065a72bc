package shell

import (
	"context"
	"fmt"

	"ipsec/plan"
)

// The forms of ops that are commands of this program.

func (c *codec) StartKlips(_ context.Context, op plan.StartKlips) error {
	c.lit("ipsec", "klips")
	op.FragICMP = c.opt("--fragicmp", op.FragICMP)
	op.HideTOS = c.opt("--hidetos", op.HideTOS)
	if c.opt("--no-offload", len(op.NoOffload) > 0) {
		c.joined(&op.NoOffload, ",")
	}
	if c.opt("--debug", len(op.Debug) > 0) {
		c.joined(&op.Debug, ",")
	}
	return done(c, op)
}

func (c *codec) StartPluto(_ context.Context, op plan.StartPluto) error {
	c.lit("ipsec", "pluto")
	c.texts(&op.Args)
	return done(c, op)
}

func (c *codec) EndDaemon(_ context.Context, op plan.EndDaemon) error {
	c.lit("ipsec", "_end")
	c.part(&op.Part)
	return done(c, op)
}

func (c *codec) Attach(_ context.Context, op plan.Attach) error {
	c.lit("ipsec", "tncfg", "--attach", "--virtual")
	c.text(&op.Virtual)
	c.lit("--physical")
	c.text(&op.Physical)
	if c.opt("--xdp", true) {
		c.text(&op.XDP)
	} else {
		op.XDP = "auto"
	}
	return done(c, op)
}

func (c *codec) Detach(_ context.Context, op plan.Detach) error {
	c.lit("ipsec", "tncfg", "--detach", "--virtual")
	c.text(&op.Virtual)
	return done(c, op)
}

func (c *codec) ClearInterfaces(_ context.Context, op plan.ClearInterfaces) error {
	c.lit("ipsec", "tncfg", "--clear")
	return done(c, op)
}

func (c *codec) ClearEroutes(_ context.Context, op plan.ClearEroutes) error {
	c.lit("ipsec", "eroute", "--clear")
	return done(c, op)
}

func (c *codec) ClearSAs(_ context.Context, op plan.ClearSAs) error {
	c.lit("ipsec", "spi", "--clear")
	return done(c, op)
}

func (c *codec) AddSA(_ context.Context, op plan.AddSA) error {
	c.lit("ipsec", "spi", "--said")
	c.said(&op.SAID)
	c.lit("--src")
	c.addr(&op.Src)
	c.lit("--" + op.SAID.Proto.String())
	c.text(&op.Algorithm)
	if c.opt("--replay_window", op.ReplayWindow != 0) {
		c.num(&op.ReplayWindow)
	}
	if c.opt("--encap", op.EncapSrc != 0) {
		ports := [2]uint16{op.EncapSrc, op.EncapDst}
		value(c, &ports, "SPORT:DPORT", formatPorts, parsePorts)
		op.EncapSrc, op.EncapDst = ports[0], ports[1]
	}
	c.lit("--keys-of")
	c.text(&op.KeysOf)
	return done(c, op)
}

func formatPorts(p [2]uint16) string { return fmt.Sprintf("%d:%d", p[0], p[1]) }

func parsePorts(s string) (p [2]uint16, err error) {
	_, err = fmt.Sscanf(s, "%d:%d", &p[0], &p[1])
	return p, err
}

func (c *codec) AddComp(_ context.Context, op plan.AddComp) error {
	c.lit("ipsec", "spi", "--said")
	c.said(&op.SAID)
	c.lit("--src")
	c.addr(&op.Src)
	c.lit("--comp", "deflate")
	return done(c, op)
}

func (c *codec) AddTunnel(_ context.Context, op plan.AddTunnel) error {
	c.lit("ipsec", "spi", "--said")
	c.said(&op.SAID)
	c.either("--ip4", "--ip6", op.Src.Is4())
	c.lit("--src")
	c.addr(&op.Src)
	c.lit("--dst")
	c.addr(&op.Dst)
	return done(c, op)
}

func (c *codec) DelSA(_ context.Context, op plan.DelSA) error {
	c.lit("ipsec", "spi", "--del", "--said")
	c.said(&op.SAID)
	return done(c, op)
}

func (c *codec) GroupSAs(_ context.Context, op plan.GroupSAs) error {
	c.lit("ipsec", "spigrp")
	list(c, &op.SAIDs, (*codec).said)
	return done(c, op)
}

func (c *codec) AddEroute(_ context.Context, op plan.AddEroute) error {
	c.lit("ipsec", "eroute", "--replace")
	c.flow(&op.Flow)
	c.lit("--said")
	c.said(&op.SAID)
	return done(c, op)
}

func (c *codec) AddInflow(_ context.Context, op plan.AddInflow) error {
	c.lit("ipsec", "eroute", "--add", "--inbound")
	c.flow(&op.Flow)
	c.lit("--said")
	c.said(&op.SAID)
	return done(c, op)
}

func (c *codec) DelEroute(_ context.Context, op plan.DelEroute) error {
	c.lit("ipsec", "eroute", "--del")
	c.flow(&op.Flow)
	return done(c, op)
}

func (c *codec) flow(f *plan.Flow) {
	c.lit("--eraf")
	c.either("inet", "inet6", f.Src.Addr().Is4())
	c.lit("--src")
	c.prefix(&f.Src)
	c.lit("--dst")
	c.prefix(&f.Dst)
	if !c.opt("--transport-proto", f.Proto != 0) {
		return
	}
	small(c, &f.Proto)
	if c.opt("--src-port", f.SrcPort != 0) {
		small(c, &f.SrcPort)
	}
	if c.opt("--dst-port", f.DstPort != 0) {
		small(c, &f.DstPort)
	}
}

func (c *codec) Updown(_ context.Context, op plan.Updown) error {
	c.env(&op.Env)
	c.lit("/bin/sh", "-c")
	c.text(&op.Command)
	c.closeLock()
	return done(c, op)
}

func (c *codec) AddConn(_ context.Context, op plan.AddConn) error {
	c.lit("ipsec", "whack", "--name")
	c.text(&op.Name)
	c.texts(&op.Args)
	return done(c, op)
}

func (c *codec) Listen(_ context.Context, op plan.Listen) error {
	c.lit("ipsec", "whack", "--listen")
	return done(c, op)
}

func (c *codec) RouteConn(_ context.Context, op plan.RouteConn) error {
	c.lit("ipsec", "whack", "--name")
	c.text(&op.Name)
	c.lit("--route")
	return done(c, op)
}

func (c *codec) Initiate(_ context.Context, op plan.Initiate) error {
	c.lit("ipsec", "whack", "--name")
	c.text(&op.Name)
	c.lit("--initiate")
	op.Asynchronous = c.opt("--asynchronous", op.Asynchronous)
	return done(c, op)
}

func (c *codec) Whack(_ context.Context, op plan.Whack) error {
	c.lit("ipsec", "whack")
	if c.reading && len(c.cmds[0].words) > 2 {
		if first := c.cmds[0].words[2].text; first == "--name" || first == "--listen" {
			c.fail("an option other than those that begin other steps")
		}
	}
	c.texts(&op.Args)
	return done(c, op)
}
