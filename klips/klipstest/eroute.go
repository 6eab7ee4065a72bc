package klipstest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"

	"ipsec/klips"
)

// AddEroute implements klips.Table.
func (t *Table) AddEroute(e klips.Eroute) error {
	leave, err := t.enter("AddEroute")
	defer leave()
	if err != nil {
		return err
	}
	if err := check(e.Selector); err != nil {
		return err
	}
	e.Selector = masked(e.Selector)
	if _, ok := t.eroutes[e.Selector]; ok {
		return fmt.Errorf("there is an eroute %s -> %s: %w", e.Src, e.Dst, syscall.EEXIST)
	}
	t.eroutes[e.Selector] = e
	return nil
}

// ReplaceEroute implements klips.Table.
func (t *Table) ReplaceEroute(e klips.Eroute) error {
	leave, err := t.enter("ReplaceEroute")
	defer leave()
	if err == nil {
		err = check(e.Selector)
	}
	if err == nil {
		e.Selector = masked(e.Selector)
		t.eroutes[e.Selector] = e
	}
	return err
}

// DelEroute implements klips.Table.
func (t *Table) DelEroute(s klips.Selector) error {
	leave, err := t.enter("DelEroute")
	defer leave()
	if err != nil {
		return err
	}
	s = masked(s)
	if _, ok := t.eroutes[s]; !ok {
		return fmt.Errorf("there is no eroute %s -> %s: %w", s.Src, s.Dst, syscall.ENOENT)
	}
	delete(t.eroutes, s)
	return nil
}

// ListEroutes implements klips.Table; the order is by source, destination,
// protocol, ports.
func (t *Table) ListEroutes() ([]klips.Eroute, error) {
	leave, err := t.enter("ListEroutes")
	defer leave()
	if err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(t.eroutes), func(a, b klips.Eroute) int {
		return cmp.Or(
			a.Src.Addr().Compare(b.Src.Addr()), cmp.Compare(a.Src.Bits(), b.Src.Bits()),
			a.Dst.Addr().Compare(b.Dst.Addr()), cmp.Compare(a.Dst.Bits(), b.Dst.Bits()),
			cmp.Compare(a.Proto, b.Proto), cmp.Compare(a.SrcPort, b.SrcPort), cmp.Compare(a.DstPort, b.DstPort),
		)
	}), nil
}

// ClearEroutes implements klips.Table.
func (t *Table) ClearEroutes() error {
	leave, err := t.enter("ClearEroutes")
	defer leave()
	if err == nil {
		clear(t.eroutes)
	}
	return err
}

func check(s klips.Selector) error {
	switch {
	case !s.Src.IsValid() || !s.Dst.IsValid() || s.Src.Addr().Is4() != s.Dst.Addr().Is4():
		return fmt.Errorf("malformed eroute %v -> %v: expected two prefixes of one address family: %w", s.Src, s.Dst, syscall.EINVAL)
	case s.Proto == 0 && (s.SrcPort != 0 || s.DstPort != 0):
		return fmt.Errorf("malformed eroute %v -> %v: ports without a protocol: %w", s.Src, s.Dst, syscall.EINVAL)
	}
	return nil
}

func masked(s klips.Selector) klips.Selector {
	s.Src, s.Dst = s.Src.Masked(), s.Dst.Masked()
	return s
}

// Attach implements klips.Table; every physical interface exists, with an MTU of 1500.
func (t *Table) Attach(at klips.Attachment) error {
	leave, err := t.enter("Attach")
	defer leave()
	if err != nil {
		return err
	}
	if at.Virtual == "" || at.Physical == "" || at.Virtual == at.Physical {
		return fmt.Errorf("malformed attachment of %q to %q: %w", at.Virtual, at.Physical, syscall.EINVAL)
	}
	if a, ok := t.attached[at.Virtual]; ok && a.Physical == at.Physical && a.XDP != at.XDP {
		a.XDP = at.XDP
		t.attached[at.Virtual] = a
		return nil
	}
	for _, a := range t.attached {
		if a.Virtual == at.Virtual || a.Physical == at.Physical {
			return fmt.Errorf("%s is attached to %s: %w", a.Virtual, a.Physical, syscall.EBUSY)
		}
	}
	t.attached[at.Virtual] = klips.Attachment{Virtual: at.Virtual, Physical: at.Physical, XDP: at.XDP, MTU: 16260, PhysicalMTU: 1500}
	return nil
}

// Detach implements klips.Table.
func (t *Table) Detach(virtual string) error {
	leave, err := t.enter("Detach")
	defer leave()
	if err != nil {
		return err
	}
	if _, ok := t.attached[virtual]; !ok {
		return fmt.Errorf("%s is not attached: %w", virtual, syscall.ENOENT)
	}
	delete(t.attached, virtual)
	return nil
}

// ListAttachments implements klips.Table; the order is by name.
func (t *Table) ListAttachments() ([]klips.Attachment, error) {
	leave, err := t.enter("ListAttachments")
	defer leave()
	if err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(t.attached), func(a, b klips.Attachment) int {
		return strings.Compare(a.Virtual, b.Virtual)
	}), nil
}

// ClearAttachments implements klips.Table.
func (t *Table) ClearAttachments() error {
	leave, err := t.enter("ClearAttachments")
	defer leave()
	if err == nil {
		clear(t.attached)
	}
	return err
}

// ListDrops implements klips.Table.
func (t *Table) ListDrops() ([]klips.Drop, error) {
	leave, err := t.enter("ListDrops")
	defer leave()
	if err != nil {
		return nil, err
	}
	return slices.Clone(t.Drops), nil
}

// SetDebug implements klips.Table.
func (t *Table) SetDebug(flags []string) error {
	leave, err := t.enter("SetDebug")
	defer leave()
	if err == nil {
		t.settings.Debug = slices.Clone(flags)
	}
	return err
}

// GetSettings implements klips.Table.
func (t *Table) GetSettings() (klips.Settings, error) {
	leave, err := t.enter("GetSettings")
	defer leave()
	s := t.settings
	s.Debug = slices.Clone(s.Debug)
	return s, err
}
