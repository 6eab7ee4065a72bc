// Package eroute is the table of extended routes: which flow goes to which SA
// or shunt, by longest match on source, then on destination, then protocol,
// then source port, then destination port; ipsec_eroute(5).
//
// Entries of one shape, which is the lengths of both prefixes and which of
// protocol and ports are given, lie in one hash table. A lookup asks the
// shapes that exist, the most specific first, so that it costs the same with
// ten eroutes of a shape as with ten thousand.
package eroute

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"ipsec/klips"
	"ipsec/klips/packet"
	"ipsec/klips/said"
)

// A Flow is what a packet shows of itself. Where Partial is set the ports
// are not known, since it is not the first fragment.
type Flow struct {
	Src, Dst         netip.Addr
	Proto            uint8
	SrcPort, DstPort uint16
	Partial          bool
}

// FlowOf returns the flow of the packet with header h.
func FlowOf(h *packet.Header) Flow {
	return Flow{h.Src, h.Dst, h.Proto, h.SrcPort, h.DstPort, h.Offset > 0}
}

// An Entry is an eroute in the table. What is exported of it does not change once
// it is there, but for Held.
type Entry struct {
	klips.Selector
	SAID  said.SAID
	Ident [2]string
	Held  bool // made by a %trap, to last until the flow has an SA

	packets atomic.Uint64
	last    atomic.Int64
}

// Count notes n packets that took the eroute at a time of Unix nanoseconds.
func (e *Entry) Count(n int, now int64) {
	e.packets.Add(uint64(n))
	e.last.Store(now)
}

// Shunt returns what the eroute does without an SA, or ShuntNone.
func (e *Entry) Shunt() klips.Shunt { return ShuntOf(e.SAID) }

// Read returns the eroute with its counters.
func (e *Entry) Read() klips.Eroute {
	r := klips.Eroute{Selector: e.Selector, SAID: e.SAID, Ident: e.Ident, Packets: e.packets.Load()}
	if last := e.last.Load(); last != 0 {
		r.Last = time.Unix(0, last)
	}
	return r
}

// A Table holds eroutes. Its zero value is empty and ready. It has no lock:
// lookups may run together, and nothing else beside a change.
type Table struct {
	families [2]family // IPv4, IPv6
	count    int
}

type family struct {
	shapes []*shape // the most specific first
}

type shape struct {
	srcBits, dstBits    int
	proto, sport, dport bool
	entries             map[key]*Entry
	pairs               map[key]int // of a shape with ports: how many entries there are without regard to them
}

// ports reports whether the entries of the shape are for one port or pair of them.
func (sh *shape) ports() bool { return sh.sport || sh.dport }

// A key is a selector as its shape keeps it: masked.
type key struct {
	src, dst     [2]uint64
	sport, dport uint16
	proto        uint8
}

// Normal returns the selector with its prefixes masked. The error wraps EINVAL
// and says what of it no packet can match.
func Normal(s klips.Selector) (klips.Selector, error) {
	switch {
	case !s.Src.IsValid() || !s.Dst.IsValid():
		return s, fmt.Errorf("malformed eroute: expected a source and a destination: %w", syscall.EINVAL)
	case s.Src.Addr().Is4In6() || s.Dst.Addr().Is4In6():
		return s, fmt.Errorf("malformed eroute %v → %v: expected plain IPv4 or IPv6: %w", s.Src, s.Dst, syscall.EINVAL)
	case s.Src.Addr().Is4() != s.Dst.Addr().Is4():
		return s, fmt.Errorf("malformed eroute %v → %v: expected one address family: %w", s.Src, s.Dst, syscall.EINVAL)
	case s.Proto == 0 && (s.SrcPort != 0 || s.DstPort != 0):
		return s, fmt.Errorf("malformed eroute %v → %v: ports without a protocol: %w", s.Src, s.Dst, syscall.EINVAL)
	}
	s.Src, s.Dst = s.Src.Masked(), s.Dst.Masked()
	return s, nil
}

// Add puts an eroute in, or fails with EEXIST where its selector has one.
func (t *Table) Add(r klips.Eroute) (*Entry, error) {
	if t.Get(r.Selector) != nil {
		return nil, fmt.Errorf("eroute %v → %v exists: %w", r.Src, r.Dst, syscall.EEXIST)
	}
	return t.Replace(r)
}

