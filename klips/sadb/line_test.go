package sadb

import (
	"math/rand/v2"
	"sync"
	"testing"

	"ipsec/klips/esp"
	"ipsec/klips/said"
)

// TestLine has goroutines send by several SAs at once, in any order of theirs: the
// numbers of each SA leave in their order, and nobody waits for ever.
func TestLine(t *testing.T) {
	const lines, batches, sas = 6, 400, 4
	var list []*SA
	for i := range sas {
		sa, err := newSA(sample(said.ESP, uint32(0x100+i)), start)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, sa)
	}
	var mu sync.Mutex
	left := map[*SA][]uint64{}
	order := NewOrder()
	var wait sync.WaitGroup
	for n := range lines {
		wait.Go(func() {
			r := rand.New(rand.NewPCG(uint64(n), 1))
			line := order.Line()
			var runs []Run
			flush := func() {
				line.Wait()
				mu.Lock()
				for _, run := range runs {
					for i := range run.left {
						left[run.sa] = append(left[run.sa], run.next+uint64(i))
					}
				}
				mu.Unlock()
				runs = runs[:0]
				line.Done()
				if line.Holds() {
					t.Error("it holds something after Done")
				}
			}
			for range batches {
				for range 1 + r.IntN(5) {
					sa, b := list[r.IntN(sas)], Batch{1 + r.IntN(40), 100, 50}
					run, _, err := line.Reserve(sa, b, start)
					if err == ErrTurn {
						flush()
						run, _, err = line.Reserve(sa, b, start)
					}
					if err != nil || run.Left() != b.Count {
						t.Errorf("%d of %d reserved: %v", run.Left(), b.Count, err)
						return
					}
					runs = append(runs, run)
				}
				flush()
			}
		})
	}
	wait.Wait()
	for i, sa := range list {
		if len(left[sa]) != int(sa.seq) {
			t.Errorf("%d packets of SA %d left, want %d", len(left[sa]), i, sa.seq)
		}
		for n, seq := range left[sa] {
			if seq != uint64(n+1) {
				t.Fatalf("packet %d of SA %d has number %d", n+1, i, seq)
			}
		}
	}
}

// TestLineLimit has more lines than an SA has tickets: the last ones wait.
func TestLineLimit(t *testing.T) {
	sa, err := newSA(sample(said.ESP, 0x100), start)
	if err != nil {
		t.Fatal(err)
	}
	order := NewOrder()
	var lines []*Line
	for range 255 {
		lines = append(lines, order.Line())
		if _, _, err := lines[len(lines)-1].Reserve(sa, One(1), start); err != nil {
			t.Fatal(err)
		}
	}
	late := order.Line()
	if _, _, err := late.Reserve(sa, One(1), start); err != ErrTurn {
		t.Errorf("%v, want ErrTurn", err)
	}
	var w esp.Scratch
	if _, _, err := late.Seal(sa, &w, make([]byte, 0, 200), make([]byte, 50, 200), 4, start); err != nil || late.Holds() {
		t.Errorf("out of turn: %v, holds something: %v", err, late.Holds())
	}
	for _, l := range lines {
		l.Wait()
		l.Done()
	}
	if _, _, err := late.Reserve(sa, One(1), start); err != nil || !late.Holds() {
		t.Errorf("after the others: %v", err)
	}
}
