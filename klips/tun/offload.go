package tun

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"

	"ipsec/klips/offload"
	"ipsec/klips/segment"
)

// bind makes fd a queue of the device, with those offloads of want that the kernel
// has. Settings of a device that outlived its process are made anew, but for
// whether it may have several queues.
func (d *Device) bind(fd int, want offload.Set) error {
	err := d.bindAs(fd, want)
	if errors.Is(err, unix.EINVAL) && len(d.queues) == 0 {
		d.several = !d.several
		err = d.bindAs(fd, want)
	}
	return err
}

func (d *Device) bindAs(fd int, want offload.Set) error {
	request, err := unix.NewIfreq(d.name)
	if err != nil {
		return err
	}
	flags := uint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if d.several {
		flags |= unix.IFF_MULTI_QUEUE
	}
	request.SetUint16(flags | unix.IFF_VNET_HDR)
	if want &= offload.TSO | offload.USO | offload.Coalesce; want != 0 && unix.IoctlIfreq(fd, unix.TUNSETIFF, request) == nil {
		d.vnet = true
		d.offload(fd, want)
		return nil
	}
	request.SetUint16(flags)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return err
	}
	_ = unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, 0) // where it is not known nothing is on
	return nil
}

// offload asks for what is wanted, and for less where the kernel does not know
// all of it: USO came with Linux 6.2.
func (d *Device) offload(fd int, want offload.Set) {
	_ = unix.IoctlSetPointerInt(fd, unix.TUNSETVNETHDRSZ, segment.VnetLen)
	for _, less := range []offload.Set{0, offload.USO, offload.USO | offload.TSO} {
		got := want &^ less
		flags := 0
		if got&offload.TSO != 0 {
			flags |= unix.TUN_F_CSUM | unix.TUN_F_TSO4 | unix.TUN_F_TSO6 | unix.TUN_F_TSO_ECN
		}
		if got&offload.USO != 0 {
			flags |= unix.TUN_F_CSUM | unix.TUN_F_USO4 | unix.TUN_F_USO6
		}
		if unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, flags) == nil {
			d.offloads = got
			return
		}
	}
	d.offloads = want & offload.Coalesce
}

// Offloads returns those that are in use.
func (d *Device) Offloads() offload.Set { return d.offloads }

// iovec is one for b.
func iovec(b []byte) unix.Iovec {
	v := unix.Iovec{Base: unsafe.SliceData(b)}
	v.SetLen(len(b))
	return v
}
