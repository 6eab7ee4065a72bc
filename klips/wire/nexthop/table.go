// Package nexthop says which Ethernet header a packet to a host needs that
// leaves by one interface, for those who send frames past the kernel's routing.
// It asks the kernel, and follows by rtnetlink(7) what becomes of routes, rules,
// addresses, neighbours and the interface.
//
// A sender of frames has to send a packet through the kernel now and then: only then
// does the kernel ask a neighbour for its address, and notice that it has changed, and
// connection tracking forgets a flow that it does not see. Find says when.
package nexthop

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const (
	// A neighbour that the kernel is not sure of gets a packet by the kernel
	// this often: it then probes the neighbour (RFC 4861, section 7.3.3, which
	// Linux holds to for ARP too).
	unsureInterval = time.Second
	// Else, for connection tracking, which forgets a flow after minutes.
	sureInterval = 30 * time.Second
	// Routes are asked for again, as not all that changes them is announced.
	askInterval = time.Minute
	// After a change of routes they are asked for again, at most this often.
	changeInterval = 100 * time.Millisecond

	waysLimit = 1 << 16 // hosts that are remembered
)

// A Hop is the next host on the way to others. It does not change.
type Hop struct {
	Header [14]byte // destination, source, EtherType
	sure   bool     // the kernel has no doubt that the destination is right
}

// A Path is how a packet gets to a host.
type Path struct {
	Hop    *Hop
	MTU    int  // of the route in bytes, 0 for that of the interface
	Detour bool // the next packet is to go by the kernel
}

// A Table knows the ways by which hosts are reached by one interface.
type Table struct {
	index    int
	handle   *netlink.Handle
	socket   *nl.NetlinkSocket
	again    int // a descriptor of socket too, open until nobody reads
	messages chan message
	wanted   chan netip.Addr
	stop     chan struct{}
	wait     sync.WaitGroup
	once     sync.Once

	epoch atomic.Uint32 // counts changes of routes
	reach atomic.Bool   // there is an Ethernet interface that is up

	mu   sync.RWMutex // guards ways
	ways map[netip.Addr]*way

	// Used by the keeper's goroutine alone.
	link       link
	neighbours map[netip.Addr]neighbour
	gateways   map[gatewayKey]*gateway
	changed    time.Time // when routes last did
}

// A way is what the kernel said of a host.
type way struct {
	gateway atomic.Pointer[gateway] // nil where frames do not get there
	mtu     atomic.Int32
	epoch   atomic.Uint32 // of the answer
	asked   atomic.Bool   // again, and not answered yet
	at      atomic.Int64  // when it was answered, in nanoseconds
	detour  atomic.Int64  // when a packet went by the kernel, in nanoseconds
}

type gatewayKey struct {
	addr netip.Addr
	six  bool // of the packets: either kind may go by a gateway of the other
}

// A gateway is a neighbour that hosts are reached by, maybe itself one of them.
type gateway struct {
	hop atomic.Pointer[Hop] // nil while its address is not known
}

type neighbour struct {
	mac  [6]byte
	sure bool
}

// Open returns a Table of the interface of that index. Close ends it.
func Open(index int) (*Table, error) {
	t, err := newTable(index)
	if err != nil {
		return nil, err
	}
	t.run()
	return t, nil
}

func (t *Table) run() {
	t.wait.Go(t.read)
	t.wait.Go(t.keep)
}

func newTable(index int) (*Table, error) {
	t := &Table{
		index:    index,
		messages: make(chan message, 256),
		wanted:   make(chan netip.Addr, 256),
		stop:     make(chan struct{}),
		ways:     map[netip.Addr]*way{},
		gateways: map[gatewayKey]*gateway{},
	}
	var err error
	if t.handle, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return nil, err
	}
	t.socket, err = nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK, unix.RTNLGRP_NEIGH,
		unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV4_RULE,
		unix.RTNLGRP_IPV6_IFADDR, unix.RTNLGRP_IPV6_ROUTE, unix.RTNLGRP_IPV6_RULE, unix.RTNLGRP_NEXTHOP)
	if err == nil {
		t.again, err = unix.FcntlInt(uintptr(t.socket.GetFd()), unix.F_DUPFD_CLOEXEC, 0)
		if err == nil {
			if err = t.relearn(); err != nil {
				unix.Close(t.again)
			}
		}
		if err != nil {
			t.socket.Close()
		}
	}
	if err != nil {
		t.handle.Close()
		return nil, err
	}
	return t, nil
}

// Close ends the Table. Find goes on to answer what it did.
func (t *Table) Close() {
	t.once.Do(func() {
		close(t.stop)
		t.socket.Close()
		t.wait.Wait()
		unix.Close(t.again)
		t.handle.Close()
	})
}

// Reaches reports whether frames get anywhere: the interface is up and has
// Ethernet headers and ARP.
func (t *Table) Reaches() bool { return t.reach.Load() }

// Find returns how packets get to a host. It is false where it is not known (yet),
// or not by frames of this interface: they are then for the kernel. It does not
// wait, and may be called by several goroutines.
func (t *Table) Find(dst netip.Addr, now time.Time) (Path, bool) {
	t.mu.RLock()
	w := t.ways[dst]
	t.mu.RUnlock()
	if w == nil {
		t.ask(dst)
		return Path{}, false
	}
	nanos := now.UnixNano()
	if (w.epoch.Load() != t.epoch.Load() || nanos-w.at.Load() > int64(askInterval)) && w.asked.CompareAndSwap(false, true) && !t.ask(dst) {
		w.asked.Store(false)
	}
	g := w.gateway.Load()
	if g == nil {
		return Path{}, false
	}
	hop := g.hop.Load()
	if hop == nil {
		return Path{}, false
	}
	interval := unsureInterval
	if hop.sure {
		interval = sureInterval
	}
	last := w.detour.Load()
	detour := nanos-last >= int64(interval) && w.detour.CompareAndSwap(last, nanos)
	return Path{Hop: hop, MTU: int(w.mtu.Load()), Detour: detour}, true
}

// ask asks the keeper, and reports whether it has time.
func (t *Table) ask(dst netip.Addr) bool {
	select {
	case t.wanted <- dst:
		return true
	default:
		return false
	}
}
