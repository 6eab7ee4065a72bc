package sadb

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"ipsec/klips"
	"ipsec/klips/esp"
	"ipsec/klips/said"
)

// payload is what a full packet of a TCP flow has inside.
const payload = 1420

// TestNoAllocation reserves, seals and opens, with a lifetime and without.
func TestNoAllocation(t *testing.T) {
	for kind := range kinds {
		for _, hard := range []klips.Lifetime{{}, {Packets: 1 << 40, AddTime: time.Hour}} {
			set := func(c *klips.SA) { c.ReplayWindow, c.ESN, c.Hard = 1024, true, hard }
			west, east := made(t, kind, set), made(t, kind, set)
			if west.ah != nil {
				continue // what ah asserts
			}
			var w esp.Scratch
			buf, plain := make([]byte, 0, 2000), make([]byte, payload, 2000)
			n := testing.AllocsPerRun(50, func() {
				run, _, err := west.Reserve(Batch{3, payload, 100}, start)
				if err != nil || west.Pass(payload, start) != Alive {
					t.Fatal(err)
				}
				for run.Left() > 1 { // the last goes unused
					packet, err := run.Seal(&w, buf, plain, 4)
					if err != nil {
						t.Fatal(err)
					}
					if _, _, _, err := east.Open(&w, packet, start); err != nil {
						t.Fatal(err)
					}
				}
			})
			if n != 0 {
				t.Errorf("%s: %v allocations", kinds[kind].Enc, n)
			}
		}
	}
}

// BenchmarkSeal seals batches, one goroutine for each processor, of one SA.
func BenchmarkSeal(b *testing.B) {
	for _, batch := range []int{1, 44} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			sa, err := newSA(sample(said.ESP, 0x100), start)
			if err != nil {
				b.Fatal(err)
			}
			sa.Config.ESN = true
			b.ReportAllocs()
			b.SetBytes(payload)
			b.RunParallel(func(pb *testing.PB) {
				var w esp.Scratch
				var run Run
				buf, plain := make([]byte, 0, 2000), make([]byte, payload, 2000)
				for pb.Next() {
					if run.Left() == 0 {
						if run, _, err = sa.Reserve(Batch{batch, payload, payload}, start); err != nil {
							b.Error(err)
							return
						}
					}
					if _, err := run.Seal(&w, buf, plain, 4); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkOpen opens packets of one SA, one goroutine for each processor.
func BenchmarkOpen(b *testing.B) {
	c := sample(said.ESP, 0x100)
	west, err := newSA(c, start)
	if err != nil {
		b.Fatal(err)
	}
	sa, err := newSA(c, start) // without a window, so that a packet may come again
	if err != nil {
		b.Fatal(err)
	}
	var w esp.Scratch
	sealed, _, err := west.Seal(&w, make([]byte, 0, 2000), make([]byte, payload, 1500), 4, start)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(payload)
	b.RunParallel(func(pb *testing.PB) {
		var w esp.Scratch
		packet := make([]byte, len(sealed))
		for pb.Next() {
			copy(packet, sealed)
			if _, _, _, err := sa.Open(&w, packet, start); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkLookup finds one SA after another.
func BenchmarkLookup(b *testing.B) {
	for _, count := range []int{1, 10000} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			db := New()
			ids := make([]said.SAID, count)
			for i := range ids {
				c := sample(said.ESP, 0x100)
				var dst [4]byte
				binary.BigEndian.PutUint32(dst[:], 0x0a000001+uint32(i))
				c.ID.Dst, c.Src = netip.AddrFrom4(dst), netip.Addr{}
				ids[i] = c.ID
				if err := db.Add(c, start); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if db.Lookup(ids[n%count]) == nil {
					b.Fatal("no SA")
				}
			}
		})
	}
}