// Replace puts an eroute in, in the place of one of the same selector.
func (t *Table) Replace(r klips.Eroute) (*Entry, error) {
	s, err := Normal(r.Selector)
	if err != nil {
		return nil, err
	}
	sh, k := t.shape(s, true), keyOf(s)
	if sh.entries[k] == nil {
		t.count++
		if sh.ports() {
			sh.pairs[k.portless()]++
		}
	}
	e := &Entry{Selector: s, SAID: r.SAID, Ident: r.Ident}
	sh.entries[k] = e
	return e, nil
}

// Delete takes the eroute of a selector out and returns it, or fails with ENOENT.
func (t *Table) Delete(s klips.Selector) (*Entry, error) {
	e := t.Get(s)
	if e == nil {
		return nil, fmt.Errorf("there is no eroute %v → %v: %w", s.Src, s.Dst, syscall.ENOENT)
	}
	sh, k := t.shape(e.Selector, false), keyOf(e.Selector)
	delete(sh.entries, k)
	t.count--
	if sh.ports() {
		if sh.pairs[k.portless()]--; sh.pairs[k.portless()] == 0 {
			delete(sh.pairs, k.portless())
		}
	}
	if len(sh.entries) == 0 {
		f := t.family(s.Src.Addr())
		f.shapes = slices.DeleteFunc(f.shapes, func(other *shape) bool { return other == sh })
	}
	return e, nil
}

// Get returns the eroute of exactly that selector, or nil.
func (t *Table) Get(s klips.Selector) *Entry {
	s, err := Normal(s)
	if err != nil {
		return nil
	}
	if sh := t.shape(s, false); sh != nil {
		return sh.entries[keyOf(s)]
	}
	return nil
}

// Len returns how many eroutes there are.
func (t *Table) Len() int { return t.count }

// Lookup returns the eroute that a packet of the flow takes, or nil. It is
// false where that cannot be told, since an eroute for some of the ports may
// be the one, and the packet does not show its own.
func (t *Table) Lookup(f Flow) (*Entry, bool) {
	src, dst := words(f.Src), words(f.Dst)
	for _, sh := range t.family(f.Src).shapes {
		k := key{src: mask(src, sh.srcBits), dst: mask(dst, sh.dstBits)}
		if sh.proto {
			k.proto = f.Proto
		}
		if f.Partial && sh.ports() {
			if sh.pairs[k] > 0 {
				return nil, false
			}
			continue
		}
		if sh.sport {
			k.sport = f.SrcPort
		}
		if sh.dport {
			k.dport = f.DstPort
		}
		if e := sh.entries[k]; e != nil {
			return e, true
		}
	}
	return nil, true
}

// All returns the eroutes in any order.
func (t *Table) All() []*Entry {
	all := make([]*Entry, 0, t.count)
	for i := range t.families {
		for _, sh := range t.families[i].shapes {
			for _, e := range sh.entries {
				all = append(all, e)
			}
		}
	}
	return all
}

func (t *Table) family(a netip.Addr) *family {
	if a.Is4() {
		return &t.families[0]
	}
	return &t.families[1]
}

// shape returns the shape of s, made where it is missing if add is set.
func (t *Table) shape(s klips.Selector, add bool) *shape {
	f := t.family(s.Src.Addr())
	want := &shape{srcBits: bits(s.Src), dstBits: bits(s.Dst), proto: s.Proto != 0, sport: s.SrcPort != 0, dport: s.DstPort != 0}
	i, found := slices.BinarySearchFunc(f.shapes, want, order)
	switch {
	case found:
		return f.shapes[i]
	case !add:
		return nil
	}
	want.entries, want.pairs = map[key]*Entry{}, map[key]int{}
	f.shapes = slices.Insert(f.shapes, i, want)
	return want
}

func keyOf(s klips.Selector) key {
	return key{words(s.Src.Addr()), words(s.Dst.Addr()), s.SrcPort, s.DstPort, s.Proto}
}

func (k key) portless() key {
	k.sport, k.dport = 0, 0
	return k
}

// bits is the length of a prefix within 128 bits, whose last 32 are an IPv4 address.
func bits(p netip.Prefix) int {
	if p.Addr().Is4() {
		return p.Bits() + 96
	}
	return p.Bits()
}

func words(a netip.Addr) [2]uint64 {
	b := a.As16()
	return [2]uint64{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])}
}

func mask(w [2]uint64, bits int) [2]uint64 {
	if bits <= 64 {
		return [2]uint64{w[0] &^ (^uint64(0) >> bits), 0}
	}
	return [2]uint64{w[0], w[1] &^ (^uint64(0) >> (bits - 64))}
}
