package eroute

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"syscall"
	"testing"

	"ipsec/klips"
	"ipsec/klips/said"
)

// oracle finds the eroute of a flow by looking at each.
func oracle(all []klips.Selector, f Flow) *klips.Selector {
	var best *klips.Selector
	rank := func(s *klips.Selector) [5]int {
		bit := func(v bool) int {
			if v {
				return 1
			}
			return 0
		}
		return [5]int{s.Src.Bits(), s.Dst.Bits(), bit(s.Proto != 0), bit(s.SrcPort != 0), bit(s.DstPort != 0)}
	}
	for i := range all {
		s := &all[i]
		if s.Src.Contains(f.Src) && s.Dst.Contains(f.Dst) && (s.Proto == 0 || s.Proto == f.Proto) &&
			(s.SrcPort == 0 || s.SrcPort == f.SrcPort) && (s.DstPort == 0 || s.DstPort == f.DstPort) {
			if best == nil || slices.Compare(ranks(rank(s)), ranks(rank(best))) > 0 {
				best = s
			}
		}
	}
	return best
}

func ranks(a [5]int) []int { return a[:] }

type source struct{ *rand.Rand }

// addr draws from few addresses, so that prefixes meet.
func (r source) addr(six bool) netip.Addr {
	if six {
		return netip.AddrFrom16([16]byte{0x20, 1, 5: byte(r.IntN(2)), 9: byte(r.IntN(3)), 15: byte(r.IntN(4))})
	}
	return netip.AddrFrom4([4]byte{10, byte(r.IntN(2)), byte(r.IntN(3) << 6), byte(r.IntN(4))})
}

func (r source) selector() klips.Selector {
	six := r.IntN(2) == 0
	prefix := func() netip.Prefix {
		a := r.addr(six)
		lengths := []int{0, 8, 15, 16, 17, 24, 31, 32}
		if six {
			lengths = []int{0, 16, 47, 48, 63, 64, 65, 80, 127, 128}
		}
		return netip.PrefixFrom(a, lengths[r.IntN(len(lengths))]).Masked()
	}
	s := klips.Selector{Src: prefix(), Dst: prefix()}
	if r.IntN(2) == 0 {
		s.Proto = []uint8{6, 17}[r.IntN(2)]
		s.SrcPort, s.DstPort = uint16(r.IntN(3)), uint16(r.IntN(3))
	}
	return s
}

func (r source) flow() Flow {
	six := r.IntN(2) == 0
	return Flow{Src: r.addr(six), Dst: r.addr(six), Proto: []uint8{1, 6, 17}[r.IntN(3)], SrcPort: uint16(r.IntN(4)), DstPort: uint16(r.IntN(4))}
}

// TestLookup holds the table against the oracle while eroutes come and go.
func TestLookup(t *testing.T) {
	for seed := range uint64(3) {
		r := source{rand.New(rand.NewPCG(seed, 7))}
		var table Table
		var all []klips.Selector
		found := 0
		for step := range 1000 {
			if s := r.selector(); r.IntN(3) > 0 {
				_, err := table.Add(klips.Eroute{Selector: s, SAID: said.Shunt(said.SPIDrop)})
				if exists := slices.Contains(all, s); exists != errors.Is(err, syscall.EEXIST) {
					t.Fatalf("adding %v: %v", s, err)
				} else if !exists {
					all = append(all, s)
				}
			} else if len(all) > 0 {
				i := r.IntN(len(all))
				if e, err := table.Delete(all[i]); err != nil || e.Selector != all[i] {
					t.Fatalf("deleting %v: %v, %v", all[i], e, err)
				}
				all = slices.Delete(all, i, i+1)
			}
			if table.Len() != len(all) || step%100 == 0 && len(table.All()) != len(all) {
				t.Fatalf("step %d: %d eroutes, %d listed, want %d", step, table.Len(), len(table.All()), len(all))
			}
			for range 5 {
				f := r.flow()
				want := oracle(all, f)
				got, ok := table.Lookup(f)
				switch {
				case !ok, (got == nil) != (want == nil), got != nil && got.Selector != *want:
					t.Fatalf("step %d: %+v takes %v, want %v", step, f, got, want)
				case got != nil:
					found++
				}
			}
		}
		if found < 500 {
			t.Errorf("only %d flows had an eroute", found)
		}
		sorted := table.All()
		Sort(sorted)
		if !slices.IsSortedFunc(sorted, func(a, b *Entry) int { return compare(a.Selector, b.Selector) }) {
			t.Error("not sorted")
		}
	}
}

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// TestPartial looks up fragments that do not show their ports.
func TestPartial(t *testing.T) {
	var table Table
	add := func(src, dst string, proto uint8, sport, dport uint16) {
		t.Helper()
		s := klips.Selector{Src: prefix(src), Dst: prefix(dst), Proto: proto, SrcPort: sport, DstPort: dport}
		if _, err := table.Add(klips.Eroute{Selector: s, SAID: said.Shunt(said.SPIPass)}); err != nil {
			t.Fatal(err)
		}
	}
	add("10.0.0.0/8", "0.0.0.0/0", 0, 0, 0)
	add("10.1.0.0/16", "0.0.0.0/0", 17, 0, 53)
	add("10.1.2.0/24", "0.0.0.0/0", 17, 0, 0)
	for _, c := range []struct {
		src   string
		proto uint8
		bits  int // of the source, -1 where it cannot be told
	}{{"10.2.0.1", 17, 8}, {"10.1.0.1", 6, 8}, {"10.1.0.1", 17, -1}, {"10.1.2.1", 17, 24}} {
		e, ok := table.Lookup(Flow{Src: netip.MustParseAddr(c.src), Dst: netip.MustParseAddr("8.8.8.8"), Proto: c.proto, Partial: true})
		if ok != (c.bits >= 0) || ok && e.Src.Bits() != c.bits {
			t.Errorf("%v: %v, %v", c, e, ok)
		}
	}
	if _, err := table.Delete(klips.Selector{Src: prefix("10.1.0.0/16"), Dst: prefix("0.0.0.0/0"), Proto: 17, DstPort: 53}); err != nil {
		t.Fatal(err)
	}
	if e, ok := table.Lookup(Flow{Src: netip.MustParseAddr("10.1.0.1"), Dst: netip.MustParseAddr("8.8.8.8"), Proto: 17, Partial: true}); !ok || e.Src.Bits() != 8 {
		t.Errorf("%v, %v", e, ok)
	}
}

