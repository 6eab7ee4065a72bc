package wire

import (
	"encoding/binary"
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"ipsec/klips"
	"ipsec/klips/offload"
	"ipsec/klips/packet"
	"ipsec/klips/wire/ike"
)

// receiveBatch is how many packets a system call receives at most.
const receiveBatch = 32

// An Inlet is a socket that packets come in by, for one goroutine. Each packet
// is given whole: the header that the kernel removed is put back, and ESP in UDP gets an
// IP header that names ESP and Buffer.Encap. Several that came in one piece
// (UDP_GRO) have one such header, and Buffer.Segment; what among them is not ESP
// begins with four zeros, or has no more than four bytes.
type Inlet struct {
	wire   *Wire
	six    bool
	udp    bool
	shared bool // the port, with other sockets of the wire
	proto  uint8
	file   *os.File
	raw    syscall.RawConn

	messages []mmsghdr
	slots    []slot
	bufs     []*packet.Buffer // that are prepared
	n        int
	errno    syscall.Errno
	waited   bool // for the packets that are being read
	alone    bool // the last one that was waited for, was
	some     func(fd uintptr) bool

	bulk *bulk // that sends by the same socket; nil for none
}

func newInlet(w *Wire, family, kind, proto int, shared bool) (*Inlet, error) {
	in := &Inlet{wire: w, six: family == unix.AF_INET6, udp: kind == unix.SOCK_DGRAM, shared: shared, proto: uint8(proto)}
	var err error
	in.file, in.raw, err = socket(w.name, family, kind, proto, in.setup)
	if err != nil {
		return nil, err
	}
	in.messages, in.slots = slots(receiveBatch)
	in.some = in.receiveSome
	return in, nil
}

// segments reports whether the kernel cuts what is sent (UDP_SEGMENT, Linux 4.18).
func (in *Inlet) segments() (ok bool) {
	err := in.raw.Control(func(fd uintptr) {
		_, err := unix.GetsockoptInt(int(fd), solUDP, unix.UDP_SEGMENT)
		ok = err == nil
	})
	return ok && err == nil
}

func (in *Inlet) setup(fd int) error {
	if in.shared {
		if err := set(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT); err != nil {
			return err
		}
	}
	if in.udp && in.wire.want&offload.GRO != 0 && unix.SetsockoptInt(fd, solUDP, unix.UDP_GRO, 1) == nil { // Linux 5.0
		in.wire.offloads |= offload.GRO
	}
	if !in.six {
		if err := set(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, unix.IP_RECVTOS, unix.IP_RECVERR); err != nil || !in.udp {
			return err
		}
		// A long IKE message goes in fragments: it has no other way. With DONT
		// in place of OMIT, the kernel would keep to itself what routers say.
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_OMIT); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrInet4{Port: klips.EncapPort})
	}
	if err := set(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, unix.IPV6_RECVTCLASS, unix.IPV6_RECVHOPLIMIT, unix.IPV6_RECVERR); err != nil || !in.udp {
		return err
	}
	if err := set(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY); err != nil {
		return err
	}
	return unix.Bind(fd, &unix.SockaddrInet6{Port: klips.EncapPort})
}

// overflows returns how many packets the kernel had no room for.
func (in *Inlet) overflows() (n uint64) {
	var info [unix.SK_MEMINFO_VARS]uint32
	_ = in.raw.Control(func(fd uintptr) { // it fails once there is nothing to count
		size := uint32(unsafe.Sizeof(info))
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
		if errno == 0 { // Linux 4.12
			n = uint64(info[unix.SK_MEMINFO_DROPS])
		}
	})
	return n
}

// ReadBatch waits for a packet and returns how many it has put into the first
// of bufs, which it may put into another order. Errors other than os.ErrClosed,
// after Wire.Close, are passing.
func (in *Inlet) ReadBatch(bufs []*packet.Buffer) (int, error) {
	bufs = bufs[:min(len(bufs), receiveBatch)]
	for failures := 0; ; {
		in.prepare(bufs)
		in.n, in.errno, in.waited = len(bufs), 0, false
		if err := in.raw.Read(in.some); err != nil { // which is not os.ErrClosed, and for no other reason
			return 0, os.ErrClosed
		}
		in.alone = in.n == 1
		if in.errno != 0 {
			in.drainErrors()
			// An ICMP message, which anyone can send, is an error of a kind of
			// its own, told once, and takes nothing from the queue. One that
			// stays is of the interface.
			if failures++; failures < 100 {
				continue
			}
			return 0, in.errno
		}
		kept := 0
		for i := range in.n {
			bufs[i].SetLen(int(in.messages[i].len))
			if in.restore(i, bufs[i]) {
				bufs[i], bufs[kept] = bufs[kept], bufs[i]
				kept++
			}
		}
		if kept > 0 {
			return kept, nil
		}
	}
}

// prepare makes messages of the buffers: again only of those that the last ones were
// read into. What comes one by one does not wait for all the others.
func (in *Inlet) prepare(bufs []*packet.Buffer) {
	stale := len(bufs)
	if len(in.bufs) == len(bufs) && &in.bufs[0] == &bufs[0] {
		stale = max(1, in.n)
	}
	in.bufs = bufs
	for i, b := range bufs[:stale] {
		b.Reset()
		space := b.Space()
		in.slots[i].iov[0].Base = &space[0]
		in.slots[i].iov[0].SetLen(len(space))
		h := &in.messages[i].hdr
		h.Namelen = unix.SizeofSockaddrInet6
		h.Control = &in.slots[i].control[0]
		h.SetControllen(len(in.slots[i].control))
	}
}

