package tun

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"ipsec/klips/offload"
	"ipsec/klips/packet"
	"ipsec/klips/segment"
)

// readLimit is how many bytes are read before what was read is dealt with: more
// would be out of the processor's cache by then.
const readLimit = 192 << 10

// ReadBatch waits for a packet, and returns how many it has put into the first
// of bufs: as many as there are, or as is good to deal with at once. Where a
// buffer has a Segment, its packet is to be cut. After Close the error is
// os.ErrClosed.
func (q *Queue) ReadBatch(bufs []*packet.Buffer) (int, error) {
	q.bufs, q.n, q.err, q.waited = bufs, 0, nil, false
	if err := q.raw.Read(q.some); err != nil { // which is not os.ErrClosed, and for no other reason
		return 0, fmt.Errorf("failed to read %s: %w", q.d.name, os.ErrClosed)
	}
	q.alone = q.n == 1
	return q.n, q.err
}

func (q *Queue) readSome(fd uintptr) bool {
	for total := 0; q.n < len(q.bufs) && total < readLimit; {
		b := q.bufs[q.n]
		b.Reset()
		space := b.Space()
		if q.d.vnet {
			space = b.SpaceAfter(segment.VnetLen)
		}
		// It does not wait, so that the scheduler need not know.
		n, _, errno := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&space[0])), uintptr(len(space)))
		switch {
		case errno == unix.EINTR:
		case errno == unix.EAGAIN:
			q.waited = true
			return q.n > 0
		case errno != 0:
			if q.n == 0 {
				q.err = fmt.Errorf("failed to read %s: %w", q.d.name, errno)
			}
			return true
		default:
			total += int(n)
			if q.d.keep(b, space[:n]) {
				q.n++
			}
			if q.waited && q.alone && q.n > 0 {
				return true // where packets come one by one, none waits until there is no other
			}
		}
	}
	return true
}

// keep makes b the packet that was read, or reports that there is none.
func (d *Device) keep(b *packet.Buffer, p []byte) bool {
	if !d.vnet {
		b.SetLen(len(p))
		return true
	}
	body, size, ok := segment.Parse(p)
	b.SetLen(len(body))
	b.Segment = size
	return ok
}

// A writer gives packets to the host. It is for one goroutine at a time.
type writer struct {
	d       *Device
	joiner  segment.Joiner
	header  segment.Vnet
	parts   []unix.Iovec
	queue   int // that is being written to
	refused int
	last    syscall.Errno
	all     func(fd uintptr) bool
}

// writer returns a writer that is not in use.
func (d *Device) writer() *writer {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.idle); n > 0 {
		w := d.idle[n-1]
		d.idle = d.idle[:n-1]
		return w
	}
	w := &writer{d: d}
	w.joiner.NoTCP = d.offloads&offload.Coalesce == 0
	w.joiner.NoUDP = w.joiner.NoTCP || d.offloads&offload.USO == 0
	w.all = w.writeAll
	return w
}

func (d *Device) rest(w *writer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.idle = append(d.idle, w)
}

// WriteBatch gives packets to the host, those of a flow in their order. It
// returns how many were refused, and why the last one was. Of several goroutines
// none waits for another: a flow is for one of them.
func (d *Device) WriteBatch(bufs []*packet.Buffer) (refused int, err error) {
	if len(bufs) == 0 {
		return 0, nil
	}
	w := d.writer()
	defer d.rest(w)
	w.refused, w.last = 0, 0
	w.joiner.Join(bufs)
	for i, q := range d.queues {
		w.queue = i
		if err := q.raw.Write(w.all); err != nil {
			return len(bufs), fmt.Errorf("failed to write %s: %w", d.name, os.ErrClosed)
		}
	}
	if w.refused > 0 {
		return w.refused, w.last
	}
	return 0, nil
}

// writeAll writes what belongs to a queue. A flow always goes by the same one,
// since that makes the kernel keep what answers it there: with whatever queue
// the writer has at hand, all flows of an SA would come out of one.
func (w *writer) writeAll(fd uintptr) bool {
	for i := range w.joiner.Groups {
		g := &w.joiner.Groups[i]
		if n := len(w.d.queues); n > 1 && int(g.Flow()%uint32(n)) != w.queue {
			continue
		}
		if errno := w.write(fd, g); errno != 0 {
			w.refused, w.last = w.refused+g.Count, errno
		}
	}
	return true
}

func (w *writer) write(fd uintptr, g *segment.Group) syscall.Errno {
	bufs := w.joiner.Packets()
	w.parts = w.parts[:0]
	if w.d.vnet {
		g.Finish()
		w.header.Put(g)
		w.parts = append(w.parts, iovec(w.header[:]))
	}
	w.parts = append(w.parts, iovec(bufs[g.First].Bytes()))
	for i := w.joiner.After(g.First); i >= 0; i = w.joiner.After(i) {
		w.parts = append(w.parts, iovec(bufs[i].Bytes()[g.Head:]))
	}
	for {
		_, _, errno := unix.RawSyscall(unix.SYS_WRITEV, fd, uintptr(unsafe.Pointer(&w.parts[0])), uintptr(len(w.parts)))
		if errno != unix.EINTR {
			return errno
		}
	}
}
