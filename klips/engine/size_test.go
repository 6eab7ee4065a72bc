package engine

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"ipsec/klips"
	"ipsec/klips/packet"
	"ipsec/klips/said"
	"ipsec/klips/wire/wiretest"
)

// tooBig returns the MTU that an ICMP message names, after checking that it
// answers p.
func tooBig(t *testing.T, icmp, p []byte) int {
	t.Helper()
	h, err := packet.Parse(icmp)
	if err != nil {
		t.Fatal(err)
	}
	was, err := packet.Parse(p)
	if err != nil {
		t.Fatal(err)
	}
	message := icmp[h.Payload:]
	if h.Src != was.Dst || h.Dst != was.Src || !bytes.HasPrefix(p, message[8:]) {
		t.Fatalf("%x does not answer %x", icmp, p)
	}
	if h.Version == 6 {
		if message[0] != 2 || message[1] != 0 {
			t.Fatalf("type %d code %d", message[0], message[1])
		}
		return int(binary.BigEndian.Uint32(message[4:]))
	}
	if message[0] != 3 || message[1] != 4 || packet.Sum(message, 0) != 0xffff {
		t.Fatalf("type %d code %d sum %x", message[0], message[1], packet.Sum(message, 0))
	}
	return int(binary.BigEndian.Uint16(message[6:]))
}

// TestSize finds the longest packet that goes through whole, by the answer to
// one that is too long, and checks that it fits and no longer one does.
func TestSize(t *testing.T) {
	sha := klips.SA{Enc: "aes", EncKey: key(16, 1), Auth: "sha1-96", AuthKey: key(20, 2)}
	for _, c := range []struct {
		name     string
		six      bool
		protos   []said.Proto
		sa       klips.SA
		encap    bool
		from, to string
		want     int
	}{
		{"GCM in IPv4", false, []said.Proto{said.IPIP, said.ESP}, gcm(), false, "10.1.0.1:1", "10.2.0.1:2", 1446},
		{"GCM in UDP", false, []said.Proto{said.IPIP, said.ESP}, gcm(), true, "10.1.0.1:1", "10.2.0.1:2", 1438},
		{"IPv6 within", false, []said.Proto{said.IPIP, said.ESP}, gcm(), true, "[fd01::1]:1", "[fd02::1]:2", 1438},
		{"GCM in IPv6", true, []said.Proto{said.IPIP, said.ESP}, gcm(), false, "10.1.0.1:1", "10.2.0.1:2", 1426},
		{"AES and SHA1", false, []said.Proto{said.IPIP, said.ESP}, sha, false, "10.1.0.1:1", "10.2.0.1:2", 1438},
		{"AH", false, []said.Proto{said.IPIP, said.AH}, gcm(), false, "10.1.0.1:1", "10.2.0.1:2", 1452},
		{"ESP and AH", false, []said.Proto{said.IPIP, said.ESP, said.AH}, gcm(), false, "10.1.0.1:1", "10.2.0.1:2", 1418},
		{"transport", false, []said.Proto{said.ESP}, gcm(), false, "192.1.2.23:1", "192.1.2.45:2", 1466},
		{"transport 6", true, []said.Proto{said.ESP}, gcm(), false, "[2001:db8:1::23]:1", "[2001:db8:1::45]:2", 1466},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, west, east := pair(t, klips.Settings{FragICMP: true})
			conn := conn{src: "192.1.2.23", dst: "192.1.2.45", srcNet: "0.0.0.0/0", dstNet: "0.0.0.0/0", protos: c.protos, sa: c.sa, encap: c.encap}
			if c.six {
				conn.src, conn.dst = "2001:db8:1::23", "2001:db8:1::45"
			}
			if c.from[0] == '[' {
				conn.srcNet, conn.dstNet = "::/0", "::/0"
			}
			conn.up(west, east, 0x1001)
			long := change(udp(c.from, c.to, 1600), 0, true)
			west.device.Send(long)
			most := tooBig(t, receive(t, west.device.Received), long)
			if most != c.want {
				t.Errorf("the longest is %d, want %d", most, c.want)
			}
			empty := len(udp(c.from, c.to, 0))
			fits := change(udp(c.from, c.to, most-empty), 0, true)
			west.device.Send(fits)
			if got := receive(t, east.device.Received); c.protos[0] == said.IPIP && !bytes.Equal(got, fits) {
				t.Error("it came out otherwise")
			}
			one := change(udp(c.from, c.to, most-empty+1), 0, true)
			west.device.Send(one)
			if got := tooBig(t, receive(t, west.device.Received), one); got != most {
				t.Errorf("one byte more is answered with %d, want %d", got, most)
			}
			idle(t, east.device.Received)
		})
	}
}

