package sadb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"ipsec/klips"
	"ipsec/klips/esp"
	"ipsec/klips/said"
)

const goroutines = 4

// kinds are SAs that differ in what a goroutine needs for itself.
var kinds = []klips.SA{
	{Enc: "aesgcm16", EncKey: make([]byte, 20)},
	{Enc: "chacha20poly1305", EncKey: make([]byte, 36)},
	{Enc: "aes", EncKey: make([]byte, 16), Auth: "sha2_256-128", AuthKey: make([]byte, 32)},
	{Enc: "aesgcm8", EncKey: make([]byte, 20)},
	{Enc: "aesctr", EncKey: make([]byte, 20), Auth: "sha1-96", AuthKey: make([]byte, 20)},
	{Enc: "aesccm16", EncKey: make([]byte, 19)},
	{Auth: "sha1-96", AuthKey: make([]byte, 20)}, // AH
}

// made returns an SA of that kind.
func made(t *testing.T, kind int, change func(*klips.SA)) *SA {
	t.Helper()
	c := kinds[kind]
	proto := said.ESP
	if c.Enc == "" {
		proto = said.AH
	}
	c.ID, c.Src = id(proto, 0x100), sample(proto, 0x100).Src
	change(&c)
	sa, err := newSA(c, start)
	if err != nil {
		t.Fatal(err)
	}
	return sa
}

// A parcel is a packet and the number that it carries.
type parcel struct {
	seq    uint64
	packet []byte
}

// send makes a packet, with its number as its payload.
func send(t *testing.T, sa *SA, w *esp.Scratch) parcel {
	t.Helper()
	var err error
	p := parcel{seq: sa.seq + 1}
	payload := binary.BigEndian.AppendUint64(make([]byte, 0, 8+esp.Tailroom), p.seq)
	if sa.ah != nil {
		ip := append(make([]byte, 60), 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 99, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2)
		p.packet, _, err = sa.Protect(append(ip, payload...), 60, start)
	} else {
		p.packet, _, err = sa.Seal(w, make([]byte, 0, 120), payload, 99, start)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// receive returns the number in a packet that is good.
func receive(sa *SA, w *esp.Scratch, p parcel) (uint64, State, error) {
	var state State
	var err error
	packet := slices.Clone(p.packet)
	if sa.ah != nil {
		packet, state, err = sa.Verify(packet, binary.BigEndian.Uint32(packet[28:]), start)
		packet = packet[min(20, len(packet)):]
	} else {
		packet, _, state, err = sa.Open(w, packet, start)
	}
	if err != nil {
		return 0, state, err
	}
	return binary.BigEndian.Uint64(packet), state, nil
}

// forge changes what a packet says its number is, to one ahead.
func forge(sa *SA, p parcel, r *rand.Rand) parcel {
	packet := slices.Clone(p.packet)
	at := 4
	if sa.ah != nil {
		at = 28
	}
	low := binary.BigEndian.Uint32(packet[at:])
	binary.BigEndian.PutUint32(packet[at:], low+1+r.Uint32N(1<<r.IntN(31)))
	return parcel{packet: packet}
}

// A tally is what goroutines that open packets of one SA have come to.
type tally struct {
	mu         sync.Mutex
	seen       map[uint64]int
	errors     int
	soft, hard int
}

func (c *tally) add(seq uint64, state State, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.seen[seq]++
	case !errors.Is(err, ErrDead):
		c.errors++
	}
	switch state {
	case Soft:
		c.soft++
	case Hard:
		c.hard++
	}
}

// openAll has the goroutines open packets, each the next one.
func (c *tally) openAll(sa *SA, packets []parcel) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			var w esp.Scratch
			for {
				i := int(next.Add(1)) - 1
				if i >= len(packets) {
					return
				}
				c.add(receive(sa, &w, packets[i]))
			}
		})
	}
	wg.Wait()
}

// TestReceivers opens packets of one SA in several goroutines at once. They come
// in rounds: new ones, of which half a window at most, those that the round before
// has delayed, old ones again, and forged ones, all in any order; some are lost. So
// each that comes and is authentic is within the window, wherever the goroutines are.
func TestReceivers(t *testing.T) {
	for seed := range uint64(120) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			kind, size, esn := r.IntN(len(kinds)), []int{32, 33, 64, 100, 1024, 4096}[r.IntN(6)], r.IntN(3) > 0
			set := func(c *klips.SA) { c.ReplayWindow, c.ESN = size, esn }
			west, east := made(t, kind, set), made(t, kind, set)
			if esn {
				west.seq = (1+r.Uint64N(3))<<32 - r.Uint64N(uint64(3*size))
				east.window.Update(west.seq)
			}
			var w esp.Scratch
			var delayed, old []parcel
			c := tally{seen: map[uint64]int{}}
			sent, bad, top := map[uint64]bool{}, 0, west.seq
			for range 12 {
				packets := delayed
				delayed = nil
				for range 1 + r.IntN(min(size/2, 300)) {
					p := send(t, west, &w)
					switch r.IntN(8) {
					case 0: // lost
					case 1:
						delayed = append(delayed, p)
					default:
						packets = append(packets, p)
					}
				}
				for _, p := range packets {
					sent[p.seq] = true
					top = max(top, p.seq)
				}
				good := packets
				old = append(old, good...)
				for range len(good) {
					packets = append(packets, old[r.IntN(len(old))], forge(east, good[r.IntN(len(good))], r))
					bad += 2
				}
				r.Shuffle(len(packets), func(i, j int) { packets[i], packets[j] = packets[j], packets[i] })
				c.openAll(east, packets)
				if got := east.window.Top(); got != top {
					t.Fatalf("the window ends at %#x, want %#x", got, top)
				}
				if r.IntN(4) == 0 { // many are lost
					delayed = nil
					west.seq += r.Uint64N(uint64(3 * size))
				}
			}
			for seq := range sent {
				if c.seen[seq] != 1 {
					t.Errorf("packet %#x came out %d times", seq, c.seen[seq])
				}
			}
			u := east.Read().Usage
			if len(c.seen) != len(sent) || u.Packets != uint64(len(sent)) || c.errors != bad || u.AuthErrors+u.ReplayErrors != uint64(bad) {
				t.Errorf("%d of %d packets came out, %d of %d were refused; %+v", len(c.seen), len(sent), c.errors, bad, u)
			}
		})
	}
}

