package plutotest

import (
	"container/heap"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"ipsec/pluto"
)

// Conditions are how well a Network carries datagrams.
type Conditions struct {
	Loss, Double       float64       // of all datagrams
	MinDelay, MaxDelay time.Duration // each datagram draws its own: a wide range reorders
}

// Network carries datagrams between the hosts on it. Its zero value is not
// ready; see NewNetwork.
type Network struct {
	Conditions
	// Watch, when set, sees each datagram that is sent, before anything happens
	// to it, and may change it; false loses it.
	Watch func(*pluto.Datagram) bool

	Sent, Lost int

	clock *Clock
	rand  *rand.Rand
	hosts map[netip.Addr]func(pluto.Datagram)
	nats  map[netip.Addr]*NAT // by the address inside
	outer map[netip.Addr]*NAT
	queue flights
	seq   int
}

// NewNetwork returns a network without hosts.
func NewNetwork(clock *Clock, seed uint64) *Network {
	return &Network{
		Conditions: Conditions{MinDelay: 10 * time.Millisecond, MaxDelay: 10 * time.Millisecond},
		clock:      clock,
		rand:       rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)),
		hosts:      map[netip.Addr]func(pluto.Datagram){},
		nats:       map[netip.Addr]*NAT{},
		outer:      map[netip.Addr]*NAT{},
	}
}

// Attach puts a host on the network. nil takes it off.
func (n *Network) Attach(addr netip.Addr, receive func(pluto.Datagram)) {
	if receive == nil {
		delete(n.hosts, addr)
		return
	}
	n.hosts[addr] = receive
}

// NAT rewrites the source of what leaves by it to one address and a port for each
// address and port inside.
type NAT struct {
	Outside netip.Addr
	next    uint16
	out     map[netip.AddrPort]uint16
	in      map[uint16]netip.AddrPort
}

// Translate puts the hosts inside behind a NAT.
func (n *Network) Translate(outside netip.Addr, inside ...netip.Addr) *NAT {
	nat := &NAT{Outside: outside, next: 20000}
	nat.Forget()
	for _, a := range inside {
		n.Behind(nat, a)
	}
	n.outer[outside] = nat
	return nat
}

// Behind puts another host behind a NAT.
func (n *Network) Behind(nat *NAT, inside netip.Addr) { n.nats[inside] = nat }

// Forget loses all mappings, as a NAT does that is restarted: the hosts inside get other ports.
func (t *NAT) Forget() {
	t.out, t.in = map[netip.AddrPort]uint16{}, map[uint16]netip.AddrPort{}
}

func (t *NAT) port(inside netip.AddrPort) uint16 {
	if p, ok := t.out[inside]; ok {
		return p
	}
	t.next++
	t.out[inside], t.in[t.next] = t.next, inside
	return t.next
}

// Port returns a pluto.Transport by which the host at an address sends.
func (n *Network) Port() pluto.Transport { return port{n} }

type port struct{ n *Network }

// Send implements pluto.Transport.
func (p port) Send(d pluto.Datagram) error {
	n := p.n
	d.Payload = slices.Clone(d.Payload)
	n.Sent++
	if n.Watch != nil && !n.Watch(&d) {
		n.Lost++
		return nil
	}
	if nat := n.nats[d.Local.Addr()]; nat != nil {
		d.Local = netip.AddrPortFrom(nat.Outside, nat.port(d.Local))
	}
	if n.rand.Float64() < n.Loss {
		n.Lost++
		return nil
	}
	n.Inject(d)
	if n.rand.Float64() < n.Double {
		n.Inject(d)
	}
	return nil
}

// Inject lets a datagram arrive after a delay; Local is whom it is from.
func (n *Network) Inject(d pluto.Datagram) {
	delay := n.MinDelay
	if n.MaxDelay > n.MinDelay {
		delay += time.Duration(n.rand.Int64N(int64(n.MaxDelay - n.MinDelay)))
	}
	n.seq++
	heap.Push(&n.queue, flight{n.clock.Now().Add(delay), n.seq, d})
}

// Next returns when the next datagram arrives; false when none is on its way.
func (n *Network) Next() (time.Time, bool) {
	if len(n.queue) == 0 {
		return time.Time{}, false
	}
	return n.queue[0].at, true
}

// Tick delivers what has arrived by now.
func (n *Network) Tick() {
	for len(n.queue) > 0 && !n.queue[0].at.After(n.clock.Now()) {
		d := heap.Pop(&n.queue).(flight).Datagram
		if nat := n.outer[d.Remote.Addr()]; nat != nil {
			inside, ok := nat.in[d.Remote.Port()]
			if !ok {
				continue
			}
			d.Remote = inside
		}
		if receive := n.hosts[d.Remote.Addr()]; receive != nil {
			receive(pluto.Datagram{Local: d.Remote, Remote: d.Local, Payload: d.Payload})
		}
	}
}

// flight is a datagram on its way.
type flight struct {
	at  time.Time
	seq int
	pluto.Datagram
}

type flights []flight

func (f flights) Len() int { return len(f) }
func (f flights) Less(i, j int) bool {
	if !f[i].at.Equal(f[j].at) {
		return f[i].at.Before(f[j].at)
	}
	return f[i].seq < f[j].seq
}
func (f flights) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *flights) Push(x any)   { *f = append(*f, x.(flight)) }
func (f *flights) Pop() any {
	last := len(*f) - 1
	x := (*f)[last]
	(*f)[last] = flight{}
	*f = (*f)[:last]
	return x
}
