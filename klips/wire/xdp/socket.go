package xdp

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A socket is an AF_XDP socket of one receive queue, with the memory that it
// shares with the kernel: chunks of one size, the first of which are for what
// comes in and the others for what goes out.
//
// What goes out has another socket over the same memory: polling a socket that has
// something to send waits until that is sent, and a receiver must not wait for that.
type socket struct {
	receiver, sender int // -1 for none

	memory []byte
	chunk  int // size in bytes
	rx, tx ring[unix.XDPDesc]
	fill   ring[uint64] // chunks that the kernel may put packets in
	done   ring[uint64] // chunks that it has sent

	users atomic.Int32 // who keep the memory
}

// A layout says how much memory a socket has.
type layout struct{ chunk, receive, send int }

const (
	// bindTries times bindRest is how long to wait for a queue: the kernel
	// gives it back some time after its socket was closed.
	bindTries = 50
	bindRest  = 10 * time.Millisecond
	// sendSize is what the kernel may hold of packets sent, in bytes.
	sendSize = 16 << 20
)

// newSocket returns a socket on a queue of an interface. EINVAL says that there
// is no such queue.
func newSocket(index, queue int, l layout) (*socket, error) {
	fd, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	s := &socket{receiver: fd, sender: -1, chunk: l.chunk}
	s.users.Store(1)
	if err = s.setup(fd, l); err == nil {
		err = bind(fd, &unix.SockaddrXDP{Flags: unix.XDP_USE_NEED_WAKEUP, Ifindex: uint32(index), QueueID: uint32(queue)})
	}
	if err == nil && l.send > 0 {
		err = s.setupSender(fd, index, queue, l)
	}
	if err != nil {
		s.free()
		return nil, err
	}
	return s, nil
}

func (s *socket) setup(fd int, l layout) (err error) {
	s.memory, err = unix.Mmap(-1, 0, l.chunk*(l.receive+l.send), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	reg := unix.XDPUmemReg{Addr: uint64(uintptr(unsafe.Pointer(&s.memory[0]))), Len: uint64(len(s.memory)), Size: uint32(l.chunk)}
	// Kernels tell versions of the structure by its length; this is the first.
	_, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_XDP, unix.XDP_UMEM_REG, uintptr(unsafe.Pointer(&reg)), umemRegSize, 0)
	if errno != 0 {
		return os.NewSyscallError("XDP_UMEM_REG", errno)
	}
	for _, o := range []struct{ option, count int }{
		{unix.XDP_UMEM_FILL_RING, l.receive},
		{unix.XDP_UMEM_COMPLETION_RING, max(l.send, 1)}, // there has to be one
		{unix.XDP_RX_RING, l.receive},
	} {
		if err := unix.SetsockoptInt(fd, unix.SOL_XDP, o.option, o.count); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	at, err := offsets(fd)
	if err != nil {
		return err
	}
	if s.fill, err = mapRing[uint64](fd, unix.XDP_UMEM_PGOFF_FILL_RING, at.Fr, l.receive); err != nil {
		return os.NewSyscallError("mmap", err)
	}
	if s.rx, err = mapRing[unix.XDPDesc](fd, unix.XDP_PGOFF_RX_RING, at.Rx, l.receive); err != nil {
		return os.NewSyscallError("mmap", err)
	}
	for i := range l.receive {
		s.fill.put(uint64(i * l.chunk))
	}
	s.fill.submit()
	if l.send > 0 {
		if s.done, err = mapRing[uint64](fd, unix.XDP_UMEM_PGOFF_COMPLETION_RING, at.Cr, l.send); err != nil {
			return os.NewSyscallError("mmap", err)
		}
	}
	return nil
}

func (s *socket) setupSender(receiver, index, queue int, l layout) error {
	fd, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	s.sender = fd
	if err := unix.SetsockoptInt(fd, unix.SOL_XDP, unix.XDP_TX_RING, l.send); err != nil {
		return os.NewSyscallError("XDP_TX_RING", err)
	}
	at, err := offsets(fd)
	if err != nil {
		return err
	}
	if s.tx, err = mapRing[unix.XDPDesc](fd, unix.XDP_PGOFF_TX_RING, at.Tx, l.send); err != nil {
		return os.NewSyscallError("mmap", err)
	}
	// These make it faster, and no kernel has to know them.
	_ = unix.SetsockoptInt(fd, unix.SOL_XDP, unix.XDP_MAX_TX_SKB_BUDGET, l.send) // Linux 6.17
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, sendSize)
	return bind(fd, &unix.SockaddrXDP{Flags: unix.XDP_SHARED_UMEM, Ifindex: uint32(index), QueueID: uint32(queue), SharedUmemFD: uint32(receiver)})
}

func offsets(fd int) (at unix.XDPMmapOffsets, err error) {
	size := uint32(unsafe.Sizeof(at))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_XDP, unix.XDP_MMAP_OFFSETS, uintptr(unsafe.Pointer(&at)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return at, os.NewSyscallError("XDP_MMAP_OFFSETS", errno)
	}
	if size != uint32(unsafe.Sizeof(at)) { // before Linux 5.4
		return at, fmt.Errorf("the kernel's AF_XDP has no wake-ups: %w", unix.ENOTSUP)
	}
	return at, nil
}

// umemRegSize is the size of struct xdp_umem_reg of Linux 5.4.
const umemRegSize = 32

func bind(fd int, to *unix.SockaddrXDP) error {
	for try := 1; ; try++ {
		err := unix.Bind(fd, to)
		if err != unix.EBUSY || try == bindTries {
			return os.NewSyscallError("bind", err)
		}
		time.Sleep(bindRest)
	}
}

// overflows returns how many packets the socket had no room for.
func (s *socket) overflows() uint64 {
	var stats unix.XDPStatistics
	size := uint32(unsafe.Sizeof(stats)) // Linux before 5.9 fills in the first half
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(s.receiver), unix.SOL_XDP, unix.XDP_STATISTICS, uintptr(unsafe.Pointer(&stats)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0
	}
	return stats.Rx_dropped + stats.Rx_ring_full
}

// leave is called by each of the users once, and the last frees the memory.
// The kernel gives the queue back no sooner.
func (s *socket) leave() {
	if s.users.Add(-1) == 0 {
		s.free()
	}
}

func (s *socket) free() {
	for _, fd := range []int{s.receiver, s.sender} {
		if fd >= 0 {
			_ = unix.Close(fd) // there is nothing to lose
		}
	}
	s.fill.unmap()
	s.rx.unmap()
	s.done.unmap()
	s.tx.unmap()
	if s.memory != nil {
		_ = unix.Munmap(s.memory) // it is a mapping of ours
		s.memory = nil
	}
}
