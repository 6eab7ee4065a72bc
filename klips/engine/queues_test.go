package engine

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"ipsec/klips"
	"ipsec/klips/packet"
	"ipsec/klips/said"
	"ipsec/klips/tun/tuntest"
	"ipsec/klips/wire/wiretest"
)

// A wide gateway is one whose device has several queues.
type wide struct {
	*gateway
	queues []*tuntest.Device
}

type wideDevice struct {
	*tuntest.Device
	queues []*tuntest.Device
}

func (d wideDevice) Queues() (list []Queue) {
	for _, q := range d.queues {
		list = append(list, q)
	}
	return list
}

func (d wideDevice) Close() error {
	for _, q := range d.queues {
		q.Close()
	}
	return d.Device.Close()
}

func (d wideDevice) Remove() error { return d.Close() }

func (w *wide) OpenDevice(name string, mtu int) (Device, error) {
	w.device = tuntest.New(name, mtu)
	w.device.Received = make(chan []byte, 1<<16)
	for range cap(w.queues) {
		w.queues = append(w.queues, tuntest.New(name, mtu))
	}
	return wideDevice{w.device, w.queues}, nil
}

func (w *wide) OpenWire(at klips.Attachment, hooks Hooks) (Wire, error) {
	return w.gateway.OpenWire(at, hooks)
}

func newWide(t *testing.T, n *wiretest.Network, queues int, addrs ...string) *wide {
	t.Helper()
	w := &wide{gateway: &gateway{t: t, network: n, mtu: 1500, clock: &clock{now: time.Unix(1e9, 0)}}, queues: make([]*tuntest.Device, 0, queues)}
	for _, a := range addrs {
		w.addrs = append(w.addrs, addr(a))
	}
	w.Engine = New(Options{System: w, Now: w.clock.Now})
	t.Cleanup(func() { w.Close() })
	w.must(w.Attach(klips.Attachment{Virtual: "ipsec0", Physical: "eth0"}))
	return w
}

// TestQueues sends flows of several SAs by several queues at once, and has them come
// by several inlets at once. Where what is of one peer, or of one SA, comes by one inlet,
// all arrive, each flow in its order, though the replay window is short; where each packet comes by any, also twice
// at the same time by two, each arrives once. Nobody uses a sequence number twice.
func TestQueues(t *testing.T) {
	const queues, flows, count = 4, 3, 150 // flows of each queue
	for _, c := range []struct {
		name  string
		order bool
		stray func(r *rand.Rand, spi uint32) int
	}{
		{"an inlet for each SA", true, func(_ *rand.Rand, spi uint32) int { return int(spi) }},
		{"any inlet", false, func(r *rand.Rand, _ uint32) int { return r.IntN(queues) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(5, 6))
			n := &wiretest.Network{Inlets: queues}
			spi := func(p []byte) uint32 { return binary.BigEndian.Uint32(p[28:]) } // IPv4, UDP
			n.Spread = func(p []byte) int { return c.stray(r, spi(p)) }
			seen := map[uint64]bool{}
			n.Alter = func(p []byte) [][]byte {
				number := binary.BigEndian.Uint64(p[28:])
				if seen[number] {
					t.Errorf("SPI %#x has sequence number %d twice", spi(p), uint32(number))
				}
				seen[number] = true
				if c.order || r.IntN(4) > 0 {
					return [][]byte{p}
				}
				return [][]byte{p, p}
			}
			west, east := newWide(t, n, queues, "192.1.2.23"), newWide(t, n, queues, "192.1.2.45")
			for i := range 3 {
				sa := gcm()
				sa.ReplayWindow = 4096
				if c.order {
					sa.ReplayWindow = 32
				}
				conn{src: "192.1.2.23", dst: "192.1.2.45", srcNet: fmt.Sprintf("10.%d.0.0/17", i), dstNet: fmt.Sprintf("10.%d.128.0/17", i), protos: []said.Proto{said.IPIP, said.ESP}, sa: sa, encap: true}.up(west.gateway, east.gateway, uint32(0x1000+i))
			}
			var senders sync.WaitGroup
			for q, queue := range west.queues {
				for f := range flows {
					senders.Go(func() {
						for i := range count {
							p := udp(fmt.Sprintf("10.%d.0.%d:1", f, q+1), fmt.Sprintf("10.%d.128.1:2", f), 4+i)
							binary.BigEndian.PutUint32(p[28:], uint32(i))
							if h, err := packet.Parse(p); err == nil {
								packet.FixTransport(p, &h)
							}
							queue.Send(p)
						}
					})
				}
			}
			got := map[string][]uint32{}
			for range queues * flows * count {
				p := receive(t, east.device.Received)
				flow, number := string(p[12:20]), binary.BigEndian.Uint32(p[28:])
				got[flow] = append(got[flow], number)
				if len(p) != 28+4+int(number) {
					t.Fatalf("packet %d has %d bytes", number, len(p))
				}
			}
			senders.Wait()
			west.must(west.Close())
			east.must(east.Close())
			idle(t, east.device.Received)
			if len(got) != queues*flows {
				t.Errorf("%d flows arrived, want %d", len(got), queues*flows)
			}
			for flow, numbers := range got {
				if c.order && !slices.IsSorted(numbers) {
					t.Errorf("flow %x is out of order: %d", flow, numbers)
				}
				slices.Sort(numbers)
				if len(slices.Compact(numbers)) != count {
					t.Errorf("flow %x: a packet came twice", flow)
				}
			}
			if east.stats.get(klips.DropReplay) == 0 && !c.order {
				t.Error("nothing was replayed")
			}
		})
	}
}