// TestReceiversLast has the hard lifetime end while several goroutines open packets.
func TestReceiversLast(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			kind, limit := r.IntN(len(kinds)), 2+r.Uint64N(300)
			west := made(t, kind, func(*klips.SA) {})
			east := made(t, kind, func(c *klips.SA) {
				c.ReplayWindow, c.Hard.Packets, c.Soft.Packets = 4096, limit, 1+r.Uint64N(limit-1)
			})
			var w esp.Scratch
			var packets []parcel
			for range limit + 50 {
				packets = append(packets, send(t, west, &w))
			}
			c := tally{seen: map[uint64]int{}}
			c.openAll(east, append(packets, packets[:50]...))
			if uint64(len(c.seen)) != limit || c.soft != 1 || c.hard != 1 || east.Read().Usage.Packets != limit {
				t.Errorf("%d packets came out, want %d; soft told %d times, hard %d", len(c.seen), limit, c.soft, c.hard)
			}
		})
	}
}

// A grants is what goroutines that seal packets of one SA have been granted.
type grants struct {
	mu                   sync.Mutex
	numbers              map[uint64]bool
	ivs                  map[string]bool
	packets, bytes, last uint64 // last: bytes of the very last packet
	soft, hard, twice    int
}

// reserve takes a run of random length, and false where there is none any more.
func (g *grants) reserve(sa *SA, r *rand.Rand) (Run, Batch, bool) {
	b := Batch{Count: 1 + r.IntN(64), Size: 10 + r.IntN(50)}
	b.Last = 1 + r.IntN(b.Size)
	run, state, err := sa.Reserve(b, start)
	g.mu.Lock()
	defer g.mu.Unlock()
	switch state {
	case Soft:
		g.soft++
	case Hard:
		g.hard++
	}
	if err != nil {
		return run, b, false
	}
	b = b.first(run.Left())
	g.packets += uint64(b.Count)
	g.bytes += b.bytes()
	if state == Hard {
		g.last = uint64(b.Last)
	}
	return run, b, true
}

// seal seals a packet of a run, and looks whether it is like another.
func (g *grants) seal(run *Run, w *esp.Scratch, size int) error {
	seq := run.next
	packet, err := run.Seal(w, make([]byte, 0, 160), make([]byte, size, size+esp.Tailroom), 4)
	if err != nil {
		return err
	}
	iv := string(packet[8:run.sa.HeaderLen()])
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.numbers[seq] || g.ivs[iv] || esp.Seq(packet) != uint32(seq) {
		g.twice++
	}
	g.numbers[seq], g.ivs[iv] = true, true
	return nil
}

// TestSenders seals from several goroutines at once, in runs of any length of
// which some are not used up, until a hard lifetime or the numbers end.
func TestSenders(t *testing.T) {
	for seed := range uint64(120) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			const packets, bytes, numbers = 0, 1, 2
			kind, ends, limit, esn := r.IntN(len(kinds)-1), r.IntN(3), 200+r.Uint64N(300), r.IntN(2) == 0
			sa := made(t, kind, func(c *klips.SA) {
				c.ESN = esn
				switch ends {
				case packets:
					c.Hard.Packets, c.Soft.Packets = limit, limit/2
				case bytes:
					c.Hard.Bytes, c.Soft.Bytes = limit*40, limit*20
				}
			})
			switch {
			case ends == numbers && esn:
				sa.seq = math.MaxUint64 - limit
			case ends == numbers:
				sa.seq, sa.soft = math.MaxUint32-limit, true
			case esn:
				sa.seq = math.MaxUint32 - 100
			}
			first := sa.seq
			g := grants{numbers: map[uint64]bool{}, ivs: map[string]bool{}}
			var wg sync.WaitGroup
			for i := range uint64(goroutines) {
				wg.Go(func() {
					r := rand.New(rand.NewPCG(seed, 3+i))
					var w esp.Scratch
					for run, b, ok := g.reserve(sa, r); ok; run, b, ok = g.reserve(sa, r) {
						for unused := r.IntN(3); run.Left() > unused; {
							if err := g.seal(&run, &w, b.Size); err != nil {
								t.Error(err)
								return
							}
						}
					}
				})
			}
			wg.Wait()
			if g.twice > 0 {
				t.Errorf("%d packets had the number or the IV of another", g.twice)
			}
			u := sa.Read().Usage
			if u.Packets != g.packets || u.Bytes != g.bytes || u.Seq != first+g.packets || u.OtherErrors != 0 {
				t.Errorf("%d packets of %d bytes were granted, but counted are %+v", g.packets, g.bytes, u)
			}
			if g.hard != 1 || g.soft != 1 && ends != numbers {
				t.Errorf("soft told %d times, hard %d", g.soft, g.hard)
			}
			switch {
			case ends != bytes && g.packets != limit:
				t.Errorf("%d packets, want %d", g.packets, limit)
			case ends == bytes && (g.bytes < limit*40 || g.bytes-g.last >= limit*40):
				t.Errorf("%d bytes, of which %d in the last packet, want %d and no packet more", g.bytes, g.last, limit*40)
			}
		})
	}
}
