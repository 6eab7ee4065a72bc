// Package klipstest has a klips.Table of maps, for tests of what stands above
// the engine. It carries no packets.
package klipstest

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"ipsec/klips"
	"ipsec/klips/chain"
	"ipsec/klips/said"
)

// Table is a klips.Table that refuses what the real one refuses: what is there
// twice, what is not there, groups out of order. Its zero value is ready, and
// it may be used by many at once.
type Table struct {
	// Fault, when set, is asked before each operation, by the name of the
	// method, and what it returns other than nil is the operation's error.
	Fault func(method string) error

	Drops []klips.Drop // what ListDrops returns
	Rand  io.Reader    // what Install draws SPIs from; nil for crypto/rand

	mu       sync.Mutex             // guards what follows
	sas      map[said.SAID]klips.SA // with keys, for CheckSA
	larval   map[said.SAID]bool
	eroutes  map[klips.Selector]klips.Eroute
	attached map[string]klips.Attachment
	settings klips.Settings
}

var _ klips.Table = (*Table)(nil)

// New returns an empty table with those settings.
func New(s klips.Settings) *Table { return &Table{settings: s} }

// enter locks the table for an operation.
func (t *Table) enter(method string) (leave func(), err error) {
	t.mu.Lock()
	if t.sas == nil {
		t.sas, t.larval = map[said.SAID]klips.SA{}, map[said.SAID]bool{}
		t.eroutes, t.attached = map[klips.Selector]klips.Eroute{}, map[string]klips.Attachment{}
	}
	if t.Fault != nil {
		err = t.Fault(method)
	}
	return t.mu.Unlock, err
}

// AddSA implements klips.Table.
func (t *Table) AddSA(sa klips.SA) error {
	leave, err := t.enter("AddSA")
	defer leave()
	if err != nil {
		return err
	}
	if _, ok := t.sas[sa.ID]; ok {
		return fmt.Errorf("there is an SA %s: %w", sa.ID, syscall.EEXIST)
	}
	return t.set(sa)
}

func (t *Table) set(sa klips.SA) error {
	if sa.ID.Proto == said.INT || !sa.ID.Dst.IsValid() || sa.ID.Dst.IsUnspecified() {
		return fmt.Errorf("%s names no SA: %w", sa.ID, syscall.EINVAL)
	}
	if w := sa.ReplayWindow; w != 0 && (w < 32 || w > 4096) {
		return fmt.Errorf("a replay window of %d, not 0 or 32 to 4096: %w", w, syscall.EINVAL)
	}
	sa.EncKey, sa.AuthKey = bytes.Clone(sa.EncKey), bytes.Clone(sa.AuthKey)
	sa.Inflow, sa.Group = slices.Clone(sa.Inflow), nil
	sa.Usage = klips.Usage{Added: time.Now().Truncate(time.Second)}
	t.sas[sa.ID] = sa
	return nil
}

// UpdateSA implements klips.Table.
func (t *Table) UpdateSA(sa klips.SA) error {
	leave, err := t.enter("UpdateSA")
	defer leave()
	if err != nil {
		return err
	}
	old, err := t.get(sa.ID)
	if err != nil {
		return err
	}
	if t.larval[sa.ID] {
		delete(t.larval, sa.ID)
		return t.set(sa)
	}
	old.Soft, old.Hard, old.Encap = sa.Soft, sa.Hard, sa.Encap
	t.sas[sa.ID] = old
	return nil
}

// DelSA implements klips.Table.
func (t *Table) DelSA(id said.SAID) error {
	leave, err := t.enter("DelSA")
	defer leave()
	if err != nil {
		return err
	}
	gone, err := t.get(id)
	if err != nil {
		return err
	}
	delete(t.sas, id)
	delete(t.larval, id)
	rest := slices.DeleteFunc(slices.Clone(gone.Group), func(other said.SAID) bool { return other == id })
	if len(rest) == 1 {
		t.regroup(rest, nil)
	} else {
		t.regroup(rest, rest)
	}
	return nil
}

func (t *Table) regroup(ids, group []said.SAID) {
	for _, id := range ids {
		sa := t.sas[id]
		sa.Group = slices.Clone(group)
		t.sas[id] = sa
	}
}

func (t *Table) get(id said.SAID) (klips.SA, error) {
	sa, ok := t.sas[id]
	if !ok {
		return klips.SA{}, fmt.Errorf("there is no SA %s: %w", id, syscall.ENOENT)
	}
	sa.Inflow, sa.Group = slices.Clone(sa.Inflow), slices.Clone(sa.Group)
	return sa, nil
}

// GetSA implements klips.Table.
func (t *Table) GetSA(id said.SAID) (klips.SA, error) {
	leave, err := t.enter("GetSA")
	defer leave()
	if err != nil {
		return klips.SA{}, err
	}
	return t.read(id)
}

// read returns an SA without its keys.
func (t *Table) read(id said.SAID) (klips.SA, error) {
	sa, err := t.get(id)
	sa.EncKey, sa.AuthKey = nil, nil
	return sa, err
}

// CheckSA implements klips.Table.
func (t *Table) CheckSA(sa klips.SA) error {
	leave, err := t.enter("CheckSA")
	defer leave()
	if err != nil {
		return err
	}
	old, err := t.get(sa.ID)
	switch {
	case err != nil:
		return err
	case sa.ID.Proto != said.ESP && sa.ID.Proto != said.AH:
		return fmt.Errorf("SA %s has no keys: %w", sa.ID, syscall.EINVAL)
	case old.Enc != sa.Enc || old.Auth != sa.Auth || !bytes.Equal(old.EncKey, sa.EncKey) || !bytes.Equal(old.AuthKey, sa.AuthKey):
		return fmt.Errorf("SA %s has other keys: %w", sa.ID, syscall.EKEYREJECTED)
	}
	return nil
}

