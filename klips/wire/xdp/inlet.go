package xdp

import (
	"encoding/binary"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"ipsec/klips/packet"
)

const (
	// receiveBatch is how many packets an inlet gives at once at most.
	receiveBatch = 128
	// busy is how many at once say that there will be more.
	busy = 8
)

// An Inlet is a socket that ESP packets come in by, for one goroutine.
//
// To wake a poller costs the kernel about as much for each packet as all else that
// it does for the packet, whether a reader waits or not. So the socket is
// polled only while the reader waits, by an epoll(7) of its own, which in turn
// Go's poller watches.
type Inlet struct {
	socket *socket
	left   bool // by the reader

	file    *os.File // the epoll
	raw     syscall.RawConn
	watched bool // the socket, by the epoll
	err     error

	held    []uint64 // chunks of the packets that the reader has
	wait    func(epoll uintptr) bool
	unwatch func(epoll uintptr)
}

func newInlet(s *socket) (*Inlet, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // so that the poller has it
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	in := &Inlet{socket: s, file: os.NewFile(uintptr(fd), "epoll"), held: make([]uint64, 0, receiveBatch)}
	if in.raw, err = in.file.SyscallConn(); err != nil {
		in.file.Close()
		return nil, err
	}
	in.wait, in.unwatch = in.waits, in.unwatches
	s.users.Add(1)
	return in, nil
}

// ReadBatch waits for a packet and returns how many it has made the first of
// bufs to be: IP packets as they came, in memory that is the socket's again at
// the next call. After Link.Close, and once all that came before has been read, the
// error is os.ErrClosed, and takes the memory with it: a reader must read until
// then. Other errors are passing.
func (in *Inlet) ReadBatch(bufs []*packet.Buffer) (int, error) {
	s := in.socket
	if in.left {
		return 0, os.ErrClosed
	}
	for {
		in.giveBack()
		if s.rx.filled(1) == 0 {
			err := in.raw.Read(in.wait)
			if err != nil && s.rx.filled(1) == 0 { // it is closed, which the poller has an error of its own for, and empty
				in.Leave()
				return 0, os.ErrClosed
			}
			if err == nil && in.err != nil {
				return 0, fmt.Errorf("failed to wait for packets: %w", in.err)
			}
		}
		n := s.rx.filled(min(len(bufs), receiveBatch))
		kept := 0
		for range n {
			if in.take(bufs[kept], s.rx.take()) {
				kept++
			}
		}
		s.rx.taken()
		if n > busy && in.watched {
			_ = in.raw.Control(in.unwatch) // fails where the next read does
		}
		if kept > 0 {
			return kept, nil
		}
	}
}

// Leave takes the memory back of an Inlet that nobody reads, or will read. ReadBatch
// does it by itself where the error is os.ErrClosed.
func (in *Inlet) Leave() {
	if !in.left {
		in.left = true
		in.socket.leave()
	}
}

// waits is false where there is nothing to take and the reader will be woken.
func (in *Inlet) waits(epoll uintptr) bool {
	s := in.socket
	in.err = nil
	if s.rx.filled(1) > 0 {
		return true
	}
	if !in.watched {
		if in.err = unix.EpollCtl(int(epoll), unix.EPOLL_CTL_ADD, s.receiver, &unix.EpollEvent{Events: unix.EPOLLIN}); in.err != nil {
			return true
		}
		in.watched = true
	}
	if s.fill.wants() {
		_, _, _ = unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.receiver), 0, 0, unix.MSG_DONTWAIT, 0, 0) // it only wakes the driver
	}
	return s.rx.filled(1) > 0
}

func (in *Inlet) unwatches(epoll uintptr) {
	in.watched = unix.EpollCtl(int(epoll), unix.EPOLL_CTL_DEL, in.socket.receiver, nil) != nil
}

// take makes b the packet that the kernel says is there, or reports that there
// is none.
func (in *Inlet) take(b *packet.Buffer, d unix.XDPDesc) bool {
	s := in.socket
	chunk := d.Addr - d.Addr%uint64(s.chunk)
	if chunk >= uint64(len(s.fill.entries)*s.chunk) {
		return false // not one that is for packets that come in
	}
	in.held = append(in.held, chunk)
	start, end := d.Addr-chunk, d.Addr-chunk+uint64(d.Len)
	if end > uint64(s.chunk) || d.Len <= headerLen || d.Options&unix.XDP_PKT_CONTD != 0 {
		return false
	}
	store := s.memory[chunk:][:s.chunk:s.chunk]
	version := store[start+headerLen] >> 4
	switch binary.BigEndian.Uint16(store[start+12:]) {
	case unix.ETH_P_IP:
		if version != 4 {
			return false
		}
	case unix.ETH_P_IPV6:
		if version != 6 {
			return false
		}
	default:
		return false
	}
	b.Over(store, int(start)+headerLen, int(end))
	return true
}

// giveBack lets the kernel have the chunks of the last batch.
func (in *Inlet) giveBack() {
	if len(in.held) == 0 {
		return
	}
	fill := &in.socket.fill
	// There is room: the ring has as many entries as there are chunks.
	for _, chunk := range in.held[:fill.room(len(in.held))] {
		fill.put(chunk)
	}
	fill.submit()
	in.held = in.held[:0]
}