// TestFragments sends packets that are too long and may be cut.
func TestFragments(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings klips.Settings
		df, six  bool
		size     int
		protos   []said.Proto
		from, to string
	}{
		{"no DF", klips.Settings{FragICMP: true}, false, false, 4000, []said.Proto{said.IPIP, said.ESP}, "10.1.0.1:1", "10.2.0.1:2"},
		{"the longest", klips.Settings{FragICMP: true}, false, false, 65000, []said.Proto{said.IPIP, said.ESP}, "10.1.0.1:1", "10.2.0.1:2"},
		{"AH", klips.Settings{FragICMP: true}, false, false, 3000, []said.Proto{said.IPIP, said.ESP, said.AH}, "10.1.0.1:1", "10.2.0.1:2"},
		{"in IPv6", klips.Settings{FragICMP: true}, false, true, 4000, []said.Proto{said.IPIP, said.ESP}, "10.1.0.1:1", "10.2.0.1:2"},
		{"DF, no ICMP", klips.Settings{}, true, false, 2000, []said.Proto{said.IPIP, said.ESP}, "10.1.0.1:1", "10.2.0.1:2"},
		{"IPv6, no ICMP", klips.Settings{}, true, false, 2000, []said.Proto{said.IPIP, said.ESP}, "[fd01::1]:1", "[fd02::1]:2"},
		{"transport", klips.Settings{}, true, false, 2000, []said.Proto{said.ESP}, "192.1.2.23:1", "192.1.2.45:2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, west, east := pair(t, c.settings)
			conn := conn{src: "192.1.2.23", dst: "192.1.2.45", srcNet: "0.0.0.0/0", dstNet: "0.0.0.0/0", protos: c.protos, sa: gcm()}
			if c.six {
				conn.src, conn.dst = "2001:db8:1::23", "2001:db8:1::45"
			}
			if c.from[0] == '[' {
				conn.srcNet, conn.dstNet = "::/0", "::/0"
			}
			conn.up(west, east, 0x1001)
			count := 0
			n.Alter = func(p []byte) [][]byte {
				count++
				if h, err := packet.Parse(p); err != nil || !h.Fragmented() || h.Version == 4 && h.DF {
					t.Errorf("%+v, %v on the wire", h, err)
				}
				return [][]byte{p}
			}
			p := change(udp(c.from, c.to, c.size), 0, c.df)
			west.device.Send(p)
			if got := receive(t, east.device.Received); !bytes.Equal(got[20:], p[20:]) {
				t.Errorf("%d bytes came out otherwise", len(got))
			}
			west.must(west.Close())
			if count != (c.size+1479)/1480 && count != (c.size+1479)/1480+1 {
				t.Errorf("%d fragments", count)
			}
		})
	}
}

func TestPathMTU(t *testing.T) {
	_, west, east := pair(t, klips.Settings{FragICMP: true})
	tunnel().up(west, east, 0x1001)
	p := change(udp("10.1.0.1:1", "10.2.0.1:2", 1300), 0, true)
	passes := func() {
		t.Helper()
		west.device.Send(p)
		receive(t, east.device.Received)
	}
	passes()
	hook := west.wire.Hooks().PathMTU
	hook(addr("192.1.2.45"), 0x9999, 1300) // no such SA
	hook(addr("192.1.2.99"), 0x1001, 1300)
	passes()
	hook(addr("192.1.2.45"), 0x1001, 1300)
	west.device.Send(p)
	if got := tooBig(t, receive(t, west.device.Received), p); got != 1300-54 {
		t.Errorf("the longest is %d, want %d", got, 1300-54)
	}
	hook(addr("192.1.2.45"), 0x1001, 1400) // never more
	west.device.Send(p)
	tooBig(t, receive(t, west.device.Received), p)
	west.clock.Move(pathTime)
	west.Sweep()
	passes()
	west.wire.SetMTU(1280)
	west.device.Send(p)
	if got := tooBig(t, receive(t, west.device.Received), p); got != 1280-54 {
		t.Errorf("the longest is %d, want %d", got, 1280-54)
	}
}

