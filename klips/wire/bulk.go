package wire

import (
	"encoding/binary"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"ipsec/klips"
	"ipsec/klips/packet"
)

// bulkBatch is how many trains a system call sends at most.
const bulkBatch = 8

// solUDP is the level of UDP's socket options.
const solUDP = unix.IPPROTO_UDP

// bulk sends trains by the UDP socket of an inlet, each in one piece that the
// kernel, or the interface, cuts (UDP_SEGMENT). The trains that it does not get
// rid of are for a sender.
type bulk struct {
	in *Inlet

	mu       sync.Mutex // guards what follows
	broken   bool       // the interface cannot compute checksums
	df       int        // the option of the socket that says whether to set DF
	messages []mmsghdr
	slots    []slot
	first, n int
	errno    syscall.Errno
	want     int // of df
	some     func(fd uintptr) bool
	one      func(fd uintptr) bool
}

func newBulk(in *Inlet) *bulk {
	b := &bulk{in: in, df: unix.IP_PMTUDISC_OMIT} // what setup has set
	b.messages, b.slots = slots(bulkBatch)
	b.some, b.one = b.sendSome, b.sendOne
	return b
}

// write sends trains, and returns how many before the first that it could not send.
func (k *bulk) write(bufs []*packet.Buffer) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	done := 0
	for done < len(bufs) && !k.broken {
		k.first, k.n = 0, 0
		df := k.wants(bufs[done])
		for _, b := range bufs[done:min(len(bufs), done+bulkBatch)] {
			if !k.goes(b) || k.wants(b) != df {
				break
			}
			k.prepare(b)
		}
		if k.n == 0 || !k.send(df) {
			done += k.first
			break
		}
		done += k.n
	}
	return done
}

// goes reports whether the socket is bound to the port that the train comes from.
func (k *bulk) goes(b *packet.Buffer) bool {
	t := trainOf(b)
	return binary.BigEndian.Uint16(t.b[t.head-packet.UDPLen:]) == klips.EncapPort
}

// wants returns the option that the train asks for: DF or not, and in either case
// regardless of what the kernel knows of the path to the peer: the engine tracks
// the MTU of paths itself.
func (k *bulk) wants(b *packet.Buffer) int {
	if !k.in.six && b.Bytes()[6]&0x40 != 0 {
		return unix.IP_PMTUDISC_PROBE
	}
	return unix.IP_PMTUDISC_OMIT
}

func (k *bulk) prepare(b *packet.Buffer) {
	t := trainOf(b)
	slot, h := &k.slots[k.n], &k.messages[k.n].hdr
	data := t.b[t.head:]
	slot.iov[0].Base = &data[0]
	slot.iov[0].SetLen(len(data))
	h.Control = &slot.control[0]
	c := controls{b: &slot.control}
	port := binary.BigEndian.Uint16(t.b[t.head-packet.UDPLen+2:])
	if k.in.six {
		slot.name = unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: [16]byte(t.b[24:])}
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&slot.name.Port))[:], port)
		h.Namelen = unix.SizeofSockaddrInet6
		copy(c.add(unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, unix.SizeofInet6Pktinfo), t.b[8:24])
		binary.NativeEndian.PutUint32(c.add(unix.IPPROTO_IPV6, unix.IPV6_TCLASS, 4), uint32(t.b[0]<<4|t.b[1]>>4))
	} else {
		putAddr4(&slot.name, [4]byte(t.b[16:]), port)
		h.Namelen = unix.SizeofSockaddrInet4
		copy(c.add(unix.IPPROTO_IP, unix.IP_PKTINFO, unix.SizeofInet4Pktinfo)[4:], t.b[12:16])
		binary.NativeEndian.PutUint32(c.add(unix.IPPROTO_IP, unix.IP_TOS, 4), uint32(t.b[1]))
	}
	if t.count > 1 {
		binary.NativeEndian.PutUint16(c.add(solUDP, unix.UDP_SEGMENT, 2), uint16(t.size))
	}
	h.SetControllen(c.n)
	k.n++
}

// send sends what is prepared.
func (k *bulk) send(df int) bool {
	k.want = df
	for k.first = 0; k.first < k.n; {
		k.errno = 0
		if err := k.in.raw.Write(k.some); err != nil {
			return false
		}
		switch k.errno {
		case 0:
			continue
		case unix.EIO:
			k.broken = true
			k.in.wire.hooks.Log("packets on " + k.in.wire.name + " go one by one: it computes no checksums")
			return false
		}
		// It may have been what ICMP said about an earlier message, and told once.
		k.errno = 0
		if err := k.in.raw.Write(k.one); err != nil || k.errno != 0 {
			return false
		}
	}
	return true
}

func (k *bulk) sendSome(fd uintptr) bool {
	k.set(fd, k.want)
	return k.sendFrom(fd, k.n)
}

// set sets the option of the socket that says whether to set DF.
func (k *bulk) set(fd uintptr, df int) {
	if k.df != df && !k.in.six {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, df) // the values are known since Linux 3.15
		k.df = df
	}
}

func (k *bulk) sendOne(fd uintptr) bool { return k.sendFrom(fd, k.first+1) }

func (k *bulk) sendFrom(fd uintptr, end int) bool {
	for k.first < end {
		n, errno := mmsg(unix.SYS_SENDMMSG, fd, k.messages[k.first:end])
		switch {
		case errno == unix.EAGAIN:
			return false
		case errno != 0:
			k.errno = errno
			return true
		}
		k.first += n
	}
	return true
}

// controls lays control messages out in b.
type controls struct {
	b *[128]byte
	n int
}

// add returns where the data of another message goes, zeroed.
func (c *controls) add(level, kind int32, size int) []byte {
	h := (*unix.Cmsghdr)(unsafe.Pointer(&c.b[c.n]))
	h.Level, h.Type = level, kind
	h.SetLen(unix.CmsgLen(size))
	data := c.b[c.n+unix.SizeofCmsghdr:][:size]
	clear(data)
	c.n += unix.CmsgSpace(size)
	return data
}
