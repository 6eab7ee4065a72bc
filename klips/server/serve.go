package server

import (
	"fmt"
	"syscall"

	"ipsec/klips"
	"ipsec/klips/pfkey"
	"ipsec/klips/said"
)

// serve carries out a request and sends the answer, which has the error of the
// request. The error that serve returns is one of the connection.
func (s *server) serve(p *peer, m *pfkey.Message) error {
	s.Debug(describe(m))
	switch m.Type {
	case pfkey.Dump:
		sas, lerr := s.Table.ListSAs()
		for i := range sas {
			sas[i].EncKey, sas[i].AuthKey = nil, nil
		}
		return dump(p, m, sas, lerr, pfkey.FromSA)
	case pfkey.DumpFlow:
		es, lerr := s.Table.ListEroutes()
		return dump(p, m, es, lerr, fromEroute)
	case pfkey.DumpAttach:
		as, lerr := s.Table.ListAttachments()
		return dump(p, m, as, lerr, fromAttachment)
	case pfkey.DumpDrops:
		drops, lerr := s.Table.ListDrops()
		return dump(p, m, drops, lerr, fromDrop)
	case pfkey.Register:
		return s.register(p, m.Reply())
	}
	r := m.Reply()
	if body, err := s.answer(m); err != nil {
		r = m.Failure(err)
		s.Debug(describe(m) + ": " + err.Error())
	} else if body != nil {
		r.SAType, r.Exts = body.SAType, body.Exts
	}
	return p.reply(r)
}

// describe names a request and its SA, and never the keys.
func describe(m *pfkey.Message) string {
	text := fmt.Sprintf("%v, number %d of process %d", m.Type, m.Seq, m.PID)
	if id, err := m.SAID(); err == nil {
		text += ", " + id.String()
	}
	return text
}

func fromEroute(t pfkey.Type, e klips.Eroute) (*pfkey.Message, error) {
	return pfkey.FromEroute(t, e, 0)
}

func fromAttachment(t pfkey.Type, a klips.Attachment) (*pfkey.Message, error) {
	return pfkey.FromAttachment(t, a), nil
}

func fromDrop(t pfkey.Type, d klips.Drop) (*pfkey.Message, error) { return pfkey.FromDrop(t, d), nil }

// dump answers with one message for each entry and an empty one.
func dump[T any](p *peer, m *pfkey.Message, entries []T, err error, encode func(pfkey.Type, T) (*pfkey.Message, error)) error {
	if err != nil {
		return p.reply(m.Failure(err))
	}
	for _, e := range entries {
		r, err := encode(m.Type, e)
		if err != nil {
			return p.reply(m.Failure(err))
		}
		r.Seq, r.PID = m.Seq, m.PID
		if err := p.reply(r); err != nil {
			return err
		}
	}
	return p.reply(m.Reply())
}

// answer carries out a request that is answered by one message, and returns
// what that carries; nil for nothing.
func (s *server) answer(m *pfkey.Message) (*pfkey.Message, error) {
	switch m.Type {
	case pfkey.Add, pfkey.Update, pfkey.Check:
		sa, err := m.SA()
		switch {
		case err != nil:
			return nil, err
		case m.Type == pfkey.Update:
			return nil, s.Table.UpdateSA(sa)
		case m.Type == pfkey.Check:
			return nil, s.Table.CheckSA(sa)
		}
		return nil, s.Table.AddSA(sa)
	case pfkey.Delete:
		id, err := m.SAID()
		if err != nil {
			return nil, err
		}
		return nil, s.Table.DelSA(id)
	case pfkey.Get:
		id, err := m.SAID()
		if err != nil {
			return nil, err
		}
		sa, err := s.Table.GetSA(id)
		if err != nil {
			return nil, err
		}
		sa.EncKey, sa.AuthKey = nil, nil
		return pfkey.FromSA(m.Type, sa)
	case pfkey.Flush:
		return nil, s.Table.ClearSAs()
	case pfkey.GetSPI:
		proto, src, dst, low, high, err := m.Range()
		if err != nil {
			return nil, err
		}
		spi, err := s.Table.GetSPI(proto, src, dst, low, high)
		if err != nil {
			return nil, err
		}
		return pfkey.FromSAID(m.Type, said.SAID{Dst: dst, SPI: spi, Proto: proto})
	case pfkey.AddGroups:
		groups, err := m.Groups()
		if err != nil {
			return nil, err
		}
		return nil, s.Table.AddGroups(groups...)
	case pfkey.Group:
		return nil, s.Table.GroupSAs(m.Group())
	case pfkey.AddFlow, pfkey.DelFlow:
		return nil, s.flow(m)
	case pfkey.Attach, pfkey.Detach:
		return nil, s.attachment(m)
	case pfkey.Debug:
		return nil, s.Table.SetDebug(m.Debug())
	case pfkey.Settings:
		set, err := s.Table.GetSettings()
		if err != nil {
			return nil, err
		}
		return pfkey.FromSettings(set), nil
	}
	return nil, fmt.Errorf("KLIPS does not answer %v: %w", m.Type, syscall.EOPNOTSUPP)
}

func (s *server) flow(m *pfkey.Message) error {
	del := m.Type == pfkey.DelFlow
	if del && m.Flags()&pfkey.FlagClear != 0 {
		return s.Table.ClearEroutes()
	}
	sel, err := m.Flow()
	if err != nil {
		return err
	}
	if m.Flags()&pfkey.FlagInflow != 0 {
		id, err := m.SAID()
		switch {
		case err != nil:
			return err
		case del:
			return s.Table.DelInflow(id, sel)
		}
		if sa, err := s.Table.GetSA(id); err == nil && len(sa.Inflow) >= pfkey.MaxFlows {
			return fmt.Errorf("%d flows come out of %s, and no more may: %w", len(sa.Inflow), id, syscall.ENOSPC)
		}
		return s.Table.AddInflow(id, sel)
	}
	if del {
		return s.Table.DelEroute(sel)
	}
	e, err := m.Eroute()
	switch {
	case err != nil:
		return err
	case m.Flags()&pfkey.FlagReplace != 0:
		return s.Table.ReplaceEroute(e)
	}
	return s.Table.AddEroute(e)
}

func (s *server) attachment(m *pfkey.Message) error {
	if m.Type == pfkey.Detach && len(m.Exts) == 0 {
		return s.Table.ClearAttachments()
	}
	a, err := m.Attachment()
	switch {
	case err != nil:
		return err
	case m.Type == pfkey.Detach:
		return s.Table.Detach(a.Virtual)
	}
	return s.Table.Attach(a)
}
