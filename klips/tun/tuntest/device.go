// Package tuntest has a TUN device in memory.
package tuntest

import (
	"errors"
	"os"
	"sync"

	"ipsec/klips/packet"
)

// A Device stands for a TUN device. A test puts in what the host sends with
// Send, and takes what the host receives from Received.
type Device struct {
	Received chan []byte // packets written to the device; full means lost

	name    string
	mtu     int
	sent    chan []byte
	done    chan struct{}
	close   sync.Once
	removed bool
}

// New returns a device of that name and MTU.
func New(name string, mtu int) *Device {
	return &Device{name: name, mtu: mtu, Received: make(chan []byte, 1024), sent: make(chan []byte, 1024), done: make(chan struct{})}
}

// Send makes the host send a packet. It waits while 1024 are unread.
func (d *Device) Send(p []byte) {
	select {
	case d.sent <- append([]byte(nil), p...):
	case <-d.done:
	}
}

// Name implements tun.Device.
func (d *Device) Name() string { return d.name }

// MTU implements tun.Device.
func (d *Device) MTU() (int, error) { return d.mtu, nil }

// ReadBatch implements tun.Device.
func (d *Device) ReadBatch(bufs []*packet.Buffer) (int, error) {
	select {
	case p := <-d.sent:
		bufs[0].Set(p)
	case <-d.done:
		return 0, os.ErrClosed
	}
	for i := 1; i < len(bufs); i++ {
		select {
		case p := <-d.sent:
			bufs[i].Set(p)
		default:
			return i, nil
		}
	}
	return len(bufs), nil
}

// WriteBatch implements tun.Device.
func (d *Device) WriteBatch(bufs []*packet.Buffer) (int, error) {
	for _, b := range bufs {
		select {
		case d.Received <- append([]byte(nil), b.Bytes()...):
		default:
		}
	}
	return 0, nil
}

// Close implements tun.Device.
func (d *Device) Close() error {
	err := errors.New("closed twice")
	d.close.Do(func() { close(d.done); err = nil })
	return err
}

// Remove implements tun.Device.
func (d *Device) Remove() error {
	d.removed = true
	return d.Close()
}

// Removed reports, after Close or Remove, which it was.
func (d *Device) Removed() bool { return d.removed }
