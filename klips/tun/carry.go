package tun

import (
	"fmt"
	"os"
	"sync"
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
func (d *Device) ReadBatch(bufs []*packet.Buffer) (int, error) {
	d.bufs, d.n, d.err = bufs, 0, nil
	if err := d.raw.Read(d.some); err != nil { // which is not os.ErrClosed, and for no other reason
		return 0, fmt.Errorf("failed to read %s: %w", d.name, os.ErrClosed)
	}
	return d.n, d.err
}

func (d *Device) readSome(fd uintptr) bool {
	for total := 0; d.n < len(d.bufs) && total < readLimit; {
		b := d.bufs[d.n]
		b.Reset()
		space := b.Space()
		if d.vnet {
			space = b.SpaceAfter(segment.VnetLen)
		}
		// It does not wait, so that the scheduler need not know.
		n, _, errno := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&space[0])), uintptr(len(space)))
		switch {
		case errno == unix.EINTR:
		case errno == unix.EAGAIN:
			return d.n > 0
		case errno != 0:
			if d.n == 0 {
				d.err = fmt.Errorf("failed to read %s: %w", d.name, errno)
			}
			return true
		default:
			total += int(n)
			if d.keep(b, space[:n]) {
				d.n++
			}
		}
	}
	return true
}

// keep makes b what was read, or reports that it is nothing.
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
	mu      sync.Mutex
	d       *Device
	joiner  segment.Joiner
	header  segment.Vnet
	parts   []unix.Iovec
	refused int
	last    syscall.Errno
	all     func(fd uintptr) bool
}

func (w *writer) init(d *Device) {
	w.d = d
	w.joiner.NoTCP = d.offloads&offload.Coalesce == 0
	w.joiner.NoUDP = w.joiner.NoTCP || d.offloads&offload.USO == 0
	w.all = w.writeAll
}

// WriteBatch gives packets to the host, those of a flow in their order. It
// returns how many were refused, and why the last one was.
func (d *Device) WriteBatch(bufs []*packet.Buffer) (refused int, err error) {
	if len(bufs) == 0 {
		return 0, nil
	}
	w := &d.writer
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused, w.last = 0, 0
	w.joiner.Join(bufs)
	if err := d.raw.Write(w.all); err != nil {
		return len(bufs), fmt.Errorf("failed to write %s: %w", d.name, os.ErrClosed)
	}
	if w.refused > 0 {
		return w.refused, w.last
	}
	return 0, nil
}

func (w *writer) writeAll(fd uintptr) bool {
	for i := range w.joiner.Groups {
		g := &w.joiner.Groups[i]
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
