package xdp

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/cilium/ebpf"
	bpflink "github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipsec/klips/packet"
)

const (
	// QueueLimit is how many queues of an interface have a socket.
	QueueLimit = 16
	// The chunks of an interface: those for what comes in are shared out
	// among its queues, of which each has some thousandths of a second of a
	// fast flow.
	receiveChunks = 4096
	receiveLeast  = 1024
	sendChunks    = 2048

	small, large = 2048, 4096 // bytes of a chunk

	// MaxMTU is the longest MTU in bytes that an interface may have.
	MaxMTU = large - spare
	// spare is what a chunk has beside a packet.
	spare = unix.XDP_PACKET_HEADROOM + headerLen + packet.Tailroom
)

// A Link is an interface with the program on it. It ends with the process.
type Link struct {
	program *Program
	index   int
	mode    string
	link    bpflink.Link
	slots   span
	inlets  []*Inlet
	outlet  *outlet

	mu     sync.Mutex // guards what follows
	locals []netip.Addr
	closed bool
}

// Attach puts the program on the interface of that name, with sockets that take
// no packets until SetLocal names addresses. It needs CAP_NET_RAW, CAP_NET_ADMIN
// and, where RLIMIT_MEMLOCK is less than its memory, CAP_IPC_LOCK: that is 12 MB
// with one queue, 36 MB with sixteen, and twice as much where the MTU is more than
// 1714. EBUSY says that another XDP program is there, which stays, or another
// AF_XDP socket; EMSGSIZE that the MTU is more than MaxMTU.
func (p *Program) Attach(name string) (*Link, error) {
	return p.attach(name, bpflink.XDPGenericMode)
}

func (p *Program) attach(name string, mode bpflink.XDPAttachFlags) (*Link, error) {
	found, err := netlink.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("failed to look for %s: %w", name, err)
	}
	attrs := found.Attrs()
	switch {
	case attrs.EncapType != "ether":
		return nil, fmt.Errorf("AF_XDP needs Ethernet, and %s has %s: %w", name, attrs.EncapType, unix.EPFNOSUPPORT)
	case attrs.MTU > MaxMTU:
		return nil, fmt.Errorf("AF_XDP takes an MTU of up to %d, and %s has %d: %w", MaxMTU, name, attrs.MTU, unix.EMSGSIZE)
	case attrs.Xdp != nil && attrs.Xdp.Attached:
		return nil, fmt.Errorf("another XDP program is on %s: %w", name, unix.EBUSY)
	}
	l := &Link{program: p, index: attrs.Index, mode: "generic"}
	if mode == bpflink.XDPDriverMode {
		l.mode = "native"
	}
	if err := l.open(name, attrs.MTU, mode); err != nil {
		l.Close()
		l.abandon()
		return nil, fmt.Errorf("failed to use AF_XDP on %s: %w", name, err)
	}
	return l, nil
}

func (l *Link) open(name string, mtu int, mode bpflink.XDPAttachFlags) error {
	lay := layout{chunk: small, receive: receiveChunks, send: sendChunks}
	if mtu+spare > small {
		lay.chunk = large
	}
	queues := queuesOf(name)
	for lay.receive > max(receiveLeast, receiveChunks/queues) {
		lay.receive /= 2
	}
	var sockets []*socket
	for queue := range queues {
		s, err := newSocket(l.index, queue, lay)
		if queue > 0 && errors.Is(err, unix.EINVAL) {
			break // it is there no more
		}
		if err != nil {
			return err
		}
		sockets = append(sockets, s)
		in, err := newInlet(s)
		if err != nil {
			s.leave()
			return err
		}
		l.inlets = append(l.inlets, in)
		if queue == 0 {
			l.outlet = newOutlet(s, mtu+headerLen)
			lay.send = 0
		}
	}
	var err error
	if l.slots, err = l.program.reserve(len(sockets)); err != nil {
		return err
	}
	l.slots.longest = uint32(lay.chunk - unix.XDP_PACKET_HEADROOM - packet.Tailroom)
	for i, s := range sockets {
		if err := l.program.sockets.Put(l.slots.first+uint32(i), uint32(s.receiver)); err != nil {
			return fmt.Errorf("failed to give the socket to the program: %w", err)
		}
	}
	l.link, err = bpflink.AttachXDP(bpflink.XDPOptions{Program: l.program.prog, Interface: l.index, Flags: mode})
	if errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("another XDP program is there: %w", unix.EBUSY)
	}
	return err
}

