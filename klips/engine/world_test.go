package engine

import (
	"bytes"
	"fmt"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"ipsec/golden/lab"
	"ipsec/klips"
	"ipsec/klips/packet"
	"ipsec/klips/said"
	"ipsec/klips/tun/tuntest"
	"ipsec/klips/wire"
	"ipsec/klips/wire/ike"
	"ipsec/klips/wire/wiretest"
)

// A clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A gateway is an engine on fakes; it is its own System.
type gateway struct {
	*Engine
	t       *testing.T
	clock   *clock
	network *wiretest.Network
	addrs   []netip.Addr
	mtu     int

	device *tuntest.Device
	wire   *wiretest.Wire
	ike    chan ike.Message
}

type fakeDevice struct{ *tuntest.Device }

func (d fakeDevice) Queues() []Queue { return []Queue{d.Device} }

type fakeWire struct{ *wiretest.Wire }

func (w fakeWire) Inlets() (list []Inlet) {
	for _, in := range w.Wire.Inlets() {
		list = append(list, in)
	}
	return list
}

func (g *gateway) OpenDevice(name string, mtu int) (Device, error) {
	g.device = tuntest.New(name, mtu)
	return fakeDevice{g.device}, nil
}

func (g *gateway) OpenWire(at klips.Attachment, hooks Hooks) (Wire, error) {
	if at.Physical != "eth0" {
		return nil, fmt.Errorf("there is no interface %s: %w", at.Physical, syscall.ENODEV)
	}
	g.wire = g.network.Open(g.mtu, wire.Hooks(hooks), g.addrs...)
	return fakeWire{g.wire}, nil
}

func newGateway(t *testing.T, n *wiretest.Network, settings klips.Settings, addrs ...string) *gateway {
	t.Helper()
	g := &gateway{t: t, network: n, mtu: 1500, clock: &clock{now: time.Unix(1e9, 0)}, ike: make(chan ike.Message, 16)}
	for _, a := range addrs {
		g.addrs = append(g.addrs, netip.MustParseAddr(a))
	}
	g.Engine = New(Options{Settings: settings, System: g, Now: g.clock.Now, IKE: func(m ike.Message) {
		m.Payload = bytes.Clone(m.Payload)
		g.ike <- m
	}})
	t.Cleanup(func() { g.Close() })
	g.must(g.Attach(klips.Attachment{Virtual: "ipsec0", Physical: "eth0"}))
	return g
}

func (g *gateway) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

// drops waits until n packets have been dropped for a reason.
func (g *gateway) drops(r klips.DropReason, n uint64) {
	g.t.Helper()
	err := lab.Poll(5*time.Second, func() error {
		if got := g.stats.get(r); got != n {
			all, _ := g.ListDrops()
			return fmt.Errorf("%d packets %v, want %d; %v", got, r, n, all)
		}
		return nil
	})
	g.must(err)
}

// receive waits for a packet on a channel.
func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(5 * time.Second):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func idle[T any](t *testing.T, c <-chan T) {
	t.Helper()
	select {
	case v := <-c:
		t.Fatalf("%v came, expected nothing", v)
	default:
	}
}

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
func prefix(s string) netip.Prefix     { return netip.MustParsePrefix(s) }
func addr(s string) netip.Addr         { return netip.MustParseAddr(s) }

// udp returns a UDP packet with size bytes of data that can be told from others.
func udp(src, dst string, size int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i * 7)
	}
	return wiretest.UDP(addrPort(src), addrPort(dst), data)
}

// change returns p with tos, and DF for IPv4.
func change(p []byte, tos uint8, df bool) []byte {
	packet.SetTOS(p, tos)
	packet.SetDF(p, df)
	return p
}

func key(n int, with byte) []byte { return bytes.Repeat([]byte{with}, n) }

// A conn is a protected connection between two gateways.
type conn struct {
	src, dst       string // gateways
	srcNet, dstNet string // nets
	protos         []said.Proto
	sa             klips.SA // algorithms of ESP
	encap          bool
}

// up sets the SAs of one direction on both gateways, and the eroute of the sender.
func (c conn) up(from, to *gateway, spi uint32) []said.SAID {
	var ids []said.SAID
	for _, p := range c.protos {
		sa := klips.SA{ID: said.SAID{Dst: addr(c.dst), SPI: spi, Proto: p}, Src: addr(c.src)}
		switch p {
		case said.IPIP:
			sa.TunnelSrc, sa.TunnelDst = addr(c.src), addr(c.dst)
		case said.COMP:
			sa.Comp = "deflate"
		case said.ESP:
			sa.Enc, sa.EncKey, sa.Auth, sa.AuthKey = c.sa.Enc, c.sa.EncKey, c.sa.Auth, c.sa.AuthKey
			sa.ESN, sa.ReplayWindow = c.sa.ESN, c.sa.ReplayWindow
			sa.Soft, sa.Hard = c.sa.Soft, c.sa.Hard
			if c.encap {
				sa.Encap = klips.Encap{SrcPort: 4500, DstPort: 4500}
			}
		case said.AH:
			sa.Auth, sa.AuthKey, sa.ReplayWindow, sa.ESN = "sha2_256-128", key(32, 9), 64, c.sa.ESN
		}
		from.must(from.AddSA(sa))
		if p == c.protos[0] {
			sa.Inflow = []klips.Selector{{Src: prefix(c.srcNet), Dst: prefix(c.dstNet)}}
		}
		to.must(to.AddSA(sa))
		ids = append(ids, sa.ID)
	}
	if len(ids) > 1 {
		from.must(from.GroupSAs(ids))
		to.must(to.GroupSAs(ids))
	}
	from.must(from.AddEroute(klips.Eroute{Selector: klips.Selector{Src: prefix(c.srcNet), Dst: prefix(c.dstNet)}, SAID: ids[0]}))
	return ids
}

// gcm is the SA that most tests use.
func gcm() klips.SA {
	return klips.SA{Enc: "aesgcm16", EncKey: key(20, 1), ReplayWindow: 64}
}

// tunnel is the connection that most tests use: 10.1.0.0/16 behind 192.1.2.23,
// 10.2.0.0/16 behind 192.1.2.45.
func tunnel() conn {
	return conn{src: "192.1.2.23", dst: "192.1.2.45", srcNet: "10.1.0.0/16", dstNet: "10.2.0.0/16", protos: []said.Proto{said.IPIP, said.ESP}, sa: gcm()}
}

// pair returns two gateways on a network, with IPv4 and IPv6.
func pair(t *testing.T, settings klips.Settings) (*wiretest.Network, *gateway, *gateway) {
	n := &wiretest.Network{}
	return n, newGateway(t, n, settings, "192.1.2.23", "2001:db8:1::23"), newGateway(t, n, settings, "192.1.2.45", "2001:db8:1::45")
}
