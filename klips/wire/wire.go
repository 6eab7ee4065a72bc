// Package wire has what KLIPS opens on a physical interface: raw sockets that
// take ESP and AH in and put whole IP packets out, and UDP port 4500, where
// ESP in UDP (RFC 3948) is told from IKE. All are bound to the interface
// (SO_BINDTODEVICE), so that what is sent leaves there even when the route to
// the peer leads into a tunnel.
//
// IPCOMP and IP in IP are taken only out of ESP or AH, never bare, so there are
// no sockets for them.
package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipsec/klips"
	"ipsec/klips/netfilter"
	"ipsec/klips/offload"
	"ipsec/klips/packet"
	"ipsec/klips/wire/ike"
	"ipsec/klips/wire/xdp"
)

// Hooks are what a Wire calls, from the goroutines that read it. They must not
// wait, and keep nothing of what they are given.
type Hooks struct {
	IKE func(ike.Message) // takes what came to port 4500 and is not ESP; may be nil

	// PathMTU takes what a router says is the longest packet that reaches
	// dst, on account of one with that SPI (the ICMP is not authentic: the
	// SPI is all there is to judge it by). It may be nil.
	PathMTU func(dst netip.Addr, spi uint32, mtu int)

	Log func(string) // takes what an administrator should know; may be nil
}

// A Wire is a physical interface.
type Wire struct {
	// Set by Open. What is behind the pointers has locks of its own.
	name           string
	hooks          Hooks
	want, offloads offload.Set
	queues         int
	rules          func() *netfilter.Ruleset // nil: nobody looks
	inlets         []*Inlet
	out            [2]*sender // IPv4, IPv6; nil where the host does not have it
	bulk           [2][]*bulk // the same, for each queue; nil too where it is not wanted
	raw            *rawESP
	express        *express

	once  sync.Once // closes it
	state atomic.Pointer[state]

	refreshing sync.Mutex // held while state changes and sockets are bound anew; guards what follows
	traffic    Traffic
	use        offload.Use
	watch      watch
	closed     bool
}

// state is what netlink says of the interface.
type state struct {
	index  int
	mtu    int
	queues int // that packets come in by
	addrs  []netip.Addr
	link   netfilter.Link
}

// Options say what a Wire makes use of.
type Options struct {
	Want   offload.Set               // those of these offloads that the kernel has
	Queues int                       // as many ESP in UDP comes in by, and goes out; at least one
	XDP    *xdp.Program              // nil for none
	NoXDP  error                     // why there is none
	Use    offload.Use               // of what goes past netfilter
	Rules  func() *netfilter.Ruleset // of netfilter, as they are; nil: nobody looks
}

// Open binds sockets to the interface of that name. Where another process has
// port 4500, it says so by Hooks.Log, and there is no ESP in UDP.
func Open(name string, hooks Hooks, o Options) (*Wire, error) {
	if hooks.Log == nil {
		hooks.Log = func(string) {}
	}
	w := &Wire{name: name, hooks: hooks, want: o.Want, queues: max(1, o.Queues), use: o.Use, rules: o.Rules}
	if err := w.Refresh(); err != nil {
		return nil, err
	}
	w.express = newExpress(name, w.state.Load().queues, o)
	if err := w.open(); err != nil {
		w.Close()
		return nil, fmt.Errorf("failed to open sockets on %s: %w", name, err)
	}
	w.Expect(Traffic{})
	return w, nil
}

