package engine

import (
	"iter"
	"net/netip"
	"slices"

	"ipsec/klips"
	"ipsec/klips/eroute"
	"ipsec/klips/sadb"
	"ipsec/klips/said"
)

// AddSA implements klips.Table; EINVAL where the SA is not one that can work.
func (e *Engine) AddSA(sa klips.SA) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.sas.Add(sa, e.now())
	e.debug.done(klips.TopicSPI, err, "spi: add %v", sa.ID)
	e.debug.done(klips.TopicXform, err, "xform: %v: encryption %q, authentication %q, compression %q, replay window %d, ESN %v",
		sa.ID, sa.Enc, sa.Auth, sa.Comp, sa.ReplayWindow, sa.ESN)
	return err
}

// UpdateSA implements klips.Table.
func (e *Engine) UpdateSA(sa klips.SA) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.sas.Update(sa, e.now())
	e.debug.done(klips.TopicSPI, err, "spi: update %v", sa.ID)
	return err
}

// DelSA implements klips.Table. What is left of its group carries nothing until
// it is grouped again.
func (e *Engine) DelSA(id said.SAID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.sas.Delete(id)
	e.debug.done(klips.TopicSPI, err, "spi: delete %v", id)
	return err
}

// GetSA implements klips.Table.
func (e *Engine) GetSA(id said.SAID) (klips.SA, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	sa, err := e.sas.Get(id)
	if err != nil {
		return klips.SA{}, err
	}
	return e.read(sa.Read()), nil
}

// CheckSA implements klips.Table. Packets go on meanwhile.
func (e *Engine) CheckSA(c klips.SA) error {
	e.mu.RLock()
	sa, err := e.sas.Get(c.ID)
	e.mu.RUnlock()
	if err == nil {
		err = sa.CheckKeys(c)
	}
	e.debug.done(klips.TopicSPI, err, "spi: check %v", c.ID)
	return err
}

func (e *Engine) read(sa klips.SA) klips.SA {
	sa.Outbound = !e.owns(sa.ID.Dst)
	return sa
}

// ListSAs implements klips.Table, in the order of SAID.Compare.
func (e *Engine) ListSAs() ([]klips.SA, error) {
	var sas []*sadb.SA
	e.each(e.sas.All(), func(sa *sadb.SA) { sas = append(sas, sa) })
	sadb.Sort(sas)
	list := make([]klips.SA, 0, len(sas))
	e.each(slices.Values(sas), func(sa *sadb.SA) { list = append(list, e.read(sa.Read())) })
	return list, nil
}

// eachLimit is how many SAs are visited before the lock is released. They take some
// ten microseconds.
const eachLimit = 128

// each calls f with each SA, under the lock for reading. It releases the lock now and
// then: a writer that waits for it blocks the workers.
func (e *Engine) each(sas iter.Seq[*sadb.SA], f func(*sadb.SA)) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	n := 0
	for sa := range sas {
		f(sa)
		if n++; n%eachLimit == 0 {
			e.mu.RUnlock()
			e.mu.RLock()
		}
	}
}

// ClearSAs implements klips.Table.
func (e *Engine) ClearSAs() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sas.Clear()
	e.debug.done(klips.TopicSPI, nil, "spi: clear")
	return nil
}

// GetSPI implements klips.Table; what it reserves lasts for sadb.LarvalTime.
func (e *Engine) GetSPI(proto said.Proto, src, dst netip.Addr, low, high uint32) (uint32, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sas.Reserve(proto, src, dst, low, high, e.now())
}

// GroupSAs implements klips.Table.
func (e *Engine) GroupSAs(ids []said.SAID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.sas.Group(ids)
	e.debug.done(klips.TopicSPI, err, "spi: group %v", ids)
	return err
}

