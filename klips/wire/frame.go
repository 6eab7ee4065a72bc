package wire

import (
	"encoding/binary"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"ipsec/klips/packet"
)

// A header is an Ethernet header: destination, source, EtherType.
type header = [14]byte

// A framer sends whole IP packets as Ethernet frames.
type framer interface {
	// Send sends packets behind one header and returns how many: what is left
	// is for another to send. It may be called by several goroutines.
	Send(head *header, bufs []*packet.Buffer) (sent int, err error)
}

// packets is the framer of AF_PACKET, packet(7). What it sends goes past routing,
// ARP and netfilter, but not past the queueing discipline of the interface, nor
// those who watch it.
type packets struct {
	file *os.File
	raw  syscall.RawConn

	mu       sync.Mutex // guards what follows
	index    int        // of the interface
	messages []mmsghdr
	slots    []slot
	head     header
	first, n int
	errno    syscall.Errno
	some     func(fd uintptr) bool
}

func newPackets(index int) (*packets, error) {
	p := &packets{index: index}
	var err error
	// Protocol 0: nothing comes in by it.
	p.file, p.raw, err = socket("", unix.AF_PACKET, unix.SOCK_RAW, 0, func(int) error { return nil })
	if err != nil {
		return nil, err
	}
	p.messages, p.slots = slots(sendBatch)
	for i := range p.slots {
		p.slots[i].iov[0].Base = &p.head[0]
		p.slots[i].iov[0].SetLen(len(p.head))
		p.messages[i].hdr.SetIovlen(2)
		p.messages[i].hdr.Namelen = unix.SizeofSockaddrLinklayer
	}
	p.some = p.sendSome
	return p, nil
}

// move makes the interface that of another index.
func (p *packets) move(index int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.index = index
}

// Send implements framer. Packets that the queueing discipline drops are sent.
func (p *packets) Send(head *header, bufs []*packet.Buffer) (sent int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.head = *head
	for sent < len(bufs) {
		p.first, p.n, p.errno = 0, 0, 0
		for _, b := range bufs[sent:min(len(bufs), sent+sendBatch)] {
			data := b.Bytes()
			slot := &p.slots[p.n]
			slot.iov[1].Base = &data[0]
			slot.iov[1].SetLen(len(data))
			*(*unix.RawSockaddrLinklayer)(unsafe.Pointer(&slot.name)) = unix.RawSockaddrLinklayer{
				Family: unix.AF_PACKET, Protocol: binary.NativeEndian.Uint16(head[12:]), Ifindex: int32(p.index),
			}
			p.n++
		}
		if err := p.raw.Write(p.some); err != nil {
			return sent + p.first, os.ErrClosed // the poller has an error of its own for it
		}
		if sent += p.first; p.errno != 0 {
			return sent, p.errno
		}
	}
	return sent, nil
}

func (p *packets) sendSome(fd uintptr) bool {
	for p.first < p.n {
		n, errno := mmsg(unix.SYS_SENDMMSG, fd, p.messages[p.first:p.n])
		switch {
		case errno == unix.EAGAIN:
			return false
		case errno == unix.ENOBUFS: // it is full, and has dropped it
			p.first++
		case errno != 0:
			p.errno = errno
			return true
		default:
			p.first += n
		}
	}
	return true
}
