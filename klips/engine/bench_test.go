package engine

import (
	"testing"

	"ipsec/klips"
	"ipsec/klips/packet"
)

// BenchmarkOut carries packets of 1420 bytes from the host to the wire, both in
// memory.
func BenchmarkOut(b *testing.B) {
	e := New(Options{System: quiet{}, Settings: klips.Settings{FragICMP: true}, Now: (&clock{}).Now})
	defer e.Close()
	g := &gateway{Engine: e, t: &testing.T{}}
	if err := e.Attach(klips.Attachment{Virtual: "ipsec0", Physical: "eth0"}); err != nil {
		b.Fatal(err)
	}
	sink := &gateway{Engine: New(Options{System: quiet{}, Now: (&clock{}).Now}), t: g.t}
	defer sink.Close()
	tunnel().up(g, sink, 0x1001)
	sent := &loop{sent: packet.NewBuffers(1, packet.MaxSize)}
	at := e.attached["ipsec0"]
	out := newOutbound(e, &attachment{wire: loopWire{sent, at.wire}, device: at.device}, batch)
	p := udp("10.1.0.1:1", "10.2.0.1:2", 1392)
	b.SetBytes(int64(len(p) * batch))
	b.ReportAllocs()
	for b.Loop() {
		for _, buffer := range out.in {
			buffer.Set(p)
		}
		out.process(out.in)
	}
}