func (w *Wire) open() error {
	w.raw = newRawESP(w)
	if w.raw.plain != nil {
		w.offloads |= offload.Packet
	}
	for i, family := range []int{unix.AF_INET, unix.AF_INET6} {
		out, err := newSender(w.name, family)
		if family == unix.AF_INET6 && (errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EPROTONOSUPPORT)) {
			return nil
		}
		if err != nil {
			return err
		}
		w.out[i] = out
		for _, proto := range []int{unix.IPPROTO_ESP, unix.IPPROTO_AH} {
			in, err := newInlet(w, family, unix.SOCK_RAW, proto, false)
			if err != nil {
				return err
			}
			w.inlets = append(w.inlets, in)
		}
		err = w.openUDP(i, family)
		if errors.Is(err, unix.EADDRINUSE) {
			w.hooks.Log(fmt.Sprintf("no ESP in UDP on %s: another process has UDP port %d", w.name, klips.EncapPort))
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// openUDP opens the sockets of ESP in UDP of a family. Which of them a datagram comes by
// the kernel tells from its addresses and ports, just as it tells what it may join
// (UDP_GRO): so the packets of an SA stay in their order, on one processor, also
// where they came in one piece with those of another SA.
func (w *Wire) openUDP(i, family int) error {
	if w.queues > 1 {
		// Sockets that share a port do not tell of another process that shares it too.
		probe, err := newInlet(w, family, unix.SOCK_DGRAM, unix.IPPROTO_UDP, false)
		if err != nil {
			return err
		}
		probe.file.Close()
	}
	for range w.queues {
		in, err := newInlet(w, family, unix.SOCK_DGRAM, unix.IPPROTO_UDP, w.queues > 1)
		if err != nil {
			return err
		}
		w.inlets = append(w.inlets, in)
		if w.want&offload.Segment != 0 && in.segments() {
			in.bulk = newBulk(in)
			w.bulk[i] = append(w.bulk[i], in.bulk)
			w.offloads |= offload.Segment
		}
	}
	return nil
}

// Refresh reads the MTU and the addresses of the interface again, and binds the
// sockets to it anew where it has been away, as that of a dialled line is. The
// error wraps ENODEV where it is gone.
func (w *Wire) Refresh() error {
	w.refreshing.Lock()
	defer w.refreshing.Unlock()
	if w.closed {
		return os.ErrClosed
	}
	link, err := netlink.LinkByName(w.name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return fmt.Errorf("there is no interface %s: %w", w.name, syscall.ENODEV)
	}
	if err != nil {
		return fmt.Errorf("failed to look for %s: %w", w.name, err)
	}
	list, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		return fmt.Errorf("failed to list the addresses of %s: %w", w.name, err)
	}
	s := &state{index: link.Attrs().Index, mtu: link.Attrs().MTU, queues: link.Attrs().NumRxQueues}
	s.link = netfilter.Link{Name: w.name, Index: s.index}
	if index := link.Attrs().MasterIndex; index != 0 {
		master, err := netlink.LinkByIndex(index)
		if err != nil {
			return fmt.Errorf("failed to look for the master of %s: %w", w.name, err)
		}
		s.link.Master, s.link.MasterIndex = master.Attrs().Name, index
	}
	for _, a := range list {
		if addr, ok := netip.AddrFromSlice(a.IP); ok {
			s.addrs = append(s.addrs, addr.Unmap())
		}
	}
	if old := w.state.Load(); old != nil && old.index != s.index {
		if err := w.rebind(s.index); err != nil {
			return fmt.Errorf("failed to bind to the new %s: %w", w.name, err)
		}
	}
	w.state.Store(s)
	if w.raw != nil {
		w.setExpress()
	}
	return nil
}

// rebind binds the sockets to an interface of the same name and another index.
func (w *Wire) rebind(index int) error {
	var errs []error
	if w.raw.plain != nil {
		errs = append(errs, w.raw.follow(index))
	}
	bind := func(raw syscall.RawConn) {
		errs = append(errs, raw.Control(func(fd uintptr) { errs = append(errs, unix.BindToDevice(int(fd), w.name)) }))
	}
	for _, out := range w.out {
		if out != nil {
			bind(out.raw)
		}
	}
	for _, in := range w.inlets {
		bind(in.raw)
	}
	return errors.Join(errs...)
}

// Name returns the name of the interface.
func (w *Wire) Name() string { return w.name }

// MTU returns the MTU of the interface in bytes, as Refresh found it.
func (w *Wire) MTU() int { return w.state.Load().mtu }

// Owns reports whether the interface has that address, as Refresh found it.
func (w *Wire) Owns(a netip.Addr) bool { return slices.Contains(w.state.Load().addrs, a) }

// Inlets returns what packets come in by. Each is for one goroutine.
func (w *Wire) Inlets() []*Inlet { return w.inlets }

// WriteBatch sends whole IP packets, and trains of ESP in UDP, which are buffers
// with a Segment. It returns how many packets were refused, and why the last one
// was: EMSGSIZE where it is longer than the MTU. Trains of one queue go by one socket.
func (w *Wire) WriteBatch(queue int, bufs []*packet.Buffer) (refused int, last error) {
	for len(bufs) > 0 {
		six, pieces := bufs[0].Bytes()[0]>>4 == 6, bufs[0].Segment > 0
		end := 1
		for end < len(bufs) && (bufs[end].Bytes()[0]>>4 == 6) == six && (bufs[end].Segment > 0) == pieces {
			end++
		}
		n, err := w.write(queue, bufs[:end], six, pieces)
		if n > 0 {
			refused, last = refused+n, err
		}
		bufs = bufs[end:]
	}
	return refused, last
}

// write sends packets, or trains, of one family.
func (w *Wire) write(queue int, bufs []*packet.Buffer, six, trains bool) (refused int, last error) {
	out, bulks := w.out[0], w.bulk[0]
	if six {
		out, bulks = w.out[1], w.bulk[1]
	}
	if out == nil {
		return len(bufs), unix.EAFNOSUPPORT
	}
	switch {
	case !trains:
		return w.raw.write(out, bufs)
	case len(bulks) == 0:
		return out.write(bufs)
	}
	for bulk := bulks[queue%len(bulks)]; ; {
		bufs = bufs[bulk.write(bufs):]
		if len(bufs) == 0 {
			return refused, last
		}
		n, err := out.write(bufs[:1])
		if n > 0 {
			refused, last = refused+n, err
		}
		bufs = bufs[1:]
	}
}

// Overflows returns how many packets came in and were dropped by the kernel, as
// those before had not been read: datagrams that UDP_GRO has joined as one, and those
// with a wrong checksum among them.
func (w *Wire) Overflows() uint64 {
	n := w.express.lost()
	for _, in := range w.inlets {
		n += in.overflows()
	}
	return n
}

// SendIKE sends an IKE message, or a keepalive, from port 4500.
func (w *Wire) SendIKE(m ike.Message) error {
	if m.Local.Port() != klips.EncapPort {
		return fmt.Errorf("failed to send IKE from port %d, expected %d: %w", m.Local.Port(), klips.EncapPort, syscall.EINVAL)
	}
	if m.Local.Addr().Is4() != m.Remote.Addr().Is4() || m.Remote.Addr().Is4In6() {
		return fmt.Errorf("failed to send IKE from %v to %v: two families: %w", m.Local, m.Remote, syscall.EINVAL)
	}
	for _, in := range w.inlets {
		if in.udp && in.six == m.Remote.Addr().Is6() {
			return in.sendIKE(m)
		}
	}
	return fmt.Errorf("failed to send IKE by %s: UDP port %d is not open: %w", w.name, klips.EncapPort, syscall.EADDRNOTAVAIL)
}

// Close closes the sockets; those who read get os.ErrClosed.
func (w *Wire) Close() error {
	err := error(os.ErrClosed)
	w.once.Do(func() {
		w.refreshing.Lock()
		defer w.refreshing.Unlock()
		w.closed = true
		err = nil
		if w.raw != nil {
			err = w.raw.close()
		}
		if w.express != nil {
			w.express.close()
		}
		for _, out := range w.out {
			if out != nil {
				err = errors.Join(err, out.file.Close())
			}
		}
		for _, in := range w.inlets {
			err = errors.Join(err, in.file.Close())
		}
	})
	return err
}