// TestPorts sends the fragments of a packet, whose first alone has ports, by
// the eroute of those ports.
func TestPorts(t *testing.T) {
	_, west, east := pair(t, klips.Settings{})
	ids := tunnel().up(west, east, 0x1001)
	flow := klips.Selector{Src: prefix("10.1.0.0/16"), Dst: prefix("10.2.0.0/16")}
	west.must(west.ReplaceEroute(klips.Eroute{Selector: flow, SAID: said.Shunt(said.SPIPass)}))
	flow.Proto, flow.DstPort = packet.UDP, 2000
	west.must(west.AddEroute(klips.Eroute{Selector: flow, SAID: ids[0]}))
	whole := udp("10.1.0.1:1000", "10.2.0.1:2000", 3000)
	h, err := packet.Parse(whole)
	west.must(err)
	var parts [][]byte
	buffers := packet.NewBuffers(3, 2000)
	packet.Split(whole, &h, 1300, 1, func() *packet.Buffer {
		b := buffers[len(parts)]
		parts = append(parts, nil)
		return b
	})
	west.device.Send(buffers[1].Bytes()) // who knows which ports it has
	west.drops(klips.DropFragment, 1)
	for _, b := range buffers {
		west.device.Send(b.Bytes())
		if got := receive(t, east.device.Received); !bytes.Equal(got, b.Bytes()) {
			t.Errorf("got %x", got)
		}
	}
	west.drops(klips.DropFragment, 1)
}

// TestAssemble sends the fragments of a packet in transport mode, where it
// goes whole, and then in fragments of its own.
func TestAssemble(t *testing.T) {
	for _, c := range []struct{ name, src, dst string }{
		{"IPv4", "192.1.2.23", "192.1.2.45"},
		{"IPv6", "2001:db8:1::23", "2001:db8:1::45"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, west, east := pair(t, klips.Settings{FragICMP: true})
			conn := conn{src: c.src, dst: c.dst, srcNet: host(addr(c.src)).String(), dstNet: host(addr(c.dst)).String(), protos: []said.Proto{said.ESP}, sa: gcm()}
			conn.up(west, east, 0x1001)
			cut := func(size, id int) (whole []byte, parts [][]byte) {
				whole = wiretest.UDP(netip.AddrPortFrom(addr(c.src), 1), netip.AddrPortFrom(addr(c.dst), 2), make([]byte, size))
				if whole[0] == 0x45 {
					whole[5] = byte(id)
					packet.SetLength(whole, len(whole))
				}
				h, err := packet.Parse(whole)
				west.must(err)
				var buffers []*packet.Buffer
				packet.Split(whole, &h, 1280, uint32(id), func() *packet.Buffer {
					buffers = append(buffers, packet.NewBuffer(1280))
					return buffers[len(buffers)-1]
				})
				for _, b := range buffers {
					parts = append(parts, b.Bytes())
				}
				return whole, parts
			}
			first, a := cut(3000, 1)
			second, b := cut(60000, 2)
			for i := range b { // interleaved
				if i < len(a) {
					west.device.Send(a[i])
				}
				west.device.Send(b[i])
			}
			for _, want := range [][]byte{first, second} {
				if got := receive(t, east.device.Received); !bytes.Equal(got, want) {
					t.Errorf("got %d bytes, %x, want %d, %x", len(got), got[:48], len(want), want[:48])
				}
			}
			west.device.Send(a[1]) // without its first
			west.drops(klips.DropFragment, 1)
			west.device.Send(a[0])
			west.device.Send(a[2]) // without its second
			west.drops(klips.DropFragment, 2)
			west.device.Send(a[0])
			west.device.Send(nil)
			west.drops(klips.DropMalformed, 1) // and so it was seen
			west.clock.Move(assembleTime)
			west.device.Send(a[1])
			west.drops(klips.DropFragment, 3)
			idle(t, east.device.Received)
		})
	}
}
