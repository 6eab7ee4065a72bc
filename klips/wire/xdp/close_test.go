package xdp

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"ipsec/golden/lab"
	"ipsec/klips/packet"
)

// TestCloseLosesNothing closes a link while its reader is about to sleep and a
// packet has just come: the reader gets the packet, and then os.ErrClosed.
func TestCloseLosesNothing(t *testing.T) {
	c := newCable(t)
	from, to := c.attach(t, c.west), c.attach(t, c.east, east4)
	in := to.Inlets()[0]
	out := packet.NewBuffers(1, 1500)
	out[0].Set(whole(packet.Outer{Src: west4, Dst: east4, Proto: packet.ESP}, marked(7, 100)))
	closed := make(chan error, 1)
	in.wait = func(uintptr) bool { // sleeps without a watch, so that only the end wakes it
		if n, err := from.Send(c.header(unix.ETH_P_IP), out); n != 1 || err != nil {
			t.Errorf("sent %d, %v", n, err)
		}
		lab.Until(t, "the packet has come", func() bool { return in.socket.rx.filled(1) == 1 })
		in.wait = in.waits
		go func() { closed <- to.Close() }()
		return false
	}
	bufs := packet.NewBuffers(4, 0)
	if n, err := in.ReadBatch(bufs); n != 1 || err != nil || mark(bufs[0].Bytes()) != 7 {
		t.Errorf("at the end: %d packets, %v, expected the one that had come", n, err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if n, err := in.ReadBatch(bufs); n != 0 || !errors.Is(err, os.ErrClosed) {
		t.Errorf("after it: %d packets, %v, expected os.ErrClosed", n, err)
	}
}
