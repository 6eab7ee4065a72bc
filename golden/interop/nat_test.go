package interop

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// Beyond the NAT, each side has two addresses: its own, and another in whose
// stead the NAT speaks.
const (
	natNet   = "198.51.100.0/24"
	natOurs  = "198.51.100.1" // we, as the peer sees us through a NAT
	natPeers = "198.51.100.2" // the peer's own address, where it is behind one
)

// nat is between us and the peer. It forwards what comes for UDP 500 and 4500 from
// other addresses and ports, as a NAT with forwarded ports does, and may delay it.
type nat struct {
	t       testing.TB
	in, out *lab.Machine // its side towards us, and towards the peer

	delay atomic.Int64 // each way, in ns
	mu    sync.Mutex
	open  []*net.UDPConn
	wait  sync.WaitGroup
}

// besideNAT puts one between us and a machine on this kernel.
func besideNAT(t testing.TB) (ours *lab.Machine, n *nat, peer host) {
	t.Helper()
	lab.NeedTUN(t)
	a, b := lab.New(t, "ours"), lab.New(t, "peer")
	n = &nat{t: t, in: lab.New(t, "inside"), out: lab.New(t, "outside")}
	lab.Connect(t, a, link, n.in, "eth0")
	lab.Connect(t, n.out, "eth0", b, link)
	layOurs(t, a)
	b.Sh(t, layPeers(link))
	b.Sh(t, "ip addr add "+natPeers+"/24 dev "+link)
	n.in.Sh(t, "ip addr add "+peerAddr+"/24 dev eth0")
	n.out.Sh(t, "ip addr add "+ourAddr+"/24 dev eth0\nip addr add "+natOurs+"/24 dev eth0")
	t.Cleanup(n.close)
	return a, n, machine{b}
}

// close closes its sockets.
func (n *nat) close() {
	n.mu.Lock()
	for _, c := range n.open {
		c.Close()
	}
	n.open = nil
	n.mu.Unlock()
	n.wait.Wait()
}

// mapping is what the NAT makes of addresses: we are seen as us, at other
// ports where shift is not 0; and the peer that we see at peerAddr is at peer.
type mapping struct {
	us, peer string
	shift    int
}

// set replaces the mapping.
func (n *nat) set(m mapping) {
	n.t.Helper()
	n.close()
	for _, port := range []int{500, 4500} {
		inside := n.listen(n.in, peerAddr, port)
		outside := n.listen(n.out, m.us, port+m.shift)
		n.forward(inside, outside, &net.UDPAddr{IP: net.ParseIP(m.peer), Port: port})
		n.forward(outside, inside, &net.UDPAddr{IP: net.ParseIP(ourAddr), Port: port})
	}
}

func (n *nat) listen(m *lab.Machine, addr string, port int) *net.UDPConn {
	n.t.Helper()
	var c *net.UDPConn
	err := m.Do(func() (err error) {
		c, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(addr), Port: port})
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
	n.mu.Lock()
	n.open = append(n.open, c)
	n.mu.Unlock()
	return c
}

// forward sends what comes to one socket on from the other.
func (n *nat) forward(from, by *net.UDPConn, to *net.UDPAddr) {
	n.wait.Go(func() {
		buf := make([]byte, 64<<10)
		for {
			size, _, err := from.ReadFromUDP(buf)
			if err != nil {
				return
			}
			packet := append([]byte(nil), buf[:size]...)
			if d := time.Duration(n.delay.Load()); d > 0 {
				time.AfterFunc(d, func() { by.WriteToUDP(packet, to) })
			} else {
				by.WriteToUDP(packet, to)
			}
		}
	})
}

// translations are tunnels through n.
func translations(n *nat) []pairing {
	through := func(m mapping, p pairing) pairing {
		p.udp = true
		p.ready = func(*testing.T, *session) { n.set(m) }
		p.swan.addr, p.swan.ourAddr = m.peer, m.us
		return p
	}
	const rekeyed = " rekey_time = 3s\n life_time = 20s\n rand_time = 0s"
	short := "keylife=6s\nrekeymargin=3s\nrekeyfuzz=0%"
	slow := func(p pairing) pairing {
		p = through(mapping{us: ourAddr, peer: peerAddr}, p)
		p.undo = func(*testing.T, *session) { n.delay.Store(0) }
		rekey := p.then
		p.then = func(t *testing.T, s *session) {
			// From now on each asks before it can have heard that the other does.
			n.delay.Store(int64(150 * time.Millisecond))
			rekey(t, s)
			if !strings.Contains(s.peer.log(), "collision") {
				t.Error("the two did not do it at once")
			}
		}
		return p
	}
	return []pairing{
		through(mapping{us: natOurs, peer: peerAddr}, pairing{name: "NAT in front of us"}),
		through(mapping{us: natOurs, peer: peerAddr, shift: 10000}, pairing{name: "NAT in front of us, with other ports", only: "initiator"}),
		through(mapping{us: ourAddr, peer: natPeers}, pairing{name: "NAT in front of the peer"}),
		through(mapping{us: natOurs, peer: natPeers}, pairing{name: "NAT in front of both"}),
		through(mapping{us: natOurs, peer: natPeers}, pairing{name: "NAT in front of both, rekey of the IKE SA by the peer", then: byPeer("ike")}),
		slow(pairing{name: "rekey of the Child SA by both at once", ours: short, only: "initiator", swan: swan{child: rekeyed}, then: byUs("child")}),
		slow(pairing{name: "rekey of the IKE SA by both at once", ours: "ikelifetime=6s\nrekeymargin=3s\nrekeyfuzz=0%", only: "initiator",
			swan: swan{conn: " rekey_time = 3s\n over_time = 20s\n rand_time = 0s"}, then: byUs("ike")}),
	}
}

// beyond is strongSwan at the other side of the NAT.
type beyond struct{ *strongswan }

func (beyond) name() string { return "strongSwan, NAT" }
