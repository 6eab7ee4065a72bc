package ikebench

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"ipsec/conf/identity"
	"ipsec/conf/proposal"
	"ipsec/golden/lab"
	"ipsec/pluto"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/plutotest"
	"ipsec/pluto/versions"
)

// The addresses of the two machines, of which the first is the generator's.
const (
	generatorAddr = "192.0.2.1"
	subjectAddr   = "192.0.2.2"
)

// inFlight is how many handshakes the generator has under way at a time: more
// than one hides the round-trip time, and few do not reach the limit for cookies.
const inFlight = 8

// A generator is the other end of the subject that is measured: our own IKEv2,
// without a kernel, in this process.
type generator struct {
	machine *ikev2.Machine
	conns   *plutotest.Connections
	sockets map[uint16]*net.UDPConn
	packets chan pluto.Datagram
	ended   chan struct{}
	up      int
	failed  string
}

type clock struct{}

func (clock) Now() time.Time { return time.Now() }

// newGenerator opens the sockets of IKE in m.
func newGenerator(b testing.TB, m *lab.Machine) *generator {
	b.Helper()
	g := &generator{conns: &plutotest.Connections{}, sockets: map[uint16]*net.UDPConn{}, packets: make(chan pluto.Datagram, 1024), ended: make(chan struct{})}
	for _, port := range []uint16{500, 4500} {
		local := netip.AddrPortFrom(netip.MustParseAddr(generatorAddr), port)
		err := m.Do(func() (err error) {
			g.sockets[port], err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(local))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			g.read(g.sockets[port], local)
		}()
		b.Cleanup(func() {
			g.sockets[port].Close()
			<-done
		})
	}
	b.Cleanup(func() { close(g.ended) })
	g.machine = ikev2.New(ikev2.Config{
		Serial: new(versions.Serials).Next,
		Clock:  clock{}, Rand: rand.Reader, Transport: g, Connections: g.conns, Credentials: plutotest.Shared("swordfish"),
		Report: g.report, Limits: ikev2.Limits{Cookies: 1 << 20, PerPeer: 1 << 20, Unproved: 1 << 30},
	})
	return g
}

func (g *generator) read(socket *net.UDPConn, local netip.AddrPort) {
	buf := make([]byte, 65535)
	for {
		n, from, err := socket.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		payload := append([]byte(nil), buf[:n]...)
		if local.Port() == 4500 {
			if n < 4 || [4]byte(payload) != [4]byte{} {
				continue
			}
			payload = payload[4:]
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		select {
		case g.packets <- pluto.Datagram{Local: local, Remote: from, Payload: payload}:
		case <-g.ended:
			return
		}
	}
}

// Send implements pluto.Transport.
func (g *generator) Send(d pluto.Datagram) error {
	payload := d.Payload
	if d.Local.Port() == 4500 && len(payload) > 1 {
		payload = append(make([]byte, 4), payload...)
	}
	_, err := g.sockets[d.Local.Port()].WriteToUDPAddrPort(payload, d.Remote)
	return err
}

func (g *generator) report(r pluto.Report) {
	switch r.Outcome {
	case pluto.Up:
		g.up++
	case pluto.Failed:
		g.failed = r.Text
	}
}

// conn is the tunnel number i, from an identity and a network of its own.
func conn(i int) *pluto.Connection {
	ike, err1 := proposal.ParseIKE("aes128gcm16-prfsha256-curve25519")
	esp, err2 := proposal.ParseESP("aes128gcm16")
	if err := errors.Join(err1, err2); err != nil {
		panic(err)
	}
	c := plutotest.Conn(fmt.Sprintf("c%d", i), generatorAddr, clientOf(i)+"/32", subjectAddr, "10.255.0.1/32")
	c.IKE, c.ESP, c.Local.ID, c.Remote.ID = ike, esp, mustID(fmt.Sprintf("@c%d", i)), mustID("@subject")
	return c
}

// clientOf is the host behind the generator's end of tunnel number i.
func clientOf(i int) string { return fmt.Sprintf("10.%d.%d.%d", 1+i>>16, i>>8&255, i&255) }

// turn waits for a packet or a deadline, and handles it.
func (g *generator) turn(b testing.TB, until time.Time) {
	b.Helper()
	wait := time.Until(until)
	if at, ok := g.machine.Next(); ok {
		wait = min(wait, time.Until(at))
	}
	select {
	case d := <-g.packets:
		g.machine.Receive(d)
	case <-time.After(max(wait, 0)):
	}
	if at, ok := g.machine.Next(); ok && !time.Now().Before(at) {
		g.machine.Tick()
	}
	if g.failed != "" {
		b.Fatalf("a handshake failed: %s", g.failed)
	}
	if time.Now().After(until) {
		b.Fatalf("no more than %d handshakes came to their end in time", g.up)
	}
}

// initiate brings tunnels first to first+count-1 up.
func (g *generator) initiate(b testing.TB, first, count int) {
	b.Helper()
	until := time.Now().Add(5 * time.Minute)
	began := g.up
	for next := first; g.up < began+count; {
		for ; next < first+count && next-first-(g.up-began) < inFlight; next++ {
			c := conn(next)
			g.conns.All = append(g.conns.All, c)
			g.machine.Initiate(c, nil)
		}
		g.turn(b, until)
	}
}

// respond answers until connections first to first+count-1 of the subject are up.
func (g *generator) respond(b testing.TB, s subject, first, count int) {
	b.Helper()
	if len(g.conns.All) == 0 {
		c := conn(0)
		c.Local.ID, c.Remote.ID = mustID("@generator"), identity.Any()
		c.Local.Clients = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		g.conns.All = append(g.conns.All, c)
	}
	until := time.Now().Add(5 * time.Minute)
	began := g.up
	for next := first; g.up < began+count; {
		for ; next < first+count && next-first-(g.up-began) < inFlight; next++ {
			s.initiate(b, next)
		}
		g.turn(b, until)
	}
}

func mustID(text string) identity.ID {
	id, err := identity.Parse(text)
	if err != nil {
		panic(err)
	}
	return id
}
