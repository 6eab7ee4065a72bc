package engine

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"ipsec/klips"
	"ipsec/klips/packet"
	"ipsec/klips/said"
	"ipsec/klips/wire/ike"
)

func TestTOS(t *testing.T) {
	for _, hide := range []bool{false, true} {
		for inner := range uint8(4) {
			for way := -1; way < 4; way++ { // what the way makes of ECN; -1 leaves it
				t.Run(fmt.Sprintf("hide %v, %d inside, %d on the way", hide, inner, way), func(t *testing.T) {
					n, west, east := pair(t, klips.Settings{HideTOS: hide})
					tunnel().up(west, east, 0x1001)
					outer := make(chan uint8, 1)
					n.Alter = func(p []byte) [][]byte {
						outer <- p[1]
						if way >= 0 {
							packet.SetTOS(p, p[1]&^3|uint8(way))
						}
						return [][]byte{p}
					}
					tos := 0xb8 | inner
					west.device.Send(change(udp("10.1.0.1:1", "10.2.0.1:2", 10), tos, false))
					sent := receive(t, outer)
					if hide && sent != 0 || !hide && sent != tos {
						t.Errorf("outer TOS %#x", sent)
					}
					arrived := sent & 3
					if way >= 0 {
						arrived = uint8(way)
					}
					want, ok := packet.InnerTOS(tos, arrived)
					if !ok {
						east.drops(klips.DropCongestion, 1)
						return
					}
					got := receive(t, east.device.Received)
					if got[1] != want || packet.Sum(got[:20], 0) != 0xffff {
						t.Errorf("inner TOS %#x, want %#x; sum %x", got[1], want, packet.Sum(got[:20], 0))
					}
				})
			}
		}
	}
}

func TestShunts(t *testing.T) {
	_, west, east := pair(t, klips.Settings{})
	flow := func(dst string) klips.Selector { return klips.Selector{Src: prefix("10.1.0.0/16"), Dst: prefix(dst)} }
	for dst, spi := range map[string]uint32{"192.1.2.45/32": said.SPIPass, "10.4.0.0/16": said.SPIDrop, "10.5.0.0/16": said.SPIReject, "10.6.0.0/16": said.SPIHold} {
		west.must(west.AddEroute(klips.Eroute{Selector: flow(dst), SAID: said.Shunt(spi)}))
	}
	p := udp("10.1.0.1:1", "192.1.2.45:2", 100)
	west.device.Send(p)
	if got := receive(t, east.wire.Clear); !bytes.Equal(got, p) {
		t.Errorf("%%pass: got %x, want %x", got, p)
	}
	west.device.Send(udp("10.1.0.1:1", "10.4.0.1:2", 100))
	west.device.Send(udp("10.1.0.1:1", "10.6.0.1:2", 100))
	west.drops(klips.DropShunt, 2)
	idle(t, west.device.Received)
	rejected := udp("10.1.0.1:1", "10.5.0.1:2", 100)
	west.device.Send(rejected)
	got := receive(t, west.device.Received)
	if got[20] != 3 || got[21] != 13 || !bytes.Equal(got[28:], rejected) || packet.Sum(got[20:], 0) != 0xffff {
		t.Errorf("%%reject: got %x", got)
	}
	west.device.Send(udp("10.1.0.1:1", "10.7.0.1:2", 100))
	west.drops(klips.DropNoEroute, 1)
	west.device.Send([]byte("nonsense that is not IP"))
	west.drops(klips.DropMalformed, 1)
	es, err := west.ListEroutes()
	west.must(err)
	for _, e := range es {
		if e.Packets != 1 || !e.Last.Equal(west.clock.Now()) {
			t.Errorf("%v → %v: %d packets, last %v", e.Src, e.Dst, e.Packets, e.Last)
		}
	}
	idle(t, east.wire.Clear)
}

