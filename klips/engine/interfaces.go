package engine

import (
	"net/netip"

	"ipsec/klips"
	"ipsec/klips/offload"
	"ipsec/klips/packet"
	"ipsec/klips/wire/ike"
)

// A System opens interfaces. It may be a [Describer], too.
type System interface {
	// OpenDevice opens a virtual interface and makes it, with that MTU,
	// where there is none.
	OpenDevice(name string, mtu int) (Device, error)
	// OpenWire opens the physical interface of an attachment.
	OpenWire(at klips.Attachment, hooks Hooks) (Wire, error)
}

// A Describer is a System that has several ways of carrying packets.
type Describer interface {
	// Describe says for a person which ways the interfaces of an attachment,
	// which it has opened, use, and why they do not use others; and which rule of
	// netfilter keeps raw ESP from going past it, "" for none.
	Describe(Device, Wire) (ways, watcher string)
}

// Hooks are what a Wire calls, from the goroutines that read it. They must not
// wait, and keep nothing of what they are given.
type Hooks struct {
	IKE func(ike.Message) // takes what came to UDP port 4500 and is not ESP

	// PathMTU takes what a router says is the longest packet that reaches
	// dst, on account of one with that SPI (the ICMP is not authentic: the
	// SPI is all there is to judge it by).
	PathMTU func(dst netip.Addr, spi uint32, mtu int)

	Log func(string) // takes what an administrator should know
}

// A Device is a virtual interface.
type Device interface {
	// Queues returns what the packets of the host come out of, those of a flow
	// in their order. Where a Buffer has a Segment its packet is to be cut.
	Queues() []Queue
	// WriteBatch gives packets to the host, those of a flow in their order;
	// it returns how many were refused, and why the last one was.
	WriteBatch(bufs []*packet.Buffer) (refused int, last error)
	MTU() (int, error)
	Close() error  // leaves the interface there
	Remove() error // takes it away
}

// A Queue is read by one goroutine. It may be a [Sizer], too.
type Queue interface {
	// ReadBatch waits for packets and returns how many it has put into the
	// first of bufs; once they are closed, or taken away, the error is
	// os.ErrClosed.
	ReadBatch(bufs []*packet.Buffer) (int, error)
}

// An Inlet is a Queue that whole IP packets with ESP or AH come in by. Errors other
// than os.ErrClosed are passing. Where a Buffer has a Segment it has an IP header
// and several ESP packets.
type Inlet = Queue

// A Sizer is an Inlet that says what it is to be read with. Others are read with
// half a batch of buffers for the longest packet.
type Sizer interface {
	// Batch returns how many Buffers ReadBatch has a use for, and the size in
	// bytes of the packets that they need room for; 0 where packets lie in memory
	// of the Inlet.
	Batch() (n, size int)
}

// A Wire is a physical interface. It may be an [Expecter], an [Overflower] and a [User], too.
type Wire interface {
	Inlets() []Inlet
	// WriteBatch sends whole IP packets and, where a Buffer has a Segment,
	// ESP packets in UDP that have one header; it returns what that of Device does.
	// Those who write as one queue do not wait for those of another, and what
	// they send stays in its order.
	WriteBatch(queue int, bufs []*packet.Buffer) (refused int, last error)
	SendIKE(ike.Message) error // from UDP port 4500
	Refresh() error            // of what MTU and Owns say
	MTU() int
	Owns(netip.Addr) bool
	Close() error
}

// An Expecter is a Wire that has a way of its own for packets of one kind, and
// wants to know which will come.
type Expecter interface {
	// Expect says what ESP the SAs in force carry over this interface, where that
	// has changed. It may take milliseconds; the sweeper calls it.
	Expect(Traffic)
}

// A User is a Wire that can go past netfilter.
type User interface {
	// Use says when it does from now on. It may take milliseconds.
	Use(offload.Use)
}

// Traffic is the kinds of ESP that there are: raw, or in UDP, or both.
type Traffic struct{ Raw, UDP bool }

// An Overflower is a Wire that knows how many packets came and were lost before
// they were read, since it was opened.
type Overflower interface {
	Overflows() uint64
}
