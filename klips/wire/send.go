package wire

import (
	"encoding/binary"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"ipsec/klips/packet"
)

// sendBatch is how many packets a system call sends at most.
const sendBatch = 64

// A sender puts whole IP packets of one family on the wire, one by one.
type sender struct {
	six  bool
	file *os.File
	raw  syscall.RawConn

	mu       sync.Mutex // guards what follows
	messages []mmsghdr
	slots    []slot
	heads    [sendBatch][packet.IPv6Len + packet.UDPLen]byte // of the packets of a train
	first, n int                                             // the messages to send
	refused  int
	last     error
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

// write sends packets and trains of the sender's family. It returns how many
// packets were refused, and why the last one was.
func (s *sender) write(bufs []*packet.Buffer) (refused int, last error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused, s.last = 0, nil
	for _, b := range bufs {
		if b.Segment == 0 {
			s.add(b.Bytes(), nil)
			continue
		}
		t := trainOf(b)
		for i := range t.count {
			piece := t.piece(i)
			s.add(t.headOf(s.room(), i, piece), piece)
		}
	}
	s.flush()
	return s.refused, s.last
}

// room returns where the header of the next message may lie.
func (s *sender) room() []byte {
	if s.n == sendBatch {
		s.flush()
	}
	return s.heads[s.n][:]
}

// add makes a message of a packet that lies in two pieces; there may be no second.
func (s *sender) add(head, rest []byte) {
	if s.n == sendBatch {
		s.flush()
	}
	slot, h := &s.slots[s.n], &s.messages[s.n].hdr
	slot.iov[0].Base = &head[0]
	slot.iov[0].SetLen(len(head))
	h.SetIovlen(1)
	if len(rest) > 0 {
		slot.iov[1].Base = &rest[0]
		slot.iov[1].SetLen(len(rest))
		h.SetIovlen(2)
	}
	if s.six {
		slot.name = unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: [16]byte(head[24:])}
		h.Namelen = unix.SizeofSockaddrInet6
	} else {
		putAddr4(&slot.name, [4]byte(head[16:]), 0)
		h.Namelen = unix.SizeofSockaddrInet4
	}
	s.n++
}

func (s *sender) flush() {
	s.first = 0
	if err := s.raw.Write(s.some); err != nil {
		s.refused, s.last = s.refused+s.n-s.first, os.ErrClosed // the poller has an error of its own for it
	}
	s.n = 0
}

func (s *sender) sendSome(fd uintptr) bool {
	for s.first < s.n {
		n, errno := mmsg(unix.SYS_SENDMMSG, fd, s.messages[s.first:s.n])
		switch {
		case errno == unix.EAGAIN:
			return false
		case errno != 0:
			s.refused, s.last = s.refused+1, errno
			s.first++
		default:
			s.first += n
		}
	}
	return true
}

// A train is ESP packets in UDP to one destination, one behind the other and of
// one length but for the last, with one header of IP and UDP before them all.
type train struct {
	b     []byte
	head  int // length of the headers
	size  int // of an ESP packet
	count int
}

func trainOf(b *packet.Buffer) train {
	t := train{b: b.Bytes(), size: b.Segment, head: packet.IPv4Len + packet.UDPLen}
	if t.b[0]>>4 == 6 {
		t.head = packet.IPv6Len + packet.UDPLen
	}
	t.count = (len(t.b) - t.head + t.size - 1) / t.size
	return t
}

// piece returns an ESP packet of the train.
func (t *train) piece(i int) []byte {
	at := t.head + i*t.size
	return t.b[at:min(at+t.size, len(t.b))]
}

// headOf writes the headers of a packet of the train to room.
func (t *train) headOf(room []byte, i int, piece []byte) []byte {
	head := room[:copy(room, t.b[:t.head])]
	ip, udp := head[:t.head-packet.UDPLen], head[t.head-packet.UDPLen:]
	length := packet.UDPLen + len(piece)
	if ip[0]>>4 == 4 {
		binary.BigEndian.PutUint16(ip[4:], binary.BigEndian.Uint16(ip[4:])+uint16(i))
	}
	packet.SetLength(ip, len(ip)+length)
	binary.BigEndian.PutUint16(udp[4:], uint16(length))
	udp[6], udp[7] = 0, 0 // as RFC 3948, section 2.1, wants it in IPv4
	if ip[0]>>4 == 6 {
		sum := ^packet.Sum(piece, packet.Sum(udp, packet.Pseudo(ip, packet.UDP, length)))
		if sum == 0 {
			sum = 0xffff
		}
		binary.BigEndian.PutUint16(udp[6:], sum)
	}
	return head
}
