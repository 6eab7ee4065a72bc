package limit

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

// TestReports has a burst pass, then one report a second, and the rest be counted once.
func TestReports(t *testing.T) {
	start := time.Unix(1000, 0)
	r := Reports{Burst: 3}
	passed := 0
	for ms := range 10_000 { // a thousand a second, for ten seconds
		if r.Allow(start.Add(time.Duration(ms) * time.Millisecond)) {
			passed++
		}
	}
	if passed != 3+9 {
		t.Errorf("%d reports passed, expected a burst of 3 and 9 more", passed)
	}
	if !r.Flooded() {
		t.Error("a flood is not noticed")
	}
	if n := r.Omitted(start.Add(9500 * time.Millisecond)); n != 0 {
		t.Errorf("%d are told while they go on", n)
	}
	if n := r.Omitted(start.Add(12 * time.Second)); n != 10_000-12 {
		t.Errorf("%d left out, expected %d", n, 10_000-12)
	}
	if n := r.Omitted(start.Add(20 * time.Second)); n != 0 || r.Flooded() {
		t.Errorf("%d are told again", n)
	}
}

// TestCrowd counts by neighbourhood, and makes room where there is most.
func TestCrowd(t *testing.T) {
	c := NewCrowd[string](1000)
	members := map[string]*Member[string]{}
	add := func(text, name string, size int) { members[name] = c.Add(netip.MustParseAddr(text), name, size) }
	add("192.0.2.1", "a", 300)
	add("2001:db8::1", "b", 200)
	add("2001:db8::ffff:2", "c", 200)
	add("2001:db8:0:1::1", "d", 100)
	for text, want := range map[string]int{"192.0.2.1": 1, "192.0.2.3": 0, "2001:db8::7": 2, "2001:db8:0:1::9": 1, "fe80::1%eth0": 0} {
		if got := c.Count(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %d, expected %d", text, got, want)
		}
	}
	if m, ok := c.Excess(); ok || c.Size() != 800 || c.Len() != 4 {
		t.Errorf("%v has to go, of %d in %d bytes", m, c.Len(), c.Size())
	}
	c.Resize(members["d"], 301) // one byte too many
	gone := ""
	for range 10 {
		m, ok := c.Excess()
		if !ok {
			break
		}
		gone += m.Value
		c.Remove(m)
		c.Resize(m, 5000) // of one that is gone
		c.Remove(m)
	}
	if gone != "b" || c.Size() != 801 {
		t.Errorf("%q went, and %d bytes are left; expected the oldest of the largest", gone, c.Size())
	}
	for _, m := range members {
		c.Remove(m)
	}
	if len(c.groups)+len(c.largest)+c.Size()+c.Len() != 0 {
		t.Errorf("%v is kept of what is gone", c)
	}
}

// TestCrowdOfMany has one neighbourhood flood, and many be there.
func TestCrowdOfMany(t *testing.T) {
	c := NewCrowd[int](1 << 20)
	for i := range 10_000 {
		from := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		if i >= 100 { // the rest is one sender's
			from = netip.AddrFrom4([4]byte{192, 0, 2, 1})
		}
		c.Add(from, i, 4<<10)
		for {
			m, ok := c.Excess()
			if !ok {
				break
			}
			if m.Value < 100 {
				t.Fatalf("%d, who has one, had to go for who has many", m.Value)
			}
			c.Remove(m)
		}
		if c.Size() > 1<<20 {
			t.Fatalf("%d bytes", c.Size())
		}
	}
}

// TestTurns has no more go on at a time with one address than may, and all have their turn.
func TestTurns(t *testing.T) {
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	turns := NewTurns[int](2)
	for i := range 6 {
		if on := turns.Enter(a, i); on != (i < 2) {
			t.Errorf("%d goes on: %v", i, on)
		}
	}
	if !turns.Enter(b, 7) {
		t.Error("another address has to wait")
	}
	if next, ok := turns.Leave(a, 3); ok {
		t.Errorf("%d goes on in place of one that has waited", next)
	}
	order := []int{}
	for _, v := range []int{0, 1, 2, 4, 5, 5, 7} {
		if next, ok := turns.Leave(a, v); ok {
			order = append(order, next)
		}
	}
	turns.Leave(b, 7)
	if !slices.Equal(order, []int{2, 4, 5}) || len(turns.with) != 0 {
		t.Errorf("turns %v, expected those that waited in their order; %d addresses are kept", order, len(turns.with))
	}
}
