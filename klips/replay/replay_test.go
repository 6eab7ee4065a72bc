package replay

import (
	"fmt"
	"math"
	"testing"
)

// step is one packet: its low half, whether its ICV is right, and what is
// expected of Check and of Update.
type step struct {
	low    uint32
	bad    bool // the ICV
	seq    uint64
	accept bool
}

func newWindow(size int, esn bool) (*Window, error) {
	w := &Window{}
	return w, w.Init(size, esn)
}

func TestWindow(t *testing.T) {
	const G = 1 << 32
	for i, test := range []struct {
		name  string
		size  int
		esn   bool
		start uint64 // marked first, where it is not 0
		steps []step
	}{
		{"in order", 32, false, 0, []step{{1, false, 1, true}, {2, false, 2, true}, {3, false, 3, true}}},
		{"zero is never sent", 32, false, 0, []step{{0, false, 0, false}}},
		{"twice", 32, false, 0, []step{{1, false, 1, true}, {1, false, 1, false}}},
		{"out of order", 32, false, 0, []step{{9, false, 9, true}, {7, false, 7, true}, {8, false, 8, true}, {7, false, 7, false}}},
		{"lower end of 32", 32, false, 100, []step{{68, false, 68, false}, {69, false, 69, true}, {69, false, 69, false}}},
		{"lower end of 33", 33, false, 100, []step{{67, false, 67, false}, {68, false, 68, true}}},
		{"lower end of 64", 64, false, 1000, []step{{936, false, 936, false}, {937, false, 937, true}}},
		{"lower end of 4096", 4096, false, 10000, []step{{5904, false, 5904, false}, {5905, false, 5905, true}, {5905, false, 5905, false}}},
		{"far ahead forgets", 64, false, 5, []step{{1000000, false, 1000000, true}, {6, false, 6, false}, {999999, false, 999999, true}}},
		{"one ring ahead", 32, false, 5, []step{{133, false, 133, true}, {5, false, 5, false}, {102, false, 102, true}}},
		{"a wrong ICV moves nothing", 32, false, 100, []step{{5000, true, 5000, true}, {90, false, 90, true}, {101, true, 101, true}, {101, false, 101, true}}},
		{"the end without ESN", 32, false, 0, []step{{math.MaxUint32, false, math.MaxUint32, true}, {1, false, 1, false}, {0, false, 0, false}}},
		{"off", 0, false, 0, []step{{5, false, 5, true}, {5, false, 5, true}, {1, false, 1, true}}},

		{"ESN, first", 64, true, 0, []step{{1, false, 1, true}, {math.MaxUint32, false, math.MaxUint32, true}}},
		{"ESN, zero", 64, true, 0, []step{{0, false, 0, false}}},
		{"ESN, case A: the window in one subspace", 64, true, G + 100, []step{
			{101, false, G + 101, true}, {37, false, 2*G + 37, true}}}, // one below the window is of the next
		{"ESN, case A: in the window", 64, true, G + 100, []step{{37, false, G + 37, true}, {36, false, 2*G + 36, true}}},
		{"ESN, case A: wraps", 64, true, G - 1, []step{{0, false, G, true}, {5, false, G + 5, true}, {math.MaxUint32, false, G - 1, false}, {0, false, G, false}}},
		{"ESN, case B: the window in two", 64, true, G + 5, []step{
			{math.MaxUint32, false, G - 1, true}, {math.MaxUint32, false, G - 1, false}, {4, false, G + 4, true}, {6, false, G + 6, true}}},
		{"ESN, case B: lower end", 64, true, G + 5, []step{
			{math.MaxUint32 - 57, false, G - 58, true}, {math.MaxUint32 - 58, false, 2*G - 59, true}}},
		{"ESN, a wrong guess moves nothing", 64, true, G + 100, []step{{1, true, 2*G + 1, true}, {99, false, G + 99, true}}},
		{"ESN, the end", 64, true, math.MaxUint64, []step{{math.MaxUint32, false, math.MaxUint64, false}, {math.MaxUint32 - 1, false, math.MaxUint64 - 1, true}, {7, false, 7, false}}},
		{"ESN, off", 0, true, G + 5, []step{{5, false, G + 5, true}, {math.MaxUint32, false, G - 1, true}, {6, false, G + 6, true}}},
	} {
		t.Run(fmt.Sprintf("%d %s", i, test.name), func(t *testing.T) {
			w, err := newWindow(test.size, test.esn)
			if err != nil {
				t.Fatal(err)
			}
			if test.start != 0 && !w.Update(test.start) {
				t.Fatal("the first packet was not accepted")
			}
			for j, s := range test.steps {
				top := w.Top()
				seq, ok := w.Check(s.low)
				if seq != s.seq || ok != s.accept {
					t.Fatalf("step %d: Check(%#x) = %#x, %v, want %#x, %v", j, s.low, seq, ok, s.seq, s.accept)
				}
				if w.Top() != top {
					t.Fatalf("step %d: Check moved the window", j)
				}
				if ok && !s.bad && !w.Update(seq) {
					t.Fatalf("step %d: Update(%#x) refused what Check let in", j, seq)
				}
			}
		})
	}
}

