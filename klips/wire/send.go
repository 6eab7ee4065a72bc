package wire

import (
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"ipsec/klips/packet"
)

// sendBatch is how many packets a system call sends at most.
const sendBatch = 64

// A sender puts whole IP packets of one family on the wire.
type sender struct {
	six  bool
	file *os.File
	raw  syscall.RawConn

	mu       sync.Mutex
	messages []mmsghdr
	slots    []slot
	first, n int // the messages to send
	errno    syscall.Errno
	some     func(fd uintptr) bool
}

func newSender(device string, family int) (*sender, error) {
	s := &sender{six: family == unix.AF_INET6}
	var err error
	// IPPROTO_RAW says that the header comes with the packet.
	s.file, s.raw, err = socket(device, family, unix.SOCK_RAW, unix.IPPROTO_RAW, func(fd int) error {
		return set(fd, unix.SOL_SOCKET, unix.SO_BROADCAST) // for %pass
	})
	if err != nil {
		return nil, err
	}
	s.messages, s.slots = slots(sendBatch)
	s.some = s.sendSome
	return s, nil
}

// write sends packets of the sender's family, and returns how many before the first
// that failed.
func (s *sender) write(bufs []*packet.Buffer) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	done := 0
	for done < len(bufs) {
		batch := bufs[done:min(len(bufs), done+sendBatch)]
		for i, b := range batch {
			s.prepare(i, b.Bytes())
		}
		s.first, s.n, s.errno = 0, len(batch), 0
		if err := s.raw.Write(s.some); err != nil {
			return done + s.first, os.ErrClosed // by another name
		}
		done += s.first
		if s.errno != 0 {
			return done, s.errno
		}
	}
	return done, nil
}

func (s *sender) prepare(i int, p []byte) {
	slot := &s.slots[i]
	slot.iov.Base = &p[0]
	slot.iov.SetLen(len(p))
	if s.six {
		slot.name = unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: [16]byte(p[24:])}
		s.messages[i].hdr.Namelen = unix.SizeofSockaddrInet6
		return
	}
	putAddr4(&slot.name, [4]byte(p[16:]), 0)
	s.messages[i].hdr.Namelen = unix.SizeofSockaddrInet4
}

func (s *sender) sendSome(fd uintptr) bool {
	for s.first < s.n {
		n, errno := mmsg(unix.SYS_SENDMMSG, fd, s.messages[s.first:s.n])
		switch {
		case errno == unix.EAGAIN:
			return false
		case errno != 0:
			s.errno = errno
			return true
		}
		s.first += n
	}
	return true
}
