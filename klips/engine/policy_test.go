package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"ipsec/klips"
	"ipsec/klips/packet"
	"ipsec/klips/said"
)

// capture makes the network keep what is sent and deliver nothing.
func capture(g *gateway) <-chan []byte {
	sent := make(chan []byte, 64)
	g.network.Alter = func(p []byte) [][]byte {
		sent <- p
		return nil
	}
	return sent
}

func TestReplay(t *testing.T) {
	n, west, east := pair(t, klips.Settings{})
	ids := tunnel().up(west, east, 0x1001)
	sent := capture(west)
	p := udp("10.1.0.1:1", "10.2.0.1:2", 100)
	var packets [][]byte
	for range 100 {
		west.device.Send(p)
		packets = append(packets, receive(t, sent))
	}
	for _, i := range []int{5, 3, 4, 99, 36, 50} { // 100 - 64 = 36 is the oldest that is remembered
		n.Deliver(bytes.Clone(packets[i]))
		receive(t, east.device.Received)
	}
	for _, i := range []int{5, 3, 4, 99, 36, 50, 35, 0} {
		n.Deliver(bytes.Clone(packets[i]))
	}
	east.drops(klips.DropReplay, 8)
	sa, err := east.GetSA(ids[1])
	east.must(err)
	if sa.Usage.ReplayErrors != 8 || sa.Usage.Packets != 6 || sa.Usage.Seq != 100 {
		t.Errorf("%+v, want 8 replays, 6 packets, sequence 100", sa.Usage)
	}
	idle(t, east.device.Received)
}

func TestTampering(t *testing.T) {
	for _, c := range []struct {
		name   string
		protos []said.Proto
		from   int // what precedes may change on the way
	}{
		{"esp", []said.Proto{said.IPIP, said.ESP}, 24}, // behind the SPI
		{"ah", []said.Proto{said.IPIP, said.AH}, 28},
		{"comp", []said.Proto{said.IPIP, said.COMP, said.ESP, said.AH}, 28},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, west, east := pair(t, klips.Settings{})
			conn := tunnel()
			conn.protos = c.protos
			ids := conn.up(west, east, 0x1001)
			sent := capture(west)
			west.device.Send(udp("10.1.0.1:1", "10.2.0.1:2", 60))
			p := receive(t, sent)
			for at := c.from; at < len(p); at++ {
				bad := bytes.Clone(p)
				bad[at] ^= 0x40
				n.Deliver(bad)
			}
			cut := bytes.Clone(p[:len(p)-4])
			packet.SetLength(cut, len(cut))
			n.Deliver(cut)
			n.Deliver(p) // still good: nothing moved the window
			receive(t, east.device.Received)
			idle(t, east.device.Received)
			sa, err := east.GetSA(ids[len(ids)-1])
			east.must(err)
			if sa.Usage.Packets != 1 || sa.Usage.Seq != 1 || sa.Usage.AuthErrors+sa.Usage.OtherErrors < uint64(len(p)-c.from-8) {
				t.Errorf("%+v, want 1 packet and an error for each byte", sa.Usage)
			}
		})
	}
}

