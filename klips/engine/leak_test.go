package engine

import (
	"encoding/binary"
	"testing"

	"ipsec/klips"
	"ipsec/klips/eroute"
	"ipsec/klips/packet"
	"ipsec/klips/said"
)

// TestIKEException lets out as it is what negotiates SAs with a peer, and
// nothing else that looks like it.
func TestIKEException(t *testing.T) {
	for _, c := range []struct {
		name, packet, to, dstNet string
		clear                    bool
	}{
		{"IKE with the peer of the eroute", "192.1.2.23:500", "192.1.2.45:500", "192.1.2.45/32", true},
		{"port 500 of a host behind the peer", "192.1.2.23:500", "10.2.0.1:500", "10.2.0.0/16", false},
		{"port 4500, which any process may have", "192.1.2.23:4500", "192.1.2.45:4500", "192.1.2.45/32", false},
		{"port 4500, to a host behind the peer", "192.1.2.23:4500", "10.2.0.1:53", "10.2.0.0/16", false},
		{"a port of others", "192.1.2.23:501", "192.1.2.45:500", "192.1.2.45/32", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, west, east := pair(t, klips.Settings{})
			conn{src: "192.1.2.23", dst: "192.1.2.45", srcNet: "192.1.2.23/32", dstNet: c.dstNet, protos: []said.Proto{said.IPIP, said.ESP}, sa: gcm()}.up(west, east, 0x1001)
			sent := capture(west)
			west.device.Send(udp(c.packet, c.to, 30))
			want := uint8(packet.ESP)
			if c.clear {
				want = packet.UDP
			}
			if p := receive(t, sent); p[9] != want {
				t.Errorf("protocol %d is on the wire, want %d", p[9], want)
			}
		})
	}
}

// fragment6 is a fragment of a UDP packet from fd01::1 to fd02::1 that has
// destination options in front, with as many bytes of data.
func fragment6(id uint32, offset int, more bool, size int) []byte {
	outer := packet.Outer{Src: addr("fd01::1"), Dst: addr("fd02::1"), TTL: 64, Proto: packet.Fragment}
	data := make([]byte, size)
	if offset == 0 {
		copy(data, []byte{packet.UDP, 0, 1, 4, 0, 0, 0, 0, 0, 1, 0, 2})
	}
	p := make([]byte, outer.Len()+8+size)
	outer.Put(p, 8+size)
	head := p[outer.Len():]
	head[0] = packet.DstOpts
	word := uint16(offset)
	if more {
		word |= 1
	}
	binary.BigEndian.PutUint16(head[2:], word)
	binary.BigEndian.PutUint32(head[4:], id)
	copy(head[8:], data)
	return p
}

// TestHiddenProtocol has fragments that do not show their protocol, since
// destination options come first: they take the eroute of the first, or none.
func TestHiddenProtocol(t *testing.T) {
	_, west, east := pair(t, klips.Settings{})
	tunnel := tunnel()
	tunnel.srcNet, tunnel.dstNet = "fd01::/16", "fd02::/16"
	ids := tunnel.up(west, east, 0x1001)
	flow := klips.Selector{Src: prefix("fd01::/16"), Dst: prefix("fd02::/16")}
	west.must(west.DelEroute(flow))
	west.must(west.AddEroute(klips.Eroute{Selector: flow, SAID: said.Shunt(said.SPIPass)}))
	flow.Proto = packet.UDP
	west.must(west.AddEroute(klips.Eroute{Selector: flow, SAID: ids[0]}))
	sent := capture(west)
	for _, p := range [][]byte{fragment6(1, 0, true, 64), fragment6(1, 64, false, 64)} {
		west.device.Send(p)
		if p := receive(t, sent); p[0]>>4 != 4 || p[9] != packet.ESP {
			t.Errorf("in the clear: %x", p)
		}
	}
	west.device.Send(fragment6(2, 64, false, 64)) // whose first has not come
	west.drops(klips.DropFragment, 1)
	west.device.Send(fragment6(3, 0, true, 64))
	receive(t, sent)
	west.clock.Move(assembleTime)
	west.device.Send(fragment6(3, 64, false, 64)) // of another packet, by now
	west.drops(klips.DropFragment, 2)
	idle(t, sent)
}

// TestHiddenPorts has a first fragment end before the ports: it cannot go by an
// eroute that would not be theirs.
func TestHiddenPorts(t *testing.T) {
	_, west, east := pair(t, klips.Settings{})
	tunnel := tunnel()
	tunnel.srcNet, tunnel.dstNet = "fd01::/16", "fd02::/16"
	ids := tunnel.up(west, east, 0x1001)
	flow := klips.Selector{Src: prefix("fd01::/16"), Dst: prefix("fd02::/16")}
	west.must(west.ReplaceEroute(klips.Eroute{Selector: flow, SAID: said.Shunt(said.SPIPass)}))
	flow.Proto, flow.DstPort = packet.UDP, 2
	west.must(west.AddEroute(klips.Eroute{Selector: flow, SAID: ids[0]}))
	sent := capture(west)
	west.device.Send(fragment6(1, 0, true, 8))
	west.device.Send(fragment6(1, 8, false, 64))
	west.drops(klips.DropFragment, 2)
	idle(t, sent)
}

// TestLongHeader sends packets in transport mode whose headers leave less room
// than others.
func TestLongHeader(t *testing.T) {
	for _, size := range []int{40, 136, 176, 216, 256} {
		_, west, east := pair(t, klips.Settings{})
		host := conn{src: "2001:db8:1::23", dst: "2001:db8:1::45", srcNet: "2001:db8:1::23/128", dstNet: "2001:db8:1::45/128", protos: []said.Proto{said.COMP, said.ESP, said.AH}, sa: gcm()}
		host.up(west, east, 0x1001)
		outer := packet.Outer{Src: addr(host.src), Dst: addr(host.dst), TTL: 64, Proto: packet.Routing}
		p := make([]byte, size+500)
		outer.Put(p, len(p)-40)
		if size == 40 {
			p[6] = packet.UDP
		} else {
			p[40], p[41] = packet.UDP, uint8((size-40)/8-1)
		}
		west.device.Send(p)
		if size <= maxHead {
			receive(t, east.device.Received)
		} else {
			west.drops(klips.DropSA, 1)
		}
	}
}

// TestTrapTooLate has a packet met a %trap whose flow got its SA before the
// tables could be changed: no %hold stands in the way of the next.
func TestTrapTooLate(t *testing.T) {
	_, west, east := pair(t, klips.Settings{})
	p := udp("10.1.0.1:1", "10.2.0.1:2", 100)
	h, err := packet.Parse(p)
	west.must(err)
	tunnel().up(west, east, 0x1001)
	west.hold(&trapped{held: held{at: west.attached["ipsec0"], packet: p}, flow: eroute.FlowOf(&h)})
	if list, err := west.ListEroutes(); err != nil || len(list) != 1 {
		t.Errorf("eroutes %v, %v; want the tunnel alone", list, err)
	}
	idle(t, west.Events())
	west.drops(klips.DropHeld, 1)
	west.device.Send(p)
	receive(t, east.device.Received)
}
