// Package tun makes, opens and removes the virtual interfaces of KLIPS: TUN
// devices that outlive the process, so that packets routed
// into one are dropped, and do not fall through to another route, when the
// daemon dies. Those that it made are known by their link alias, [Alias];
// it touches no other.
package tun

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipsec/conf/linkname"
	"ipsec/klips/offload"
)

// Alias marks a link as one that this package made.
const Alias = "ipsec klips"

// A Device is an open TUN device. One goroutine reads each of its queues, any
// number write.
type Device struct {
	name   string
	queues []*Queue

	offloads offload.Set // that are in use
	vnet     bool        // whether each packet has a header before it
	several  bool        // whether the device is one that may have several queues

	mu   sync.Mutex // guards what follows
	idle []*writer
}

// Open opens the persistent device of that name and makes it where there is
// none, with that MTU in bytes. It fails with EEXIST where the name is that of a link
// of somebody else, and EBUSY where the device is open already. It is like
//
//	ip tuntap add dev NAME mode tun user 0 && ip link set NAME alias 'ipsec klips' mtu MTU
//	echo 0 > /proc/sys/net/ipv4/conf/NAME/ignore_routes_with_linkdown
//
// Of the offloads it uses those that are in want and that the kernel has. It has as
// many queues as are asked for, and one where the device was made for one, as
// its flags cannot change.
func Open(name string, mtu int, want offload.Set, queues int) (*Device, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	isNew := false
	link, err := netlink.LinkByName(name)
	switch {
	case errors.As(err, new(netlink.LinkNotFoundError)):
		isNew = true
	case err != nil:
		return nil, fmt.Errorf("failed to look for %s: %w", name, err)
	case !IsOurs(link):
		return nil, fmt.Errorf("failed to open %s: there is a link of that name that is not ours: %w", name, syscall.EEXIST)
	case opened(link) > 0:
		return nil, fmt.Errorf("failed to open %s: another process has it open: %w", name, syscall.EBUSY)
	}
	d := &Device{name: name}
	if err := d.open(want, queues); err != nil {
		d.Close()
		return nil, fmt.Errorf("failed to open %s: %w", name, err)
	}
	if err := d.prepare(isNew, mtu); err != nil {
		d.Close()
		return nil, fmt.Errorf("failed to set up %s: %w", name, err)
	}
	return d, nil
}

// prepare marks a new device before it makes it persistent, so that one that is
// not marked never stays behind.
func (d *Device) prepare(isNew bool, mtu int) error {
	link, err := netlink.LinkByName(d.name)
	if err != nil {
		return err
	}
	if opened(link) > len(d.queues) { // at the same time as we did
		return fmt.Errorf("another process has it open: %w", syscall.EBUSY)
	}
	// A device without an owner is anybody's to open while we do not have it,
	// and to read what is routed into it.
	if err := d.control(unix.TUNSETOWNER, os.Geteuid()); err != nil {
		return err
	}
	if isNew {
		if err := netlink.LinkSetAlias(link, Alias); err != nil {
			return err
		}
		if err := netlink.LinkSetMTU(link, mtu); err != nil {
			return err
		}
		if err := d.control(unix.TUNSETPERSIST, 1); err != nil {
			return err
		}
	}
	for _, family := range []string{"ipv4", "ipv6"} {
		path := "/proc/sys/net/" + family + "/conf/" + d.name + "/ignore_routes_with_linkdown"
		err := os.WriteFile(path, []byte("0\n"), 0o644)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (d *Device) control(request uint, value int) (err error) {
	cerr := d.queues[0].raw.Control(func(fd uintptr) { err = unix.IoctlSetInt(int(fd), request, value) })
	return errors.Join(cerr, err)
}

// Name returns the name of the interface.
func (d *Device) Name() string { return d.name }

// MTU returns the MTU of the interface in bytes.
func (d *Device) MTU() (int, error) {
	link, err := netlink.LinkByName(d.name)
	if err != nil {
		return 0, fmt.Errorf("failed to look for %s: %w", d.name, err)
	}
	return link.Attrs().MTU, nil
}

// Close closes the device, which stays, and drops what is routed into it.
func (d *Device) Close() error {
	var err error
	for _, q := range d.queues {
		err = errors.Join(err, q.file.Close())
	}
	return err
}

// Remove closes the device and takes it away. It is like 'ip link delete NAME'.
func (d *Device) Remove() error {
	// EBADFD says that somebody was faster.
	if err := d.control(unix.TUNSETPERSIST, 0); err != nil && !errors.Is(err, unix.EBADFD) {
		return fmt.Errorf("failed to remove %s: %w", d.name, errors.Join(err, d.Close()))
	}
	return d.Close()
}

func checkName(name string) error {
	if !linkname.Valid(name) {
		return fmt.Errorf("malformed interface name %q: expected 1 to %d characters, without blanks, slashes and colons: %w", name, linkname.Max, syscall.EINVAL)
	}
	for _, c := range []byte(name) {
		if c < ' ' || c >= 0x7f || c == '%' { // of "%d" the kernel makes a number
			return fmt.Errorf("malformed interface name %q: found %q: %w", name, c, syscall.EINVAL)
		}
	}
	return nil
}