func TestMalformed(t *testing.T) {
	var table Table
	for _, s := range []klips.Selector{
		{},
		{Src: prefix("10.0.0.0/8")},
		{Src: prefix("10.0.0.0/8"), Dst: prefix("::/0")},
		{Src: prefix("10.0.0.0/8"), Dst: prefix("10.0.0.0/8"), DstPort: 1},
		{Src: netip.PrefixFrom(netip.MustParseAddr("::ffff:1.2.3.4"), 128), Dst: prefix("::/0")},
	} {
		if _, err := table.Add(klips.Eroute{Selector: s}); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%v: %v", s, err)
		}
		if _, err := table.Delete(s); !errors.Is(err, syscall.ENOENT) {
			t.Errorf("deleting %v: %v", s, err)
		}
	}
	e, err := table.Add(klips.Eroute{Selector: klips.Selector{Src: prefix("10.1.2.3/8"), Dst: prefix("10.9.9.9/16")}})
	if err != nil || e.Src != prefix("10.0.0.0/8") || e.Dst != prefix("10.9.0.0/16") {
		t.Errorf("%v, %v: not masked", e, err)
	}
}

func TestShunts(t *testing.T) {
	for text, want := range map[string]klips.Shunt{
		"%pass": klips.ShuntPass, "%drop": klips.ShuntDrop, "%reject": klips.ShuntReject, "%trap": klips.ShuntTrap, "%hold": klips.ShuntHold,
		"%passthrough": klips.ShuntPass, "int0x999@0.0.0.0": klips.ShuntDrop, "tun0x1@1.2.3.4": klips.ShuntNone, "esp0x100@::1": klips.ShuntNone,
	} {
		id, err := said.Parse(text)
		if got := ShuntOf(id); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	var table Table
	for _, sport := range []uint16{0, 7} {
		s := klips.Selector{Src: prefix("10.0.0.0/8"), Dst: prefix("192.168.0.0/16"), Proto: 17, SrcPort: sport}
		if _, err := table.Add(klips.Eroute{Selector: s, SAID: said.Shunt(said.SPIPass)}); err != nil {
			t.Fatal(err)
		}
	}
	f := Flow{Src: netip.AddrFrom4([4]byte{10, 0, 0, 7}), Dst: netip.MustParseAddr("192.168.1.1"), Proto: 17}
	n := testing.AllocsPerRun(50, func() {
		if e, _ := table.Lookup(f); e == nil {
			t.Fatal("no eroute")
		} else {
			e.Count(1, 1)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{10, 1000, 100000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var table Table
			for i := range n {
				src := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
				s := klips.Selector{Src: netip.PrefixFrom(src, 32), Dst: prefix("192.168.0.0/16")}
				if _, err := table.Add(klips.Eroute{Selector: s, SAID: said.Shunt(said.SPIPass)}); err != nil {
					b.Fatal(err)
				}
			}
			f := Flow{Src: netip.AddrFrom4([4]byte{10, 0, 0, 7}), Dst: netip.MustParseAddr("192.168.1.1"), Proto: 6}
			b.ReportAllocs()
			for b.Loop() {
				if e, _ := table.Lookup(f); e == nil {
					b.Fatal("no eroute")
				}
			}
		})
	}
}