// TestBetween has two packets of one number pass Check before either is marked.
func TestBetween(t *testing.T) {
	w, err := newWindow(64, false)
	if err != nil {
		t.Fatal(err)
	}
	first, ok := w.Check(7)
	second, ok2 := w.Check(7)
	if !ok || !ok2 {
		t.Fatal("refused before any was marked")
	}
	if !w.Update(first) || w.Update(second) {
		t.Error("expected one of the two to be accepted, and only one")
	}
}

func TestZeroValue(t *testing.T) {
	var w Window
	for range 2 {
		if seq, ok := w.Check(3); seq != 3 || !ok || !w.Update(seq) {
			t.Errorf("the zero value: %d, %v", seq, ok)
		}
	}
	if w.Top() != 3 {
		t.Errorf("the highest is %d", w.Top())
	}
}

func TestSizes(t *testing.T) {
	for _, size := range []int{-1, 1, 31, 4097, 1 << 30} {
		if _, err := newWindow(size, false); err == nil {
			t.Errorf("size %d was accepted", size)
		}
	}
}

// FuzzWindow holds the ring against a map that forgets nothing.
func FuzzWindow(f *testing.F) {
	f.Add(uint16(0), []byte{1, 2, 3, 2, 200, 199, 1})
	f.Add(uint16(33), []byte{255, 255, 255, 130, 129, 0, 7, 140})
	f.Fuzz(func(t *testing.T, size uint16, moves []byte) {
		n := MinSize + int(size)%(MaxSize-MinSize+1)
		w, err := newWindow(n, true)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[uint64]bool{}
		var top uint64
		for _, m := range moves {
			// The square makes steps of a few and of many windows.
			move := (int64(m) - 128) * (int64(m) - 128)
			if m < 128 {
				move = -move / 4
			}
			seq := uint64(max(int64(top)+move, 0))
			want := seq > 0 && !seen[seq] && (seq > top || top-seq < uint64(n))
			if got := w.Update(seq); got != want {
				t.Fatalf("window %d, top %d: Update(%d) = %v", n, top, seq, got)
			}
			if want {
				seen[seq] = true
				top = max(top, seq)
			}
		}
	})
}

func TestNoAllocation(t *testing.T) {
	w, err := newWindow(MaxSize, true)
	if err != nil {
		t.Fatal(err)
	}
	low := uint32(0)
	n := testing.AllocsPerRun(100, func() {
		low += 100
		if seq, ok := w.Check(low); !ok || !w.Update(seq) {
			t.Fatal("refused")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkWindow(b *testing.B) {
	w, err := newWindow(MaxSize, true)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := uint32(1); b.Loop(); i++ {
		seq, _ := w.Check(i)
		w.Update(seq)
	}
}
