package tun

import (
	"fmt"
	"os"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipsec/klips/offload"
	"ipsec/klips/packet"
)

// A Queue is where some of the flows that the host sends come out of a Device. The
// kernel keeps a flow on the queue by which the last packet of its other
// direction was written. It is for one goroutine.
type Queue struct {
	d    *Device
	file *os.File
	raw  syscall.RawConn

	// What readSome works on, kept here so that a read allocates nothing.
	bufs   []*packet.Buffer
	n      int
	err    error
	waited bool // for the packet that is being read
	alone  bool // the last one that was waited for, was
	some   func(fd uintptr) bool
}

// Queues returns the queues of the device, at least one.
func (d *Device) Queues() []*Queue { return d.queues }

// open opens that many queues, or as many of them as the device has room for.
func (d *Device) open(want offload.Set, queues int) error {
	d.several = queues > 1
	for len(d.queues) < max(1, queues) {
		if err := d.add(want); err != nil {
			if len(d.queues) > 0 {
				return nil
			}
			return err
		}
		if !d.several {
			break
		}
	}
	return nil
}

func (d *Device) add(want offload.Set) error {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("/dev/net/tun: %w", err)
	}
	if err := d.bind(fd, want); err != nil {
		unix.Close(fd)
		return err
	}
	// Only now can the poller watch it.
	q := &Queue{d: d, file: os.NewFile(uintptr(fd), "/dev/net/tun")}
	if q.raw, err = q.file.SyscallConn(); err != nil {
		q.file.Close()
		return err
	}
	q.some = q.readSome
	d.queues = append(d.queues, q)
	return nil
}

// opened returns how many queues of a device are open. Of one that has only one
// it says 0: the kernel lets nobody else open that.
func opened(link netlink.Link) int {
	if t, ok := link.(*netlink.Tuntap); ok {
		return t.Queues
	}
	return 0
}
