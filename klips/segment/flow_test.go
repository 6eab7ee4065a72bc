package segment

import (
	"net/netip"
	"testing"

	"ipsec/klips/packet"
)

// TestFlow has packets of a flow, and fragments of a packet, stay together.
func TestFlow(t *testing.T) {
	flow := func(p []byte) uint32 {
		b := packet.NewBuffer(packet.MaxSize)
		b.Set(p)
		var j Joiner
		j.Join([]*packet.Buffer{b})
		return j.Groups[0].Flow()
	}
	udp := func(src string, port byte, size int) []byte {
		from, to := netip.MustParseAddr(src), netip.MustParseAddr("10.2.0.1")
		if from.Is6() {
			to = netip.MustParseAddr("fd02::1")
		}
		outer := packet.Outer{Src: from, Dst: to, TTL: 64, ID: 1, Proto: packet.UDP}
		p := make([]byte, outer.Len()+packet.UDPLen+size)
		outer.Put(p, packet.UDPLen+size)
		upper := p[outer.Len():]
		upper[1], upper[3], upper[4], upper[5] = port, 2, byte((packet.UDPLen+size)>>8), byte(packet.UDPLen+size)
		return p
	}
	for _, src := range []string{"10.1.0.1", "fd01::1"} {
		whole := flow(udp(src, 1, 100))
		if got := flow(udp(src, 1, 500)); got != whole {
			t.Errorf("%s: a packet of the same flow is of %#x, want %#x", src, got, whole)
		}
		others := map[uint32]bool{}
		for port := range byte(100) {
			others[flow(udp(src, port, 100))] = true
		}
		if len(others) < 95 {
			t.Errorf("%s: 100 flows are %d", src, len(others))
		}
		long := udp(src, 1, 4000)
		h, err := packet.Parse(long)
		if err != nil {
			t.Fatal(err)
		}
		var pieces []*packet.Buffer
		packet.Split(long, &h, 1400, 7, func() *packet.Buffer {
			pieces = append(pieces, packet.NewBuffer(packet.MaxSize))
			return pieces[len(pieces)-1]
		})
		if len(pieces) < 3 {
			t.Fatalf("%s: %d fragments", src, len(pieces))
		}
		for i, b := range pieces {
			if got, want := flow(b.Bytes()), flow(pieces[0].Bytes()); got != want {
				t.Errorf("%s: fragment %d is of flow %#x, the first of %#x", src, i, got, want)
			}
		}
	}
}
