package xdp

import (
	"encoding/binary"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"ipsec/klips/packet"
)

// receiveBatch is how many packets an inlet gives at once at most.
const receiveBatch = 64

// An Inlet is a socket that ESP packets come in by, for one goroutine.
type Inlet struct {
	socket *socket
	closed atomic.Bool // by the Link
	left   bool        // by the reader

	held []uint64 // chunks of the packets that the reader has
	some func(fd uintptr) bool
}

func newInlet(s *socket) *Inlet {
	in := &Inlet{socket: s, held: make([]uint64, 0, receiveBatch)}
	in.some = in.wait
	s.users.Add(1)
	return in
}

// ReadBatch waits for a packet and returns how many it has made the first of
// bufs to be: IP packets as they came, in memory that is the socket's again at
// the next call. The error is os.ErrClosed, after Link.Close, and takes the
// memory with it: whoever reads calls until then.
func (in *Inlet) ReadBatch(bufs []*packet.Buffer) (int, error) {
	s := in.socket
	if in.left {
		return 0, os.ErrClosed
	}
	in.giveBack()
	for {
		if s.rx.filled(1) == 0 {
			if err := s.raw.Read(in.some); err != nil || in.closed.Load() { // it is closed, whatever the error says
				in.left = true
				s.leave()
				return 0, os.ErrClosed
			}
		}
		kept := 0
		for range s.rx.filled(min(len(bufs), receiveBatch)) {
			if in.take(bufs[kept], s.rx.take()) {
				kept++
			}
		}
		s.rx.taken()
		if kept > 0 {
			return kept, nil
		}
		in.giveBack()
	}
}

// wait is false while there is nothing to take.
func (in *Inlet) wait(fd uintptr) bool {
	s := in.socket
	if s.rx.filled(1) > 0 || in.closed.Load() {
		return true
	}
	if s.fill.wants() {
		_, _, _ = unix.Syscall6(unix.SYS_RECVFROM, fd, 0, 0, unix.MSG_DONTWAIT, 0, 0) // it only wakes the driver
	}
	return s.rx.filled(1) > 0
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
