package shell

import "ipsec/plan"

// cond writes and reads the shell form of a condition, as the methods of exec.Ops do
// for an op: it returns cond, filled in when reading.
func (c *codec) cond(cond plan.Cond) plan.Cond {
	switch cond := cond.(type) {
	case plan.Exists:
		c.lit("test", "-e")
		c.text(&cond.Path)
		return cond
	case plan.Device:
		c.lit("test", "-c")
		c.text(&cond.Path)
		return cond
	case plan.Alive:
		c.lit("ipsec", "_alive")
		list(c, &cond.Parts, (*codec).part)
		return cond
	case plan.HasSA:
		c.lit("ipsec", "_has")
		list(c, &cond.SAIDs, (*codec).said)
		return cond
	case plan.HasEroute:
		c.lit("ipsec", "_has")
		c.flow(&cond.Flow)
		return cond
	}
	return cond
}

// cond writes a condition.
func (w *writer) cond(cond plan.Cond) {
	if not, ok := cond.(plan.Not); ok {
		w.string(notPrefix)
		cond = not.Cond
	}
	w.codec.begin()
	w.codec.cond(cond)
	w.command(w.codec.cmds[0])
}

// cond reads a condition.
func (l *lifter) cond(text string) (plan.Cond, error) {
	s, err := l.stmt(text)
	if err != nil {
		return nil, err
	}
	cmd, err := readCommand(s)
	if err != nil {
		return nil, err
	}
	cmds := []command{cmd}
	for _, zero := range []plan.Cond{plan.Exists{}, plan.Device{}, plan.Alive{}, plan.HasSA{}, plan.HasEroute{}} {
		l.codec = codec{cmds: cmds, reading: true, cmd: cmd}
		cond := l.codec.cond(zero)
		if l.codec.end(); l.codec.bad || plan.Validate(plan.If{Cond: cond, Then: []plan.Node{plan.Exit{}}}) != nil {
			continue
		}
		if s.Negated {
			cond = plan.Not{Cond: cond}
		}
		return cond, nil
	}
	return nil, errorAt(s, "expected the condition test -e, test -c, ipsec _alive or ipsec _has")
}
