package wire

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

func putAddr4(name *unix.RawSockaddrInet6, addr [4]byte, port uint16) {
	four := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
	*four = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: addr}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&four.Port))[:], port)
}

// addrPort reads the address that recvmsg wrote; of a raw socket the port means nothing.
func addrPort(name *unix.RawSockaddrInet6) netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
	switch name.Family {
	case unix.AF_INET:
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(four.Addr), port)
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16(name.Addr), port)
	}
	return netip.AddrPort{}
}

// ancillary is what comes beside a packet.
type ancillary struct {
	dst      netip.Addr
	tos, ttl uint8
	mtu      int // from the error queue, 0 for none
	size     int // of the datagrams that the packet is made of, 0 for one
}

// parse reads control messages; unknown ones are skipped.
func (a *ancillary) parse(b []byte) {
	const header = unix.SizeofCmsghdr
	for len(b) >= header {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		if h.Len < header || h.Len > uint64(len(b)) {
			return
		}
		data := b[header:h.Len]
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= 12:
			a.dst = netip.AddrFrom4([4]byte(data[8:]))
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_TOS && len(data) >= 1:
			a.tos = data[0]
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= 16:
			a.dst = netip.AddrFrom16([16]byte(data))
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_TCLASS && len(data) >= 4:
			a.tos = uint8(binary.NativeEndian.Uint32(data))
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_HOPLIMIT && len(data) >= 4:
			a.ttl = uint8(binary.NativeEndian.Uint32(data))
		case h.Level == solUDP && h.Type == unix.UDP_GRO && len(data) >= 4:
			a.size = int(int32(binary.NativeEndian.Uint32(data)))
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_RECVERR,
			h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_RECVERR:
			if len(data) >= 16 && binary.NativeEndian.Uint32(data) == uint32(unix.EMSGSIZE) {
				a.mtu = int(binary.NativeEndian.Uint32(data[8:]))
			}
		}
		b = b[min(len(b), (int(h.Len)+7)&^7):]
	}
}
