package shell

import (
	"context"

	"ipsec/plan"
)

// The forms of ops: each method says how its op is written and how it is read, as the
// op's comment in package plan shows it.

func (c *codec) Log(_ context.Context, op plan.Log) error {
	c.lit("ipsec", "_log")
	if c.opt("-p", op.Priority != "") {
		c.text(&op.Priority)
	}
	op.SyslogOnly = c.opt("--syslog-only", op.SyslogOnly)
	c.text(&op.Text)
	return done(c, op)
}

// Lock has command before exec because a redirection that fails would end a
// POSIX shell there: exec is a special builtin, unless command runs it.
func (c *codec) Lock(_ context.Context, op plan.Lock) error {
	c.lit("command", "exec")
	c.redir("9<", &op.Dir)
	c.and()
	c.lit("flock", "-n", "9")
	return done(c, op)
}

func (c *codec) Save(_ context.Context, op plan.Save) error {
	c.lit("ipsec", "_save")
	c.texts(&op.Paths)
	return done(c, op)
}

func (c *codec) Restore(_ context.Context, op plan.Restore) error {
	c.lit("ipsec", "_restore")
	c.texts(&op.Paths)
	return done(c, op)
}

func (c *codec) Keep(_ context.Context, op plan.Keep) error {
	c.lit("ipsec", "_keep")
	c.text(&op.Path)
	return done(c, op)
}

func (c *codec) Arm(_ context.Context, op plan.Arm) error {
	c.lit("ipsec", "_arm")
	c.num(&op.Seconds)
	return done(c, op)
}

func (c *codec) Disarm(_ context.Context, op plan.Disarm) error {
	c.lit("ipsec", "_disarm")
	c.text(&op.Login)
	return done(c, op)
}

func (c *codec) GoBack(_ context.Context, op plan.GoBack) error {
	c.lit("ipsec", "_goback")
	return done(c, op)
}

func (c *codec) Ping(_ context.Context, op plan.Ping) error {
	c.lit("ping", "-c", "1", "-w")
	c.num(&op.Seconds)
	if c.opt("-I", op.From.IsValid()) {
		c.addr(&op.From)
	}
	c.addr(&op.Addr)
	return done(c, op)
}

func (c *codec) MakeDir(_ context.Context, op plan.MakeDir) error {
	c.lit("mkdir")
	c.text(&op.Path)
	return done(c, op)
}

func (c *codec) MakeDirs(_ context.Context, op plan.MakeDirs) error {
	c.lit("mkdir", "-p")
	c.text(&op.Path)
	return done(c, op)
}

func (c *codec) RemoveDir(_ context.Context, op plan.RemoveDir) error {
	c.lit("rmdir")
	c.text(&op.Path)
	return done(c, op)
}

func (c *codec) Remove(_ context.Context, op plan.Remove) error {
	c.lit("rm", "-f")
	c.texts(&op.Paths)
	return done(c, op)
}

func (c *codec) Write(_ context.Context, op plan.Write) error {
	c.lit("printf", `%s\n`)
	c.text(&op.Text)
	c.redir(">", &op.Path)
	return done(c, op)
}

func (c *codec) Append(_ context.Context, op plan.Append) error {
	c.lit("printf", `%s\n`)
	c.text(&op.Text)
	c.redir(">>", &op.Path)
	return done(c, op)
}

func (c *codec) Touch(_ context.Context, op plan.Touch) error {
	c.lit("touch")
	c.text(&op.Path)
	return done(c, op)
}

func (c *codec) WritePID(_ context.Context, op plan.WritePID) error {
	c.lit("printf", `%s\n`)
	c.param("$$")
	c.redir(">", &op.Path)
	return done(c, op)
}

func (c *codec) AddAddr(_ context.Context, op plan.AddAddr) error {
	c.lit("ip", "addr", "replace")
	c.prefix(&op.Prefix)
	c.lit("dev")
	c.text(&op.Link)
	return done(c, op)
}

func (c *codec) DelAddr(_ context.Context, op plan.DelAddr) error {
	c.lit("ip", "addr", "del")
	c.prefix(&op.Prefix)
	c.lit("dev")
	c.text(&op.Link)
	return done(c, op)
}

func (c *codec) SetMTU(_ context.Context, op plan.SetMTU) error {
	c.lit("ip", "link", "set", "dev")
	c.text(&op.Link)
	c.lit("mtu")
	c.num(&op.MTU)
	return done(c, op)
}

func (c *codec) LinkUp(_ context.Context, op plan.LinkUp) error {
	c.lit("ip", "link", "set", "dev")
	c.text(&op.Link)
	c.lit("up")
	return done(c, op)
}

func (c *codec) AddRoute(_ context.Context, op plan.AddRoute) error {
	c.lit("ip", "route", "replace")
	c.prefix(&op.Dst)
	c.lit("dev")
	c.text(&op.Link)
	if c.opt("src", op.Src.IsValid()) {
		c.addr(&op.Src)
	}
	if c.opt("mtu", op.MTU != 0) {
		c.num(&op.MTU)
	}
	if c.opt("metric", op.Metric != 0) {
		c.num(&op.Metric)
	}
	return done(c, op)
}

func (c *codec) DelRoute(_ context.Context, op plan.DelRoute) error {
	c.lit("ip", "route", "del")
	c.prefix(&op.Dst)
	c.lit("dev")
	c.text(&op.Link)
	if c.opt("metric", op.Metric != 0) {
		c.num(&op.Metric)
	}
	return done(c, op)
}

func (c *codec) RPFilter(_ context.Context, op plan.RPFilter) error {
	c.lit("ipsec", "_rpfilter")
	c.text(&op.Value)
	c.texts(&op.Links)
	return done(c, op)
}

func (c *codec) Modprobe(_ context.Context, op plan.Modprobe) error {
	c.lit("modprobe")
	c.text(&op.Module)
	return done(c, op)
}

func (c *codec) Run(_ context.Context, op plan.Run) error {
	c.lit("/bin/sh", "-c")
	c.text(&op.Words)
	c.closeLock()
	return done(c, op)
}

// closeLock keeps the setup's lock from a command that may outlive it.
func (c *codec) closeLock() {
	var none string
	c.redir(closeLock, &none)
}
