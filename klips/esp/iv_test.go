package esp

import (
	"bytes"
	"errors"
	"sync"
	"testing"
)

// TestIVs seals from several clones at once and looks for an IV that repeats.
func TestIVs(t *testing.T) {
	const clones, packets = 4, 500
	for _, p := range combinations() {
		if p.Enc == "null" {
			continue
		}
		x := mustNew(t, p)
		ivs := make([][]string, clones)
		var wg sync.WaitGroup
		for i := range clones {
			c := x.Clone()
			wg.Go(func() { // every clone at once; the race detector looks on
				for range packets {
					packet, err := c.Seal(make([]byte, 0, 99), make([]byte, 4, 4+Tailroom), 4, 1)
					if err != nil {
						t.Error(err)
						return
					}
					ivs[i] = append(ivs[i], string(packet[headerLen:c.HeaderLen()]))
				}
			})
		}
		wg.Wait()
		seen := map[string]bool{}
		for _, some := range ivs {
			for _, iv := range some {
				if seen[iv] {
					t.Fatalf("%v: IV %x came twice", p, iv)
				}
				seen[iv] = true
			}
		}
		if len(seen) != clones*packets {
			t.Errorf("%v: %d IVs", p, len(seen))
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
