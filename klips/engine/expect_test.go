package engine

import (
	"fmt"
	"slices"
	"testing"

	"ipsec/klips"
	"ipsec/klips/said"
)

// A told is a Wire that notes what it is told to expect.
type told struct {
	Wire
	list []Traffic
}

func (w *told) Expect(t Traffic) { w.list = append(w.list, t) }

// TestExpect adds and deletes SAs, and sees what an interface is told, and when.
func TestExpect(t *testing.T) {
	_, west, _ := pair(t, klips.Settings{})
	w := &told{Wire: west.attached["ipsec0"].wire}
	west.attached["ipsec0"].wire = w
	x := expectation{of: map[*attachment]*expecting{}}
	sa := func(spi uint32, dst string, encap bool) klips.SA {
		sa := gcm()
		sa.ID, sa.Src = said.SAID{Dst: addr(dst), SPI: spi, Proto: said.ESP}, addr("192.1.2.45")
		if dst != "192.1.2.23" {
			sa.Src = addr("192.1.2.23")
		}
		if encap {
			sa.Encap = klips.Encap{SrcPort: 4500, DstPort: 4500}
		}
		return sa
	}
	elsewhere := sa(1, "192.1.9.9", false)
	elsewhere.Src = addr("192.1.9.8")
	for _, step := range []struct {
		name   string
		do     func()
		sweeps int
		want   []Traffic // that it is told
	}{
		{"nothing", func() {}, 3, nil},
		{"of another interface", func() { west.must(west.AddSA(elsewhere)) }, 2, nil},
		{"raw", func() { west.must(west.AddSA(sa(0x1001, "192.1.2.23", false))) }, 1, []Traffic{{Raw: true}}},
		{"more", func() { west.must(west.AddSA(sa(0x1002, "192.1.2.45", false))) }, 3, nil},
		{"in UDP, for a moment", func() {
			west.must(west.AddSA(sa(0x1003, "192.1.2.45", true)))
			west.must(west.DelSA(sa(0x1003, "192.1.2.45", true).ID))
		}, 3, nil},
		{"in UDP", func() { west.must(west.AddSA(sa(0x1003, "192.1.2.45", true))) }, 1, []Traffic{{Raw: true, UDP: true}}},
		{"no more in UDP", func() { west.must(west.DelSA(sa(0x1003, "192.1.2.45", true).ID)) }, calm - 1, nil},
		{"and that has lasted", func() {}, 1, []Traffic{{Raw: true}}},
		{"replaced", func() { west.must(west.ClearSAs()) }, calm - 1, nil},
		{"in time", func() { west.must(west.AddSA(sa(0x1004, "192.1.2.23", false))) }, calm * 2, nil},
		{"none", func() { west.must(west.ClearSAs()) }, calm * 2, []Traffic{{}}},
	} {
		w.list = nil
		step.do()
		for range step.sweeps {
			west.expect(&x)
		}
		if !slices.Equal(w.list, step.want) {
			t.Errorf("%s: told %s, want %s", step.name, fmt.Sprint(w.list), fmt.Sprint(step.want))
		}
	}
}