func (in *Inlet) receiveSome(fd uintptr) bool {
	if in.waited && in.alone {
		in.n = 1 // where packets come one by one, none waits until there is no other
	}
	n, errno := mmsg(unix.SYS_RECVMMSG, fd, in.messages[:in.n])
	if errno == unix.EAGAIN {
		in.waited = true
		return false
	}
	in.n, in.errno = n, errno
	return true
}

// restore makes message i, in b, a whole packet, or reports that there is
// nothing in it for the data path.
func (in *Inlet) restore(i int, b *packet.Buffer) bool {
	if in.messages[i].hdr.Flags&unix.MSG_TRUNC != 0 {
		return false
	}
	if !in.udp && !in.six {
		return true
	}
	a := ancillary{ttl: 64}
	a.parse(in.slots[i].control[:in.messages[i].hdr.Controllen])
	from := addrPort(&in.slots[i].name)
	if !a.dst.IsValid() || !from.IsValid() {
		return false
	}
	if in.udp {
		to := netip.AddrPortFrom(a.dst, klips.EncapPort)
		if !in.unwrap(b.Bytes(), a.size, from, to) {
			return false
		}
		if a.size > 0 && a.size < b.Len() {
			b.Segment = a.size
		}
		b.Encap.Src, b.Encap.Dst = from, to
	}
	proto := in.proto
	if in.udp {
		proto = packet.ESP
	}
	outer := packet.Outer{Src: from.Addr(), Dst: a.dst, TOS: a.tos, TTL: a.ttl, Proto: proto}
	size := b.Len()
	if size+outer.Len() > packet.MaxSize {
		return false
	}
	outer.Put(b.Prepend(outer.Len()), size)
	return true
}

// unwrap delivers the IKE messages among datagrams of one size, and reports
// whether there is any ESP packet beside them.
func (in *Inlet) unwrap(p []byte, size int, from, to netip.AddrPort) (esp bool) {
	if size <= 0 {
		size = len(p)
	}
	for len(p) > 0 {
		datagram := p[:min(size, len(p))]
		p = p[len(datagram):]
		switch {
		case len(datagram) <= 4: // a keepalive, or nothing
		case binary.BigEndian.Uint32(datagram) != 0:
			esp = true
		case in.wire.hooks.IKE != nil:
			in.wire.hooks.IKE(ike.Message{Local: to, Remote: from, Payload: datagram[4:]})
		}
	}
	return esp
}

// drainErrors reads what ICMP said about packets that were sent.
func (in *Inlet) drainErrors() {
	var payload [64]byte
	var s slot
	in.raw.Control(func(fd uintptr) {
		for range 64 {
			h := unix.Msghdr{Iov: &s.iov[0], Name: (*byte)(unsafe.Pointer(&s.name)), Namelen: unix.SizeofSockaddrInet6, Control: &s.control[0]}
			h.SetIovlen(1)
			h.SetControllen(len(s.control))
			s.iov[0].Base = &payload[0]
			s.iov[0].SetLen(len(payload))
			n, _, errno := unix.Syscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&h)), unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
			if errno != 0 {
				return
			}
			var a ancillary
			a.parse(s.control[:h.Controllen])
			at := 0
			if in.proto == unix.IPPROTO_AH {
				at = 4
			}
			if a.mtu == 0 || int(n) < at+4 || in.wire.hooks.PathMTU == nil {
				continue
			}
			in.wire.hooks.PathMTU(addrPort(&s.name).Addr(), binary.BigEndian.Uint32(payload[at:]), a.mtu)
		}
	})
}

// sendIKE sends m with its marker from the address that it names. It does not
// wait: IKE sends again.
func (in *Inlet) sendIKE(m ike.Message) error {
	message := m.Payload
	if len(message) != 1 || message[0] != 0xff {
		message = append(make([]byte, 4, 4+len(message)), message...)
	}
	var to unix.Sockaddr
	var info []byte
	if local := m.Local.Addr(); in.six {
		to = &unix.SockaddrInet6{Port: int(m.Remote.Port()), Addr: m.Remote.Addr().As16()}
		info = unix.PktInfo6(&unix.Inet6Pktinfo{Addr: local.As16()})
	} else {
		to = &unix.SockaddrInet4{Port: int(m.Remote.Port()), Addr: m.Remote.Addr().As4()}
		info = unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: local.As4()})
	}
	if in.bulk != nil {
		in.bulk.mu.Lock()
		defer in.bulk.mu.Unlock()
	}
	var err error
	werr := in.raw.Write(func(fd uintptr) bool {
		if in.bulk != nil {
			in.bulk.set(fd, unix.IP_PMTUDISC_OMIT) // a long message goes in fragments
		}
		err = unix.Sendmsg(int(fd), message, info, to, unix.MSG_DONTWAIT)
		return true
	})
	if werr != nil {
		err = werr
	}
	return os.NewSyscallError("sendmsg", err)
}
