package engine

import (
	"testing"
	"time"
)

func TestPacer(t *testing.T) {
	const us = time.Microsecond
	for _, c := range []struct {
		name    string
		gap     time.Duration // between the end of a rest, or a read, and the next
		packets int
		gathers int // packets of a read after a rest
		batch   int
		rests   int // in 1000 reads
	}{
		{"fast and few", 10 * us, 4, 20, 32, 492},
		{"one at a time, and nothing gathers", 10 * us, 1, 1, 32, 4},
		{"few enough to gather a little", 10 * us, 1, 3, 32, 983},
		{"many at a time", 10 * us, 16, 16, 32, 0},
		{"some of what there is room for", 10 * us, 16, 16, 128, 983},
		{"half of what there is room for", 10 * us, 64, 64, 128, 0},
		{"each waits for the answer to the last", 200 * us, 1, 1, 32, 0},
		{"idle", time.Second, 1, 1, 32, 0},
	} {
		p := newPacer(c.batch)
		now := time.Unix(1e9, 0)
		rests := 0
		n := c.packets
		for range 1000 {
			now = now.Add(c.gap)
			if p.rest(now, n) {
				rests++
				now = now.Add(paceRest)
				p.last = now
				n = c.gathers
				continue
			}
			n = c.packets
		}
		if rests != c.rests {
			t.Errorf("%s: %d rests, want %d", c.name, rests, c.rests)
		}
	}
}
