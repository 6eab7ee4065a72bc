package ikev2_test

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"ipsec/conf/identity"
	"ipsec/conf/proposal"
	"ipsec/pluto"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/plutotest"
	"ipsec/pluto/versions"
)

// bench is one gateway and as many peers as there are addresses, each a Machine of its own
// where they initiate. PSK, x25519, aes128gcm16.
type bench struct {
	clock    *plutotest.Clock
	gateway  *ikev2.Machine
	conns    *roster
	toPeer   []pluto.Datagram
	toCenter []pluto.Datagram
}

type pipe struct{ to *[]pluto.Datagram }

func (p pipe) Send(d pluto.Datagram) error {
	*p.to = append(*p.to, pluto.Datagram{Local: d.Remote, Remote: d.Local, Payload: d.Payload})
	return nil
}

// roster is connections of which each peer has one, or is one of any.
type roster struct {
	plutotest.Connections
	any *pluto.Connection
}

func (r *roster) Candidates(local, remote netip.Addr, _ identity.ID) []*pluto.Connection {
	return r.Offers(local, remote)
}

func (r *roster) Offers(local, remote netip.Addr) []*pluto.Connection {
	if r.any == nil {
		return nil
	}
	return []*pluto.Connection{r.any}
}

func (r *roster) Siblings(*pluto.Connection) []*pluto.Connection { return nil }

func (r *roster) Instantiate(conn *pluto.Connection, remote netip.AddrPort, _ pluto.Peer) *pluto.Connection {
	if conn.Instance != 0 {
		return conn
	}
	instance := *conn
	instance.Instance = int(remote.Addr().As4()[2])<<8 + int(remote.Addr().As4()[3])
	instance.Remote.Host.Addr = remote.Addr()
	return &instance
}

var center = netip.MustParseAddr("192.0.2.1")

// peer returns the address of a peer.
func peer(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

func benchConn(b testing.TB, remote pluto.Host) *pluto.Connection {
	c := plutotest.Conn("gw", center.String(), "10.0.0.0/8", "%any", "")
	c.Remote.Host = remote
	var err error
	if c.IKE, err = proposal.ParseIKE("aes128gcm16-prfsha256-x25519"); err == nil {
		c.ESP, err = proposal.ParseESP("aes128gcm16")
	}
	if err != nil {
		b.Fatal(err)
	}
	return c
}

func newBench(any *pluto.Connection) *bench {
	b := &bench{clock: plutotest.NewClock(), conns: &roster{any: any}}
	b.gateway = ikev2.New(ikev2.Config{
		Serial: new(versions.Serials).Next,
		Clock:  b.clock, Rand: rand.Reader, Transport: pipe{&b.toPeer}, Connections: b.conns,
		Credentials: plutotest.Shared("a secret"), Report: func(pluto.Report) {},
		Limits: ikev2.Limits{Cookies: 1 << 20, PerPeer: 1 << 20, Unproved: 1 << 30},
	})
	return b
}

// remote returns a Machine at the address of a peer.
func (b *bench) remote(conn *pluto.Connection) *ikev2.Machine {
	return ikev2.New(ikev2.Config{
		Serial: new(versions.Serials).Next,
		Clock:  b.clock, Rand: rand.Reader, Transport: pipe{&b.toCenter}, Connections: &plutotest.Connections{All: []*pluto.Connection{conn}},
		Credentials: plutotest.Shared("a secret"), Report: func(pluto.Report) {},
	})
}

// carry delivers until nothing is under way; busy, when set, measures the gateway's share.
func (b *bench) carry(other *ikev2.Machine, busy *time.Duration) {
	for len(b.toPeer)+len(b.toCenter) > 0 {
		center, peer := b.toCenter, b.toPeer
		b.toCenter, b.toPeer = nil, nil
		start := time.Now()
		for _, d := range center {
			b.gateway.Receive(d)
		}
		*busy += time.Since(start)
		for _, d := range peer {
			other.Receive(d)
		}
	}
}

// BenchmarkResponder measures the handshakes a second that one core answers: the time spent in
// the responder alone.
func BenchmarkResponder(b *testing.B) {
	w := newBench(benchConn(b, pluto.Host{Kind: pluto.HostAny}))
	var busy time.Duration
	n := 0
	for b.Loop() {
		n++
		c := benchConn(b, pluto.Host{Kind: pluto.HostAddr, Addr: peer(n)}).Reversed()
		other := w.remote(c)
		other.Initiate(c, nil)
		w.carry(other, &busy)
	}
	if len(w.conns.Children) != n {
		b.Fatalf("%d tunnels of %d", len(w.conns.Children), n)
	}
	b.ReportMetric(float64(n)/busy.Seconds(), "handshakes/s")
}

// BenchmarkInitiator is the same for the initiator.
func BenchmarkInitiator(b *testing.B) {
	w := newBench(nil)
	var busy time.Duration
	n := 0
	for b.Loop() {
		n++
		c := benchConn(b, pluto.Host{Kind: pluto.HostAddr, Addr: peer(n)})
		c.Name = fmt.Sprint(n)
		other := w.remote(c.Reversed())
		start := time.Now()
		w.gateway.Initiate(c, nil)
		busy += time.Since(start)
		w.carry(other, &busy)
	}
	if len(w.conns.Children) != n {
		b.Fatalf("%d tunnels of %d", len(w.conns.Children), n)
	}
	b.ReportMetric(float64(n)/busy.Seconds(), "handshakes/s")
}

// BenchmarkTunnelMemory measures what 10,000 established tunnels of a responder
// take, each with an instance of its own.
func BenchmarkTunnelMemory(b *testing.B) {
	const tunnels = 10000
	for b.Loop() {
		w := newBench(benchConn(b, pluto.Host{Kind: pluto.HostAny}))
		var busy time.Duration
		before := heap()
		for i := range tunnels {
			c := benchConn(b, pluto.Host{Kind: pluto.HostAddr, Addr: peer(i)}).Reversed()
			other := w.remote(c)
			other.Initiate(c, nil)
			w.carry(other, &busy)
		}
		w.clock.Advance(2 * time.Minute)
		w.gateway.Tick()
		b.ReportMetric(float64(heap()-before)/tunnels, "B/tunnel")
		if len(w.conns.Children) != tunnels {
			b.Fatalf("%d tunnels", len(w.conns.Children))
		}
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
