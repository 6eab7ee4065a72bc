package engine

import (
	"encoding/binary"
	"testing"

	"ipsec/klips"
	"ipsec/klips/packet"
	"ipsec/klips/said"
)

// TestTrainIDs has the packets of a train take identifications that no other has.
func TestTrainIDs(t *testing.T) {
	_, west, east := pair(t, klips.Settings{})
	n := newPieces(west, east, true, false)
	n.carry()
	n.p = n.p[:28+3*n.size] // shorter ones behind the long ones
	outer := packet.Outer{Src: addr("10.1.0.1"), Dst: addr("10.2.0.1"), TTL: 64, Proto: packet.UDP, DF: true}
	outer.Put(n.p, len(n.p)-20)
	seen := map[uint16]bool{}
	for range 2 {
		for _, b := range n.sent.sent[:n.sent.n] {
			count := (b.Len() - packet.IPv4Len - packet.UDPLen + b.Segment - 1) / b.Segment
			first := binary.BigEndian.Uint16(b.Bytes()[4:])
			for i := range count {
				if seen[first+uint16(i)] {
					t.Fatalf("two packets have the identification %d", first+uint16(i))
				}
				seen[first+uint16(i)] = true
			}
		}
		n.carry()
	}
	if len(seen) != 3*44+3*3 {
		t.Errorf("%d packets, want %d", len(seen), 3*44+3*3)
	}
}

// TestStreamCounts cuts packets whose SA, or tunnel, comes to its end within them:
// the eroute counts each packet once.
func TestStreamCounts(t *testing.T) {
	for _, proto := range []said.Proto{said.ESP, said.IPIP} {
		_, west, east := pair(t, klips.Settings{})
		n := newPieces(west, east, true, false)
		sas, err := west.ListSAs()
		west.must(err)
		for _, sa := range sas {
			if sa.ID.Proto == proto {
				sa.Hard.Packets = 50
				west.must(west.UpdateSA(sa))
			}
		}
		if got := n.carry(); got != 50 {
			t.Errorf("%v: %d packets went, want 50", proto, got)
		}
		list, err := west.ListEroutes()
		west.must(err)
		if got := list[0].Packets; got != 3*44 {
			t.Errorf("%v: the eroute has %d packets, want %d", proto, got, 3*44)
		}
	}
}