// queuesOf returns how many queues of an interface shall have a socket: as many
// as it has, where that can be seen, and no more than QueueLimit.
func queuesOf(name string) int {
	found, _ := filepath.Glob("/sys/class/net/" + name + "/queues/rx-*")
	return min(max(len(found), 1), QueueLimit)
}

// abandon gives the memory back of a link that nobody has read.
func (l *Link) abandon() {
	for _, in := range l.inlets {
		in.Leave()
	}
}

// Inlets returns what packets come in by, one for each queue. Each is for one
// goroutine, which must read until os.ErrClosed.
func (l *Link) Inlets() []*Inlet { return l.inlets }

// Mode returns "generic" where the kernel's stack runs the program, and
// "native" where the driver does.
func (l *Link) Mode() string { return l.mode }

// SetLocal says which addresses are those of the interface: the ESP to them is
// taken, and no other. What it cannot tell the program, goes by the kernel.
func (l *Link) SetLocal(addrs []netip.Addr) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return os.ErrClosed
	}
	return l.setLocal(addrs)
}

func (l *Link) setLocal(addrs []netip.Addr) error {
	var errs []error
	for _, a := range l.locals {
		if slices.Contains(addrs, a) {
			continue
		}
		if err := l.program.locals.Delete(localOf(l.index, a)); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			errs = append(errs, err)
		}
	}
	var known []netip.Addr
	for _, a := range addrs {
		if !slices.Contains(l.locals, a) {
			if err := l.program.locals.Update(localOf(l.index, a), l.slots, ebpf.UpdateAny); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		known = append(known, a)
	}
	l.locals = known
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("failed to tell the XDP program its addresses: %w", err)
	}
	return nil
}

// Overflows returns how many packets came that there was no room for, as those
// before had not been read.
func (l *Link) Overflows() (n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0
	}
	for _, in := range l.inlets {
		n += in.socket.overflows()
	}
	return n
}

// Send sends whole IP packets, each behind head. It returns how many it has
// taken; those behind, it has not. It has taken them all, or there is no room
// for more at present, or there is an error: os.ErrClosed, EMSGSIZE for a packet
// that is longer than the MTU was, ENETDOWN. Several goroutines may call it.
func (l *Link) Send(head *Header, packets []*packet.Buffer) (sent int, err error) {
	return l.outlet.send(head, packets)
}

// grace returns once the processors are through with the packets that they had
// when it was called: until then a packet may come by a program that has been taken
// off. MEMBARRIER_CMD_GLOBAL, of membarrier(2), waits for a grace period of RCU.
func grace() {
	const global = 1 << 0
	_, _, _ = unix.Syscall(unix.SYS_MEMBARRIER, global, 0, 0) // without it the time until the readers wake has to do
}

// Close takes the program off the interface. What has been sent leaves. Those who
// read get what has come, and then os.ErrClosed. It takes milliseconds.
func (l *Link) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return os.ErrClosed
	}
	l.closed = true
	var errs []error
	if l.link != nil {
		errs = append(errs, l.link.Close())
	}
	errs = append(errs, l.setLocal(nil))
	for i := range l.slots.count {
		_ = l.program.sockets.Delete(l.slots.first + i) // it goes with the socket too
	}
	l.program.release(l.slots)
	grace()
	if l.outlet != nil {
		l.outlet.close()
	}
	for _, in := range l.inlets {
		errs = append(errs, in.file.Close())
		in.socket.leave()
	}
	return errors.Join(errs...)
}
