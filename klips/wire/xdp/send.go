package xdp

import (
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"ipsec/klips/packet"
)

// Header is the header of an Ethernet frame: destination, source and EtherType.
type Header [headerLen]byte

const headerLen = 14

// few packets take the kernel less time than Go's scheduler takes over.
const few = 32

// An outlet sends by a socket.
type outlet struct {
	socket *socket
	limit  int // length of a frame

	mu     sync.Mutex // guards what follows
	closed bool
	free   []uint64 // chunks
}

func newOutlet(s *socket, limit int) *outlet {
	o := &outlet{socket: s, limit: limit}
	for i := range s.tx.entries {
		o.free = append(o.free, uint64((len(s.fill.entries)+i)*s.chunk))
	}
	s.users.Add(1)
	return o
}

// send implements Link.Send.
func (o *outlet) send(head *Header, packets []*packet.Buffer) (sent int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return 0, os.ErrClosed
	}
	s := o.socket
	for {
		o.reap()
		n := min(len(packets)-sent, len(o.free), s.tx.room(len(packets)-sent))
		for _, p := range packets[sent:][:n] {
			size := headerLen + p.Len()
			if size > o.limit {
				err = unix.EMSGSIZE
				break
			}
			chunk := o.free[len(o.free)-1]
			o.free = o.free[:len(o.free)-1]
			frame := s.memory[chunk:][:size]
			copy(frame, head[:])
			copy(frame[headerLen:], p.Bytes())
			s.tx.put(unix.XDPDesc{Addr: chunk, Len: uint32(size)})
			sent++
		}
		s.tx.submit()
		before := s.tx.left()
		if before == 0 {
			return sent, err
		}
		errno := o.kick()
		switch {
		case err != nil:
			return sent, err
		case errno != 0:
			return sent, errno
		case sent == len(packets):
			return sent, nil
		case s.tx.left() >= before: // the interface takes no more
			return sent, nil
		}
	}
}

// kick makes the kernel send what is in the ring, as far as it can now.
func (o *outlet) kick() syscall.Errno {
	s := o.socket
	for left := s.tx.left(); left > 0; {
		// The kernel carries each packet on, as far as it goes on this
		// machine: with many, other goroutines shall not wait for that; with
		// few, Go's scheduler shall not get to know.
		call := unix.Syscall6
		if left <= few {
			call = unix.RawSyscall6
		}
		_, _, errno := call(unix.SYS_SENDTO, uintptr(s.sender), 0, 0, unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0, unix.EINTR, unix.EAGAIN, unix.EBUSY, unix.ENOBUFS: // some of it may have gone
		default:
			return errno
		}
		now := s.tx.left()
		if now == left {
			break
		}
		left = now
	}
	return 0
}

// reap takes the chunks back that have been sent.
func (o *outlet) reap() {
	s := o.socket
	n := s.done.filled(len(s.done.entries))
	if n == 0 {
		return
	}
	first, end := uint64(len(s.fill.entries)*s.chunk), uint64(len(s.memory))
	for range n {
		chunk := s.done.take()
		if chunk >= first && chunk < end && chunk%uint64(s.chunk) == 0 && len(o.free) < cap(o.free) {
			o.free = append(o.free, chunk)
		}
	}
	s.done.taken()
}

func (o *outlet) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.closed = true
		o.kick() // what the interface had no room for before
		o.socket.leave()
	}
}