// TestReject answers so many a second and no more.
func TestReject(t *testing.T) {
	_, west, _ := pair(t, klips.Settings{})
	west.must(west.AddEroute(klips.Eroute{Selector: klips.Selector{Src: prefix("0.0.0.0/0"), Dst: prefix("0.0.0.0/0")}, SAID: said.Shunt(said.SPIReject)}))
	for range answersPerSecond * 2 {
		west.device.Send(udp("10.1.0.1:1", "10.5.0.1:2", 100))
	}
	west.drops(klips.DropShunt, answersPerSecond*2)
	west.must(west.Close())
	if n := len(west.device.Received); n != answersPerSecond {
		t.Errorf("%d answers, want %d", n, answersPerSecond)
	}
}

func TestTrap(t *testing.T) {
	_, west, east := pair(t, klips.Settings{})
	trap := klips.Eroute{Selector: klips.Selector{Src: prefix("10.1.0.0/16"), Dst: prefix("10.2.0.0/16")}, SAID: said.Shunt(said.SPITrap), Ident: [2]string{"@west", "@east"}}
	west.must(west.AddEroute(trap))
	first := udp("10.1.0.1:1000", "10.2.0.1:2000", 100)
	west.device.Send(first)
	want := klips.Acquire{Packet: klips.Selector{Src: prefix("10.1.0.1/32"), Dst: prefix("10.2.0.1/32"), Proto: 17, SrcPort: 1000, DstPort: 2000}, Trap: trap.Selector, Ident: trap.Ident}
	if got := receive(t, west.Events()); got != klips.Event(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	west.device.Send(udp("10.1.0.1:1000", "10.2.0.1:2000", 50))
	west.drops(klips.DropShunt, 1)
	idle(t, west.Events())
	es, err := west.ListEroutes()
	west.must(err)
	if len(es) != 2 || es[1].SAID != said.Shunt(said.SPIHold) || es[1].Src != prefix("10.1.0.1/32") || es[1].Dst != prefix("10.2.0.1/32") {
		t.Errorf("eroutes %+v, want the trap and a hold", es)
	}
	c := tunnel()
	c.dstNet = "10.2.0.1/32" // more than the flow, less than the trap
	c.up(west, east, 0x1001)
	if got := receive(t, east.device.Received); !bytes.Equal(got, first) {
		t.Errorf("got %x, want the first packet", got)
	}
	idle(t, east.device.Received)
	if es, _ := west.ListEroutes(); len(es) != 2 {
		t.Errorf("eroutes %+v, want the trap and the new one", es)
	}

	// A flow that nobody takes up may ask again, later.
	other := udp("10.1.0.1:1000", "10.2.0.2:2000", 100)
	west.device.Send(other)
	receive(t, west.Events())
	west.clock.Move(heldTime)
	west.Sweep()
	west.device.Send(other)
	receive(t, west.Events())

	// Without its trap there is no hold either.
	west.must(west.DelEroute(trap.Selector))
	if es, _ := west.ListEroutes(); len(es) != 1 {
		t.Errorf("eroutes %+v, want the new one alone", es)
	}
}

func TestTrapLimit(t *testing.T) {
	_, west, _ := pair(t, klips.Settings{})
	west.must(west.AddEroute(klips.Eroute{Selector: klips.Selector{Src: prefix("0.0.0.0/0"), Dst: prefix("0.0.0.0/0")}, SAID: said.Shunt(said.SPITrap)}))
	for i := range heldLimit + 100 {
		west.device.Send(udp("10.1.0.1:1", fmt.Sprintf("10.2.%d.%d:2", i/250, i%250), 10))
		if len(west.Events()) > 900 {
			for range 900 {
				receive(t, west.Events())
			}
		}
	}
	west.device.Send(nil)
	west.drops(klips.DropMalformed, 1) // and so all were seen
	if es, _ := west.ListEroutes(); len(es) > heldLimit+1 {
		t.Errorf("%d eroutes", len(es))
	}
}

func TestLifetimes(t *testing.T) {
	type step struct {
		move time.Duration
		send int // packets of 100 bytes inside
		want []bool
		gone bool
	}
	for _, c := range []struct {
		name       string
		soft, hard klips.Lifetime
		steps      []step
	}{
		{"packets", klips.Lifetime{Packets: 2}, klips.Lifetime{Packets: 4}, []step{{send: 1}, {send: 1, want: []bool{false}}, {send: 1}, {send: 1, want: []bool{true}, gone: true}}},
		{"allocations", klips.Lifetime{Allocations: 2}, klips.Lifetime{Allocations: 4}, []step{{send: 2, want: []bool{false}}, {send: 2, want: []bool{true}, gone: true}}},
		{"bytes", klips.Lifetime{Bytes: 150}, klips.Lifetime{Bytes: 300}, []step{{send: 1}, {send: 1, want: []bool{false}}, {send: 1, want: []bool{true}, gone: true}}},
		{"add time", klips.Lifetime{AddTime: 5 * time.Second}, klips.Lifetime{AddTime: 10 * time.Second}, []step{{move: 5 * time.Second, want: []bool{false}}, {move: 4 * time.Second}, {move: time.Second, want: []bool{true}, gone: true}}},
		{"use time", klips.Lifetime{UseTime: 5 * time.Second}, klips.Lifetime{UseTime: 10 * time.Second}, []step{{move: time.Hour}, {send: 1}, {move: 5 * time.Second, want: []bool{false}}, {move: 5 * time.Second, want: []bool{true}, gone: true}}},
		{"none", klips.Lifetime{}, klips.Lifetime{}, []step{{move: 100 * time.Hour, send: 50}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, west, east := pair(t, klips.Settings{})
			conn := tunnel()
			conn.sa.Soft, conn.sa.Hard = c.soft, c.hard
			ids := conn.up(west, east, 0x1001)
			for i, s := range c.steps {
				west.clock.Move(s.move)
				west.Sweep()
				for range s.send {
					west.device.Send(udp("10.1.0.1:1", "10.2.0.1:2", 72))
					receive(t, east.device.Received)
				}
				for _, hard := range s.want {
					ev, ok := receive(t, west.Events()).(klips.Expire)
					if !ok || ev.ID != ids[1] || ev.Hard != hard {
						t.Fatalf("step %d: got %+v, want hard %v", i, ev, hard)
					}
				}
				idle(t, west.Events())
				if _, err := west.GetSA(ids[1]); (err != nil) != s.gone {
					t.Fatalf("step %d: %v, want gone %v", i, err, s.gone)
				}
				if s.gone {
					west.device.Send(udp("10.1.0.1:1", "10.2.0.1:2", 72))
					west.drops(klips.DropNoSA, 1)
				}
			}
		})
	}
}

func TestLarval(t *testing.T) {
	_, west, _ := pair(t, klips.Settings{})
	spi, err := west.GetSPI(said.ESP, addr("192.1.2.45"), addr("192.1.2.23"), 0x1000, 0x1000)
	west.must(err)
	id := said.SAID{Dst: addr("192.1.2.23"), SPI: spi, Proto: said.ESP}
	west.clock.Move(59 * time.Second)
	west.Sweep()
	if sa, err := west.GetSA(id); err != nil || sa.Outbound {
		t.Errorf("%+v, %v", sa, err)
	}
	west.clock.Move(time.Second)
	west.Sweep()
	if _, err := west.GetSA(id); err == nil {
		t.Error("an SPI is reserved for ever")
	}
	idle(t, west.Events())
}

func TestIKEPasses(t *testing.T) {
	_, west, east := pair(t, klips.Settings{})
	west.must(west.AddEroute(klips.Eroute{Selector: klips.Selector{Src: prefix("0.0.0.0/0"), Dst: prefix("0.0.0.0/0")}, SAID: said.Shunt(said.SPITrap)}))
	p := udp("192.1.2.23:500", "192.1.2.45:500", 3000) // routed into the virtual interface, and long
	west.device.Send(p)
	for range 1 {
		if got := receive(t, east.wire.Clear); !bytes.Equal(got[20:], p[20:]) {
			t.Errorf("got %x", got)
		}
	}
	west.device.Send(udp("10.1.0.1:500", "192.1.2.45:500", 30)) // somebody else's
	receive(t, west.Events())
	idle(t, east.wire.Clear)

	m := ike.Message{Local: addrPort("192.1.2.23:4500"), Remote: addrPort("192.1.2.45:4500"), Payload: []byte("hello")}
	west.must(west.SendIKE(m))
	got := receive(t, east.ike)
	if got.Local != m.Remote || got.Remote != m.Local || string(got.Payload) != "hello" {
		t.Errorf("got %+v", got)
	}
	m.Payload = []byte{0xff}
	west.must(west.SendIKE(m))
	m.Local = addrPort("192.1.2.99:4500")
	if west.SendIKE(m) == nil {
		t.Error("a message left from an address that is not ours")
	}
	idle(t, east.ike)
}

func TestAttach(t *testing.T) {
	_, west, _ := pair(t, klips.Settings{})
	for _, c := range [][2]string{{"ipsec0", "eth1"}, {"ipsec1", "eth0"}, {"ipsec1", "eth9"}, {"ipsec1", "ipsec1"}, {"", "eth1"}} {
		if west.Attach(klips.Attachment{Virtual: c[0], Physical: c[1]}) == nil {
			t.Errorf("attached %q to %q", c[0], c[1])
		}
	}
	list, err := west.ListAttachments()
	if want := (klips.Attachment{Virtual: "ipsec0", Physical: "eth0", MTU: 1379, PhysicalMTU: 1500}); err != nil || len(list) != 1 || list[0] != want {
		t.Errorf("%+v, %v", list, err)
	}
	west.must(west.Detach("ipsec0"))
	if !west.device.Removed() {
		t.Error("the interface is still there")
	}
	if west.Detach("ipsec0") == nil {
		t.Error("detached twice")
	}
	west.must(west.Attach(klips.Attachment{Virtual: "ipsec0", Physical: "eth0"}))
	west.must(west.ClearAttachments())
	west.must(west.Attach(klips.Attachment{Virtual: "ipsec0", Physical: "eth0"}))
	west.must(west.Close())
	if west.device.Removed() {
		t.Error("the interface went with the engine")
	}
	if west.Attach(klips.Attachment{Virtual: "ipsec0", Physical: "eth0"}) == nil || west.Close() == nil {
		t.Error("a closed engine goes on")
	}
}

// TestPending tells of events that nobody was there to hear, once somebody is:
// all but those that a later one makes worthless.
func TestPending(t *testing.T) {
	_, west, _ := pair(t, klips.Settings{})
	id := said.SAID{Dst: addr("192.1.2.23"), SPI: 1, Proto: said.ESP}
	emit := func(ev klips.Event) {
		west.mu.Lock()
		defer west.mu.Unlock()
		west.emit(ev)
	}
	for range cap(west.events) + 2 {
		emit(klips.Expire{ID: id})
	}
	for port := range uint16(1000) {
		emit(klips.NewMapping{ID: id, Old: addrPort("10.0.0.1:1"), New: netip.AddrPortFrom(addr("10.0.0.2"), port)})
	}
	if n := len(west.pending); n != 3 {
		t.Fatalf("%d events are pending, want 3", n)
	}
	for range cap(west.events) {
		receive(t, west.Events())
	}
	west.Sweep()
	receive(t, west.Events())
	receive(t, west.Events())
	want := klips.NewMapping{ID: id, Old: addrPort("10.0.0.1:1"), New: addrPort("10.0.0.2:999")}
	if got := receive(t, west.Events()); got != klips.Event(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	idle(t, west.Events())
}

// TestLog says how many packets were dropped, and why, once a minute.
func TestLog(t *testing.T) {
	var lines []string
	now := &clock{now: time.Unix(1e9, 0)}
	e := New(Options{System: quiet{}, Now: now.Now, Log: func(line string) { lines = append(lines, line) }})
	defer e.Close()
	e.Sweep()
	for range 3 {
		e.stats.count(klips.DropAuth)
		e.Sweep()
	}
	e.stats.count(klips.DropReplay)
	now.Move(logInterval)
	e.Sweep()
	want := []string{"dropped packets: 1 not authentic", "dropped packets: 1 replayed, 2 not authentic"}
	if !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
	drops, err := e.ListDrops()
	if want := []klips.Drop{{Reason: klips.DropReplay, Packets: 1}, {Reason: klips.DropAuth, Packets: 3}}; !slices.Equal(drops, want) || err != nil {
		t.Errorf("drops %v, %v, want %v", drops, err, want)
	}
}
