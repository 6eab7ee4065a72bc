package esp

import (
	"bytes"
	"errors"
	"sync"
	"testing"
)

// TestTogether seals and opens in several goroutines at once, and looks for an IV
// that repeats and a payload that changes.
func TestTogether(t *testing.T) {
	const goroutines, packets = 4, 300
	for _, p := range combinations() {
		x := mustNew(t, p).Transform
		ivs := make([][]string, goroutines)
		var wg sync.WaitGroup
		for i := range goroutines {
			wg.Go(func() { // the race detector looks on
				var w Scratch
				var some IVs
				for n := range packets {
					if n%(i+1) == 0 {
						some, _ = x.TakeIVs(i + 1)
					}
					payload := append(counting(16+i), make([]byte, Tailroom)...)[:16+i]
					packet, err := x.Seal(&w, &some, make([]byte, 0, 120), payload, 4, uint64(n+1))
					if err != nil {
						t.Error(err)
						return
					}
					ivs[i] = append(ivs[i], string(packet[headerLen:x.HeaderLen()]))
					if got, _, err := x.Open(&w, packet, 0); err != nil || !bytes.Equal(got, counting(16+i)) {
						t.Errorf("%v: opened to %x, %v", p, got, err)
						return
					}
				}
			})
		}
		wg.Wait()
		seen := map[string]bool{}
		for _, some := range ivs {
			for _, iv := range some {
				if seen[iv] && iv != "" {
					t.Fatalf("%v: IV %x came twice", p, iv)
				}
				seen[iv] = true
			}
		}
		if p.Enc != "null" && len(seen) != goroutines*packets {
			t.Errorf("%v: %d IVs", p, len(seen))
		}
	}
}

// TestIVsTaken refuses to seal more packets than IVs were taken for.
func TestIVsTaken(t *testing.T) {
	x := mustNew(t, Params{Enc: "aesgcm16", EncKey: counting(20)}).Transform
	ivs, err := x.TakeIVs(2)
	if err != nil {
		t.Fatal(err)
	}
	var w Scratch
	for i, want := range []error{nil, nil, ErrExhausted} {
		if _, err := x.Seal(&w, &ivs, make([]byte, 0, 99), make([]byte, 4, 4+Tailroom), 4, 1); !errors.Is(err, want) {
			t.Errorf("packet %d: %v, want %v", i, err, want)
		}
	}
}

func TestIVsUsedUp(t *testing.T) {
	for _, p := range []Params{
		{Enc: "aesgcm16", EncKey: counting(20)},
		{Enc: "aes", EncKey: counting(16), Auth: "sha1-96", AuthKey: counting(20)},
	} {
		x := mustNew(t, p)
		x.ivs.used.Store(ivLimit - 1)
		for i, want := range []error{nil, ErrExhausted, ErrExhausted} {
			payload := append(counting(20), make([]byte, Tailroom)...)[:20]
			if _, err := x.Seal(make([]byte, 0, 99), payload, 4, 1); !errors.Is(err, want) {
				t.Errorf("%v, packet %d: %v, want %v", p, i, err, want)
			}
			if !bytes.Equal(payload, counting(20)) {
				t.Errorf("%v: the payload was changed", p)
			}
		}
	}
}

// TestCounterStart holds the IVs to start where Rand says and to come round.
func TestCounterStart(t *testing.T) {
	start := bytes.Repeat([]byte{0xff}, 8)
	x := mustNew(t, Params{Enc: "aesgcm16", EncKey: counting(20), Rand: bytes.NewReader(start)})
	for _, want := range []string{string(start), "\x00\x00\x00\x00\x00\x00\x00\x00", "\x00\x00\x00\x00\x00\x00\x00\x01"} {
		packet, err := x.Seal(make([]byte, 0, 99), make([]byte, 4, 4+Tailroom), 4, 1)
		if err != nil || string(packet[8:16]) != want {
			t.Errorf("IV %x, %v, want %x", packet[8:16], err, want)
		}
	}
}