// TestPolicy sends packets through SAs whose receiver expects others.
func TestPolicy(t *testing.T) {
	good := udp("10.1.0.1:1000", "10.2.0.1:2000", 100)
	for _, c := range []struct {
		name   string
		conn   func(*conn)
		packet []byte
		change func(east *gateway, ids []said.SAID) // before it is sent
		alter  func(p []byte)                       // on the way
		want   klips.DropReason
	}{
		{name: "as it should be", packet: good, want: delivered},
		{name: "source outside the inflow", packet: udp("10.3.0.1:1000", "10.2.0.1:2000", 100), want: klips.DropPolicy},
		{name: "destination outside the inflow", packet: udp("10.1.0.1:1000", "10.9.0.1:2000", 100), want: klips.DropPolicy},
		{name: "another family", packet: udp("[fd01::1]:1000", "[fd02::1]:2000", 100), want: klips.DropPolicy},
		{name: "inflow of another port", packet: good, want: klips.DropPolicy, change: func(east *gateway, ids []said.SAID) {
			east.must(east.DelInflow(ids[0], klips.Selector{Src: prefix("10.1.0.0/16"), Dst: prefix("10.2.0.0/16")}))
			east.must(east.AddInflow(ids[0], klips.Selector{Src: prefix("10.1.0.0/16"), Dst: prefix("10.2.0.0/16"), Proto: packet.UDP, DstPort: 2001}))
		}},
		{name: "inflow of that port", packet: good, want: delivered, change: func(east *gateway, ids []said.SAID) {
			east.must(east.DelInflow(ids[0], klips.Selector{Src: prefix("10.1.0.0/16"), Dst: prefix("10.2.0.0/16")}))
			east.must(east.AddInflow(ids[0], klips.Selector{Src: prefix("10.1.0.0/16"), Dst: prefix("10.2.0.0/16"), Proto: packet.UDP, DstPort: 2000}))
		}},
		{name: "no inflow, no check", packet: udp("10.3.0.1:1000", "10.2.0.1:2000", 100), want: delivered, change: func(east *gateway, ids []said.SAID) {
			east.must(east.DelInflow(ids[0], klips.Selector{Src: prefix("10.1.0.0/16"), Dst: prefix("10.2.0.0/16")}))
		}},
		{name: "no such SA", packet: good, want: klips.DropNoSA, change: func(east *gateway, ids []said.SAID) { east.must(east.DelSA(ids[1])) }},
		{name: "a group that lost its tunnel", packet: good, want: klips.DropNoSA, change: func(east *gateway, ids []said.SAID) { east.must(east.DelSA(ids[0])) }},
		{name: "AH is missing", packet: good, want: klips.DropPolicy, change: func(east *gateway, ids []said.SAID) {
			ah := klips.SA{ID: said.SAID{Dst: ids[0].Dst, SPI: 7, Proto: said.AH}, Auth: "md5-96", AuthKey: key(16, 1)}
			esp, tun := klips.SA{ID: ids[1], Enc: "aesgcm16", EncKey: key(20, 1)}, klips.SA{ID: ids[0], TunnelSrc: addr("192.1.2.23"), TunnelDst: addr("192.1.2.45")}
			east.must(east.ClearSAs())
			for _, sa := range []klips.SA{tun, esp, ah} {
				east.must(east.AddSA(sa))
			}
			east.must(east.GroupSAs([]said.SAID{tun.ID, esp.ID, ah.ID}))
		}},
		{name: "ESP without its tunnel", packet: good, want: klips.DropPolicy, change: func(east *gateway, ids []said.SAID) {
			east.must(east.ClearSAs())
			east.must(east.AddSA(klips.SA{ID: ids[1], Enc: "aesgcm16", EncKey: key(20, 1)}))
		}},
		{name: "another outer source", packet: good, want: klips.DropPolicy, alter: func(p []byte) { p[15]++ }},
		{name: "another outer source, of the tunnel alone", packet: good, want: klips.DropPolicy, change: func(east *gateway, ids []said.SAID) {
			tun, esp := klips.SA{ID: ids[0], TunnelSrc: addr("192.1.2.99"), TunnelDst: addr("192.1.2.45")}, klips.SA{ID: ids[1], Enc: "aesgcm16", EncKey: key(20, 1)}
			east.must(east.ClearSAs())
			east.must(east.AddSA(tun))
			east.must(east.AddSA(esp))
			east.must(east.GroupSAs(ids))
		}},
		{name: "answers would go to another", packet: good, want: klips.DropPolicy, change: func(east *gateway, ids []said.SAID) {
			east.must(east.AddEroute(klips.Eroute{Selector: klips.Selector{Src: prefix("10.2.0.0/16"), Dst: prefix("10.1.0.1/32")}, SAID: said.SAID{Dst: addr("192.1.2.99"), SPI: 9, Proto: said.IPIP}}))
		}},
		{name: "answers would go back", packet: good, want: delivered, change: func(east *gateway, ids []said.SAID) {
			east.must(east.AddEroute(klips.Eroute{Selector: klips.Selector{Src: prefix("10.2.0.0/16"), Dst: prefix("10.1.0.1/32")}, SAID: said.SAID{Dst: addr("192.1.2.23"), SPI: 9, Proto: said.IPIP}}))
		}},
		{name: "not in UDP", packet: good, want: klips.DropPolicy, change: func(east *gateway, ids []said.SAID) {
			east.must(east.UpdateSA(klips.SA{ID: ids[1], Encap: klips.Encap{SrcPort: 4500, DstPort: 4500}}))
		}},
		{name: "in UDP", conn: func(c *conn) { c.encap = true }, packet: good, want: klips.DropPolicy, change: func(east *gateway, ids []said.SAID) {
			east.must(east.UpdateSA(klips.SA{ID: ids[1]}))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, west, east := pair(t, klips.Settings{})
			conn := tunnel()
			if c.conn != nil {
				c.conn(&conn)
			}
			ids := conn.up(west, east, 0x1001)
			for _, all := range []string{"0.0.0.0/0", "::/0"} {
				west.must(west.AddEroute(klips.Eroute{Selector: klips.Selector{Src: prefix(all), Dst: prefix(all)}, SAID: ids[0]}))
			}
			if c.change != nil {
				c.change(east, ids)
			}
			sent := capture(west)
			west.device.Send(c.packet)
			p := receive(t, sent)
			if c.alter != nil {
				c.alter(p)
			}
			n.Deliver(p)
			if c.want == delivered {
				if got := receive(t, east.device.Received); !bytes.Equal(got, c.packet) {
					t.Errorf("got %x, want %x", got, c.packet)
				}
				return
			}
			east.drops(c.want, 1)
			idle(t, east.device.Received)
		})
	}
}

