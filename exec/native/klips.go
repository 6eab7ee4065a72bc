package native

import (
	"context"
	"errors"
	"io"
	"slices"

	"golang.org/x/sys/unix"

	"ipsec/klips"
	"ipsec/klips/offload"
	"ipsec/klips/said"
	"ipsec/klips/tun"
	"ipsec/plan"
)

// dial returns the connection to KLIPS, making it where there is none yet.
func (e *Executor) dial() (klips.Table, error) {
	if e.table == nil {
		table, err := e.env.Dial()
		if err != nil {
			return nil, err
		}
		e.table = table
	}
	return e.table, nil
}

// hangUp ends the connection to KLIPS.
func (e *Executor) hangUp() {
	if closer, ok := e.table.(io.Closer); ok {
		closer.Close()
	}
	e.table = nil
}

// ask does something with the table of KLIPS.
func (e *Executor) ask(do func(klips.Table) error) error {
	table, err := e.dial()
	if err != nil {
		return err
	}
	return do(table)
}

// Attach is like 'ipsec tncfg --attach --virtual V --physical P --xdp USE'.
func (e *Executor) Attach(_ context.Context, op plan.Attach) error {
	use, err := offload.ParseUse(op.XDP)
	if err != nil {
		return err
	}
	return e.ask(func(t klips.Table) error {
		return t.Attach(klips.Attachment{Virtual: op.Virtual, Physical: op.Physical, XDP: use})
	})
}

// Detach is like 'ipsec tncfg --detach --virtual V'. Where KLIPS is dead, or
// does not know the interface, it is taken away if a KLIPS has made it.
func (e *Executor) Detach(_ context.Context, op plan.Detach) error {
	alive, err := e.alive(plan.Klips)
	if err != nil {
		return err
	}
	if alive {
		err := e.ask(func(t klips.Table) error { return t.Detach(op.Virtual) })
		if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENXIO) && !errors.Is(err, unix.ENODEV) {
			return err
		}
	}
	return tun.Remove(op.Virtual)
}

// ClearInterfaces is like 'ipsec tncfg --clear': KLIPS removes its interfaces, then
// those are removed that an earlier KLIPS left behind.
func (e *Executor) ClearInterfaces(_ context.Context, _ plan.ClearInterfaces) error {
	alive, err := e.alive(plan.Klips)
	if err != nil {
		return err
	}
	var all []error
	if alive {
		all = append(all, e.ask(klips.Table.ClearAttachments))
	}
	names, err := tun.Ours()
	all = append(all, err)
	for _, name := range names {
		if err := tun.Remove(name); !errors.Is(err, unix.ENOENT) {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// ClearEroutes is like 'ipsec eroute --clear'.
func (e *Executor) ClearEroutes(_ context.Context, _ plan.ClearEroutes) error {
	return e.ask(klips.Table.ClearEroutes)
}

// ClearSAs is like 'ipsec spi --clear'.
func (e *Executor) ClearSAs(_ context.Context, _ plan.ClearSAs) error {
	return e.ask(klips.Table.ClearSAs)
}

// AddComp is like 'ipsec spi --said SAID --src SRC --comp deflate'.
func (e *Executor) AddComp(_ context.Context, op plan.AddComp) error {
	return e.ask(func(t klips.Table) error {
		return t.AddSA(klips.SA{ID: op.SAID, Src: op.Src, Comp: "deflate"})
	})
}

// AddTunnel is like 'ipsec spi --said SAID --ip4|--ip6 --src SRC --dst DST'.
func (e *Executor) AddTunnel(_ context.Context, op plan.AddTunnel) error {
	return e.ask(func(t klips.Table) error {
		return t.AddSA(klips.SA{ID: op.SAID, Src: op.Src, TunnelSrc: op.Src, TunnelDst: op.Dst})
	})
}

// DelSA is like 'ipsec spi --del --said SAID'.
func (e *Executor) DelSA(_ context.Context, op plan.DelSA) error {
	return e.ask(func(t klips.Table) error { return t.DelSA(op.SAID) })
}

// GroupSAs is like 'ipsec spigrp SAID…'.
func (e *Executor) GroupSAs(_ context.Context, op plan.GroupSAs) error {
	return e.ask(func(t klips.Table) error { return t.GroupSAs(op.SAIDs) })
}

// hasSA reports whether KLIPS has any of these SAs.
func (e *Executor) hasSA(ids []said.SAID) (has bool, err error) {
	err = e.ask(func(t klips.Table) error {
		for _, id := range ids {
			_, err := t.GetSA(id)
			if !errors.Is(err, unix.ENOENT) {
				has = err == nil
				return err
			}
		}
		return nil
	})
	return has, err
}

// hasEroute reports whether KLIPS has an eroute of just this flow.
func (e *Executor) hasEroute(f plan.Flow) (has bool, err error) {
	err = e.ask(func(t klips.Table) error {
		eroutes, err := t.ListEroutes()
		has = slices.ContainsFunc(eroutes, func(r klips.Eroute) bool { return r.Selector == selector(f) })
		return err
	})
	return has, err
}

// AddEroute is like 'ipsec eroute --replace --eraf … --src A --dst B … --said SAID'.
func (e *Executor) AddEroute(_ context.Context, op plan.AddEroute) error {
	return e.ask(func(t klips.Table) error {
		return t.ReplaceEroute(klips.Eroute{Selector: selector(op.Flow), SAID: op.SAID})
	})
}

// AddInflow is like 'ipsec eroute --add --inbound --eraf … --src A --dst B …
// --said SAID'.
func (e *Executor) AddInflow(_ context.Context, op plan.AddInflow) error {
	return e.ask(func(t klips.Table) error { return t.AddInflow(op.SAID, selector(op.Flow)) })
}

// DelEroute is like 'ipsec eroute --del --eraf … --src A --dst B …'.
func (e *Executor) DelEroute(_ context.Context, op plan.DelEroute) error {
	return e.ask(func(t klips.Table) error { return t.DelEroute(selector(op.Flow)) })
}

func selector(f plan.Flow) klips.Selector {
	return klips.Selector{Src: f.Src, Dst: f.Dst, Proto: f.Proto, SrcPort: f.SrcPort, DstPort: f.DstPort}
}