// ListSAs implements klips.Table; in the order of SAID.Compare.
func (t *Table) ListSAs() (list []klips.SA, err error) {
	leave, err := t.enter("ListSAs")
	defer leave()
	if err != nil {
		return nil, err
	}
	for _, id := range slices.SortedFunc(maps.Keys(t.sas), said.SAID.Compare) {
		sa, _ := t.read(id)
		list = append(list, sa)
	}
	return list, nil
}

// ClearSAs implements klips.Table.
func (t *Table) ClearSAs() error {
	leave, err := t.enter("ClearSAs")
	defer leave()
	if err == nil {
		clear(t.sas)
		clear(t.larval)
	}
	return err
}

// GetSPI implements klips.Table; it returns the least SPI that is free.
func (t *Table) GetSPI(proto said.Proto, src, dst netip.Addr, min, max uint32) (uint32, error) {
	leave, err := t.enter("GetSPI")
	defer leave()
	if err != nil {
		return 0, err
	}
	if min > max {
		return 0, fmt.Errorf("no SPI is from %#x to %#x: %w", min, max, syscall.EINVAL)
	}
	for spi := uint64(min); spi <= uint64(max); spi++ {
		id := said.SAID{Dst: dst, SPI: uint32(spi), Proto: proto}
		if _, ok := t.sas[id]; !ok {
			t.sas[id], t.larval[id] = klips.SA{ID: id, Src: src}, true
			return id.SPI, nil
		}
	}
	return 0, fmt.Errorf("each SPI from %#x to %#x is taken: %w", min, max, syscall.EEXIST)
}

// GroupSAs implements klips.Table.
func (t *Table) GroupSAs(ids []said.SAID) error {
	leave, err := t.enter("GroupSAs")
	defer leave()
	if err != nil {
		return err
	}
	if len(ids) == 1 {
		sa, err := t.get(ids[0])
		if err == nil && len(sa.Group) == 0 {
			err = fmt.Errorf("%s is in no group: %w", ids[0], syscall.ENOENT)
		}
		if err == nil {
			t.regroup(sa.Group, nil)
		}
		return err
	}
	return t.group(ids)
}

func (t *Table) group(ids []said.SAID) error {
	if len(ids) < 2 || len(ids) > 4 {
		return fmt.Errorf("a group of %d SAs, not of 2 to 4: %w", len(ids), syscall.EINVAL)
	}
	for i, id := range ids {
		sa, err := t.get(id)
		switch {
		case err != nil:
			return err
		case len(sa.Group) > 0:
			return fmt.Errorf("%s is in a group: %w", id, syscall.EEXIST)
		case i > 0 && chain.Place(id.Proto) <= chain.Place(ids[i-1].Proto):
			return fmt.Errorf("%s comes after %s; the order is tun, comp, esp, ah: %w", id, ids[i-1], syscall.EINVAL)
		case id.Dst != ids[0].Dst:
			return fmt.Errorf("%s and %s do not go to one host: %w", ids[0], id, syscall.EINVAL)
		}
	}
	t.regroup(ids, ids)
	return nil
}

// AddGroups implements klips.Table.
func (t *Table) AddGroups(groups ...[]klips.SA) error {
	leave, err := t.enter("AddGroups")
	defer leave()
	if err != nil {
		return err
	}
	sas, larval := maps.Clone(t.sas), maps.Clone(t.larval)
	for _, group := range groups {
		if err := t.addGroup(group); err != nil {
			t.sas, t.larval = sas, larval
			return err
		}
	}
	return nil
}

// Install sets the SAs of bundles, as that of client.Client does.
func (t *Table) Install(bundles ...klips.Bundle) ([][]said.SAID, error) {
	random := t.Rand
	if random == nil {
		random = rand.Reader
	}
	return chain.Install(t, random, bundles...)
}

func (t *Table) addGroup(group []klips.SA) error {
	var ids []said.SAID
	for _, sa := range group {
		if _, ok := t.sas[sa.ID]; ok && !t.larval[sa.ID] {
			return fmt.Errorf("there is an SA %s: %w", sa.ID, syscall.EEXIST)
		}
		delete(t.larval, sa.ID)
		if err := t.set(sa); err != nil {
			return err
		}
		ids = append(ids, sa.ID)
	}
	if len(ids) < 2 {
		return nil
	}
	return t.group(ids)
}

// AddInflow implements klips.Table.
func (t *Table) AddInflow(id said.SAID, s klips.Selector) error {
	leave, err := t.enter("AddInflow")
	defer leave()
	if err != nil {
		return err
	}
	sa, err := t.get(id)
	if err != nil {
		return err
	}
	if slices.Contains(sa.Inflow, s) {
		return fmt.Errorf("%s has that flow: %w", id, syscall.EEXIST)
	}
	sa.Inflow = append(sa.Inflow, s)
	t.sas[id] = sa
	return nil
}

// DelInflow implements klips.Table.
func (t *Table) DelInflow(id said.SAID, s klips.Selector) error {
	leave, err := t.enter("DelInflow")
	defer leave()
	if err != nil {
		return err
	}
	sa, err := t.get(id)
	if err != nil {
		return err
	}
	i := slices.Index(sa.Inflow, s)
	if i < 0 {
		return fmt.Errorf("%s does not have that flow: %w", id, syscall.ENOENT)
	}
	sa.Inflow = slices.Delete(sa.Inflow, i, i+1)
	t.sas[id] = sa
	return nil
}
