package traffic

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

func TestPrefixes(t *testing.T) {
	for _, tt := range []struct{ start, end, want string }{
		{"10.0.0.0", "10.255.255.255", "[10.0.0.0/8]"},
		{"10.0.0.1", "10.0.0.1", "[10.0.0.1/32]"},
		{"10.0.0.1", "10.0.0.9", "[10.0.0.1/32 10.0.0.2/31 10.0.0.4/30 10.0.0.8/31]"},
		{"0.0.0.0", "255.255.255.255", "[0.0.0.0/0]"},
		{"255.255.255.254", "255.255.255.255", "[255.255.255.254/31]"},
		{"2001:db8::", "2001:db8::2", "[2001:db8::/127 2001:db8::2/128]"},
		{"::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "[::/0]"},
	} {
		got := prefixes(netip.MustParseAddr(tt.start), netip.MustParseAddr(tt.end))
		text := "["
		for i, p := range got {
			if i > 0 {
				text += " "
			}
			text += p.String()
		}
		if text += "]"; text != tt.want {
			t.Errorf("%s to %s: %s, want %s", tt.start, tt.end, text, tt.want)
		}
	}
}

// TestNarrowRandom holds narrow against what it means: an address and port is in the result if
// and only if both have it, unless a part was left out that KLIPS cannot express.
func TestNarrowRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	addr := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) }
	list := func() []Selector {
		var l []Selector
		for range 1 + r.IntN(3) {
			a, b := r.IntN(16), r.IntN(16)
			ts := Selector{Start: addr(min(a, b)), End: addr(max(a, b)), EndPort: anyPortEnd, Proto: uint8(r.IntN(3))}
			if r.IntN(3) == 0 {
				ts.StartPort = uint16(1 + r.IntN(3))
				ts.EndPort = ts.StartPort
			}
			l = append(l, ts)
		}
		return l
	}
	for range 2000 {
		ours, theirs := list(), list()
		got := Narrow(ours, theirs)
		if !Within(got, ours) && len(got) > 0 || !Within(got, theirs) && len(got) > 0 {
			t.Fatalf("%v is not within both %v and %v", got, ours, theirs)
		}
		for i := range 16 {
			for port := range uint16(5) {
				for proto := uint8(1); proto < 4; proto++ {
					point := []Selector{{Start: addr(i), End: addr(i), StartPort: port, EndPort: port, Proto: proto}}
					if both := Within(point, ours) && Within(point, theirs); both != Within(point, got) {
						t.Fatalf("%v in both: %v; ours %v, theirs %v, got %v", point, both, ours, theirs, got)
					}
				}
			}
		}
	}
}
