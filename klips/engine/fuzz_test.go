package engine

import (
	"testing"

	"ipsec/klips"
	"ipsec/klips/packet"
	"ipsec/klips/said"
	"ipsec/klips/tun/tuntest"
	"ipsec/klips/wire"
	"ipsec/klips/wire/wiretest"
)

// quiet is a System whose interfaces say nothing.
type quiet struct{}

func (quiet) OpenDevice(name string, mtu int) (Device, error) {
	return fakeDevice{tuntest.New(name, mtu)}, nil
}
func (quiet) OpenWire(_ klips.Attachment, hooks Hooks) (Wire, error) {
	return fakeWire{new(wiretest.Network).Open(1500, wire.Hooks(hooks), addr("192.1.2.45"), addr("2001:db8:1::45"))}, nil
}

// fuzzEngine has SAs of all kinds, whose keys the fuzzer may as well know, to
// and from the same host.
func fuzzEngine(f *testing.F) *Engine {
	e := New(Options{System: quiet{}, Settings: klips.Settings{FragICMP: true}, Now: (&clock{}).Now})
	f.Cleanup(func() { e.Close() })
	check := func(err error) {
		if err != nil {
			f.Fatal(err)
		}
	}
	check(e.Attach(klips.Attachment{Virtual: "ipsec0", Physical: "eth0"}))
	for _, address := range []string{"192.1.2.45", "2001:db8:1::45"} {
		for spi := range uint32(4) {
			id := func(p said.Proto) said.SAID { return said.SAID{Dst: addr(address), SPI: 0x100 + spi, Proto: p} }
			check(e.AddSA(klips.SA{ID: id(said.IPIP), TunnelSrc: addr(address), TunnelDst: addr(address)}))
			check(e.AddSA(klips.SA{ID: id(said.COMP), Comp: "deflate"}))
			check(e.AddSA(klips.SA{ID: id(said.ESP), Enc: "null", Auth: "md5-96", AuthKey: key(16, 1)}))
			check(e.AddSA(klips.SA{ID: id(said.AH), Auth: "md5-96", AuthKey: key(16, 1)}))
			groups := [][]said.SAID{{id(said.IPIP), id(said.ESP)}, {id(said.IPIP), id(said.COMP), id(said.ESP), id(said.AH)}, {id(said.COMP), id(said.ESP)}, {id(said.ESP), id(said.AH)}}
			check(e.GroupSAs(groups[spi]))
			net := map[bool]string{true: "10.0.0.0/8", false: "fd00::/8"}[addr(address).Is4()]
			check(e.AddEroute(klips.Eroute{Selector: klips.Selector{Src: prefix(net), Dst: prefix(net), Proto: uint8(spi)}, SAID: groups[spi][0]}))
			check(e.AddEroute(klips.Eroute{Selector: klips.Selector{Src: prefix(net), Dst: host(addr(address)), Proto: uint8(spi)}, SAID: groups[spi][0]}))
		}
	}
	check(e.AddEroute(klips.Eroute{Selector: klips.Selector{Src: prefix("0.0.0.0/0"), Dst: prefix("0.0.0.0/0")}, SAID: said.Shunt(said.SPIReject)}))
	check(e.AddEroute(klips.Eroute{Selector: klips.Selector{Src: prefix("::/0"), Dst: prefix("::/0")}, SAID: said.Shunt(said.SPIPass)}))
	return e
}

// FuzzOut takes any bytes for a packet of the host, and what comes of it for a
// packet of the wire.
func FuzzOut(f *testing.F) {
	e := fuzzEngine(f)
	sent := &loop{sent: packet.NewBuffers(512, packet.MaxSize)}
	at := &attachment{virtual: "ipsec0", wire: loopWire{sent, e.attached["ipsec0"].wire}, device: e.attached["ipsec0"].device}
	out, in := newOutbound(e, at, 1), newInbound(e, at, 1, packet.MaxSize)
	for _, to := range []string{"10.2.0.1:1", "192.1.2.45:2", "8.8.8.8:53"} {
		f.Add(udp("10.1.0.1:1", to, 50))
		f.Add(change(udp("10.1.0.1:1", to, 3000), 0xff, true))
	}
	f.Add(udp("[fd01::1]:1", "[fd02::1]:2", 3000))
	f.Add(udp("[fd01::1]:1", "[2001:db8:1::45]:2", 30))
	f.Fuzz(func(t *testing.T, p []byte) {
		sent.n = 0
		out.in[0].Set(p)
		out.process(out.in)
		for i := range min(sent.n, len(sent.sent)) {
			in.in[0].Set(sent.sent[i].Bytes())
			in.process(in.in)
		}
	})
}

// FuzzIn takes any bytes for a packet of the wire.
func FuzzIn(f *testing.F) {
	e := fuzzEngine(f)
	in := newInbound(e, e.attached["ipsec0"], 1, packet.MaxSize)
	for _, proto := range []uint8{packet.ESP, packet.AH, packet.COMP, packet.IPv4} {
		for _, host := range []string{"192.1.2.45", "2001:db8:1::45"} {
			outer := packet.Outer{Src: addr(host), Dst: addr(host), TTL: 64, Proto: proto}
			p := make([]byte, outer.Len()+100)
			outer.Put(p, 100)
			p[outer.Len()+2] = 1
			f.Add(p, false)
			f.Add(p, true)
		}
	}
	f.Fuzz(func(t *testing.T, p []byte, encap bool) {
		b := in.in[0]
		b.Set(p)
		if encap {
			b.Encap.Src, b.Encap.Dst = addrPort("192.1.2.23:4500"), addrPort("192.1.2.45:4500")
		}
		in.process(in.in)
	})
}