// TestNothingBare checks that a chain of SAs without protection carries nothing,
// either way.
func TestNothingBare(t *testing.T) {
	for _, protos := range [][]said.Proto{{said.IPIP}, {said.IPIP, said.COMP}} {
		_, west, east := pair(t, klips.Settings{})
		sent := capture(west)
		c := tunnel()
		c.protos = protos
		c.up(west, east, 0x1001)
		west.device.Send(udp("10.1.0.1:1", "10.2.0.1:2", 500))
		west.drops(klips.DropNoSA, 1)
		idle(t, sent)
	}
	_, west, east := pair(t, klips.Settings{})
	ids := tunnel().up(west, east, 0x1001)
	sent := capture(west)
	west.must(west.DelSA(ids[1])) // leaves the tunnel
	west.device.Send(udp("10.1.0.1:1", "10.2.0.1:2", 500))
	west.drops(klips.DropNoSA, 1)
	idle(t, sent)
}

func TestMapping(t *testing.T) {
	n, west, east := pair(t, klips.Settings{})
	c := tunnel()
	c.encap = true
	ids := c.up(west, east, 0x1001)
	n.Alter = func(p []byte) [][]byte { // a NAT
		from := netip.MustParseAddr("203.0.113.7").As4()
		copy(p[12:], from[:])
		binary.BigEndian.PutUint16(p[20:], 32000)
		packet.SetLength(p, len(p))
		return [][]byte{p}
	}
	want := klips.NewMapping{ID: ids[1], Old: addrPort("192.1.2.23:4500"), New: addrPort("203.0.113.7:32000")}
	for range 3 {
		west.device.Send(udp("10.1.0.1:1", "10.2.0.1:2", 10))
		receive(t, east.device.Received)
	}
	if got := receive(t, east.Events()); got != klips.Event(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	idle(t, east.Events())
}

// TestTransportNAT checks that the checksums inside are those of the addresses
// that a NAT put outside.
func TestTransportNAT(t *testing.T) {
	n, west, east := pair(t, klips.Settings{})
	c := conn{src: "192.1.2.23", dst: "192.1.2.45", srcNet: "192.1.2.23/32", dstNet: "192.1.2.45/32", protos: []said.Proto{said.ESP}, sa: gcm(), encap: true}
	ids := c.up(west, east, 0x1001)
	east.must(east.DelInflow(ids[0], klips.Selector{Src: prefix(c.srcNet), Dst: prefix(c.dstNet)}))
	n.Alter = func(p []byte) [][]byte {
		from := netip.MustParseAddr("203.0.113.7").As4()
		copy(p[12:], from[:])
		packet.SetLength(p, len(p))
		return [][]byte{p}
	}
	west.device.Send(udp("192.1.2.23:1000", "192.1.2.45:2000", 100))
	want := udp("203.0.113.7:1000", "192.1.2.45:2000", 100)
	got := receive(t, east.device.Received)
	if !bytes.Equal(got[20:], want[20:]) || !bytes.Equal(got[12:20], want[12:20]) {
		t.Errorf("got\n%x, want\n%x", got, want)
	}
}

// TestKnownPolicy has a packet arrive right behind one of the same flow, but out of
// another SA, in which the flow has no business.
func TestKnownPolicy(t *testing.T) {
	_, west, east := pair(t, klips.Settings{})
	for i, encap := range []bool{true, false} {
		c := tunnel()
		c.encap = encap
		c.srcNet, c.dstNet = fmt.Sprintf("10.%d.0.0/17", 2*i+1), fmt.Sprintf("10.%d.128.0/17", 2*i+1)
		ids := c.up(west, east, uint32(0x1001+2*i))
		c.srcNet = fmt.Sprintf("10.%d.0.0/17", 2*i+2)
		other := c.up(west, east, uint32(0x1002+2*i))
		wire := &line{Wire: fakeWire{west.wire}}
		out := newOutbound(west.Engine, &attachment{virtual: "ipsec0", wire: wire, device: fakeDevice{west.device}}, 1)
		p := udp(fmt.Sprintf("10.%d.0.1:1", 2*i+1), fmt.Sprintf("10.%d.128.1:2", 2*i+1), 100)
		for _, sa := range []said.SAID{ids[0], other[0]} {
			west.must(west.ReplaceEroute(klips.Eroute{Selector: klips.Selector{Src: prefix(fmt.Sprintf("10.%d.0.0/17", 2*i+1)), Dst: prefix(c.dstNet)}, SAID: sa}))
			b := packet.NewBuffer(packet.MaxSize)
			b.Set(p)
			out.process([]*packet.Buffer{b})
		}
		device := &plainHost{Device: fakeDevice{east.device}}
		in := newInbound(east.Engine, &attachment{wire: fakeWire{east.wire}, device: device}, batch, packet.MaxSize)
		before := east.stats.get(klips.DropPolicy)
		in.process(arriving(rand.New(rand.NewPCG(1, 1)), nil, wire.sent))
		if len(wire.sent) != 2 || len(device.got) != 1 || east.stats.get(klips.DropPolicy) != before+1 {
			t.Errorf("in UDP %v: %d packets arrived of %d, %d against the policy; want 1 of 2, and 1", encap, len(device.got), len(wire.sent), east.stats.get(klips.DropPolicy)-before)
		}
	}
}
