package xdp

import (
	"math/rand/v2"
	"os"
	"testing"
)

// TestRing puts in at one side and takes out at the other, past the end of what
// the counters can count.
func TestRing(t *testing.T) {
	const size, start = 8, ^uint32(0) - 20
	producer, consumer, flags := uint32(start), uint32(start), uint32(0)
	side := ring[uint64]{producer: &producer, consumer: &consumer, flags: &flags, entries: make([]uint64, size), mask: size - 1, next: start, known: start}
	in, out := side, side
	r := rand.New(rand.NewPCG(1, 2))
	var put, taken uint64
	for put < 200 {
		for range in.room(r.IntN(size + 2)) {
			in.put(put)
			put++
		}
		in.submit()
		if left := in.left(); left != int(put-taken) || left > size {
			t.Fatalf("%d left, %d put in and %d taken", left, put, taken)
		}
		if got, want := in.room(size), size-int(put-taken); got != want {
			t.Fatalf("room for %d, want %d", got, want)
		}
		if got, want := out.filled(size), int(put-taken); got != want {
			t.Fatalf("%d to take, want %d", got, want)
		}
		for range out.filled(r.IntN(size + 2)) {
			if got := out.take(); got != taken {
				t.Fatalf("took %d, want %d", got, taken)
			}
			taken++
		}
		out.taken()
	}
	if producer > start {
		t.Error("the counters have not gone round")
	}
}

// TestLeave has an inlet left that has packets which nobody has read, and that
// somebody leaves again.
func TestLeave(t *testing.T) {
	s := &socket{receiver: -1, sender: -1}
	s.users.Store(2)
	producer := uint32(1)
	s.rx.producer = &producer
	in := &Inlet{socket: s}
	in.Leave()
	in.Leave()
	if n, err := in.ReadBatch(nil); n != 0 || err != os.ErrClosed {
		t.Errorf("a read of what was left: %d, %v", n, err)
	}
	if n := s.users.Load(); n != 1 {
		t.Errorf("%d keep the memory, want 1", n)
	}
}