// AddGroups implements klips.Table. Packets go on while keys are set up.
func (e *Engine) AddGroups(groups ...[]klips.SA) error {
	built, err := sadb.Build(groups, e.now())
	if err == nil {
		e.mu.Lock()
		err = e.sas.AddGroups(built)
		e.mu.Unlock()
	}
	for _, sa := range slices.Concat(groups...) {
		e.debug.done(klips.TopicSPI, err, "spi: add %v, grouped", sa.ID)
		e.debug.done(klips.TopicXform, err, "xform: %v: encryption %q, authentication %q, compression %q, replay window %d, ESN %v",
			sa.ID, sa.Enc, sa.Auth, sa.Comp, sa.ReplayWindow, sa.ESN)
	}
	return err
}

// AddInflow implements klips.Table.
func (e *Engine) AddInflow(id said.SAID, s klips.Selector) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.sas.AddInflow(id, s)
	e.debug.done(klips.TopicSPI, err, "spi: %v -> %v may come out of %v", s.Src, s.Dst, id)
	return err
}

// DelInflow implements klips.Table.
func (e *Engine) DelInflow(id said.SAID, s klips.Selector) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.sas.DelInflow(id, s)
	e.debug.done(klips.TopicSPI, err, "spi: %v -> %v may no longer come out of %v", s.Src, s.Dst, id)
	return err
}

// AddEroute implements klips.Table. A %hold that a %trap made does not count.
func (e *Engine) AddEroute(r klips.Eroute) error { return e.setEroute(r, false) }

// ReplaceEroute implements klips.Table.
func (e *Engine) ReplaceEroute(r klips.Eroute) error { return e.setEroute(r, true) }

func (e *Engine) setEroute(r klips.Eroute, replace bool) error {
	e.mu.Lock()
	var err error
	if old := e.eroutes.Get(r.Selector); replace || old != nil && old.Held {
		_, err = e.eroutes.Replace(r)
	} else {
		_, err = e.eroutes.Add(r)
	}
	var released []*held
	if err == nil {
		released = e.release(r)
	}
	e.mu.Unlock()
	e.debug.done(klips.TopicEroute, err, "eroute: set %s", erouteText(r))
	for _, h := range released {
		e.inject(h)
	}
	return err
}

// DelEroute implements klips.Table. Holds that it made go too, with their packets.
func (e *Engine) DelEroute(s klips.Selector) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	gone, err := e.eroutes.Delete(s)
	e.debug.done(klips.TopicEroute, err, "eroute: delete %v -> %v", s.Src, s.Dst)
	if err != nil {
		return err
	}
	for flow := range e.held {
		if eroute.Within(flow, gone.Selector) {
			e.unhold(flow)
		}
	}
	return nil
}

// ListEroutes implements klips.Table, in the order of eroute.Sort.
func (e *Engine) ListEroutes() ([]klips.Eroute, error) {
	e.mu.RLock()
	all := e.eroutes.All()
	e.mu.RUnlock()
	eroute.Sort(all)
	var list []klips.Eroute
	for _, entry := range all {
		list = append(list, entry.Read())
	}
	return list, nil
}

// ClearEroutes implements klips.Table.
func (e *Engine) ClearEroutes() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.eroutes = eroute.Table{}
	clear(e.held)
	e.debug.done(klips.TopicEroute, nil, "eroute: clear")
	return nil
}

// ListDrops implements klips.Table.
func (e *Engine) ListDrops() ([]klips.Drop, error) {
	e.tally()
	var list []klips.Drop
	for r := range klips.DropReasons {
		if n := e.stats.get(r); n > 0 {
			list = append(list, klips.Drop{Reason: r, Packets: n})
		}
	}
	return list, nil
}

// SetDebug implements klips.Table.
func (e *Engine) SetDebug(flags []string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settings.Debug = slices.Clone(flags)
	e.debug.set(flags)
	return nil
}

// GetSettings implements klips.Table.
func (e *Engine) GetSettings() (klips.Settings, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	s := e.settings
	s.Debug = slices.Clone(s.Debug)
	return s, nil
}
