package pfkey

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"syscall"

	"ipsec/klips"
	"ipsec/klips/said"
)

var host = binary.NativeEndian

// Address families of a sockaddr.
const (
	afINET  = 2
	afINET6 = 10
)

// Encode returns the bytes of m. It fails with EINVAL when a value does not
// fit its field, and with EMSGSIZE when the message is longer than MaxMessage.
func Encode(m *Message) ([]byte, error) { return appendMessage(make([]byte, 0, 256), m) }

func appendMessage(b []byte, m *Message) ([]byte, error) {
	if m.Errno > 255 {
		return nil, invalid("errno %d does not fit a PF_KEY message", uintptr(m.Errno))
	}
	begin := len(b)
	b = append(b, Version, uint8(m.Type), uint8(m.Errno), uint8(m.SAType), 0, 0, 0, 0)
	b = host.AppendUint32(b, m.Seq)
	b = host.AppendUint32(b, m.PID)
	for _, e := range m.Exts {
		start := len(b)
		var err error
		if b, err = e.append(append(b, 0, 0, 0, 0)); err != nil {
			return nil, err
		}
		for len(b)%8 != 0 {
			b = append(b, 0)
		}
		if len(b) > MaxMessage {
			return nil, syscall.EMSGSIZE
		}
		host.PutUint16(b[start:], uint16((len(b)-start)/8))
		host.PutUint16(b[start+2:], uint16(e.Kind()))
	}
	host.PutUint16(b[begin+4:], uint16((len(b)-begin)/8))
	return b, nil
}

func (e Association) append(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(b, e.SPI)
	b = append(b, e.Replay, e.State, e.Auth, e.Encrypt)
	return host.AppendUint32(b, e.Flags), nil
}

func (e Lifetime) append(b []byte) ([]byte, error) {
	b = host.AppendUint32(b, e.Allocations)
	return words(b, e.Bytes, e.AddTime, e.UseTime, e.Packets), nil
}

func (e Address) append(b []byte) ([]byte, error) {
	if !plain(e.Addr) || int(e.Bits) > e.Addr.BitLen() {
		return nil, invalid("malformed address %v/%d", e.Addr, e.Bits)
	}
	b = append(b, e.Proto, e.Bits, 0, 0)
	if e.Addr.Is4() {
		b = host.AppendUint16(b, afINET)
		b = binary.BigEndian.AppendUint16(b, e.Port)
		a := e.Addr.As4()
		b = append(b, a[:]...)
		return append(b, make([]byte, 8)...), nil
	}
	b = host.AppendUint16(b, afINET6)
	b = binary.BigEndian.AppendUint16(b, e.Port)
	a := e.Addr.As16()
	b = append(b, 0, 0, 0, 0)
	b = append(b, a[:]...)
	return append(b, 0, 0, 0, 0), nil
}

func (e Key) append(b []byte) ([]byte, error) {
	if len(e.Key) == 0 || len(e.Key) > maxKey {
		return nil, invalid("a key of %d bytes; 1 to %d are possible", len(e.Key), maxKey)
	}
	b = host.AppendUint16(b, uint16(8*len(e.Key)))
	return append(append(b, 0, 0), e.Key...), nil
}

func (e Identity) append(b []byte) ([]byte, error) {
	b = append(b, 0, 0, 0, 0)
	return text(append(b, make([]byte, 8)...), e.Text)
}

func (e SPIRange) append(b []byte) ([]byte, error) {
	b = host.AppendUint32(b, e.Min)
	b = host.AppendUint32(b, e.Max)
	return append(b, 0, 0, 0, 0), nil
}

func (e Port) append(b []byte) ([]byte, error) {
	return append(binary.BigEndian.AppendUint16(b, e.Port), 0, 0), nil
}

func (e Replay) append(b []byte) ([]byte, error) {
	b = host.AppendUint32(b, e.Window)
	return append(b, flag(e.ESN), 0, 0, 0, 0, 0, 0, 0), nil
}

func (e Usage) append(b []byte) ([]byte, error) {
	return words(append(b, 0, 0, 0, 0), e.Last, e.Seq, e.Replays, e.Auths, e.Policies, e.Others), nil
}

func (e SAIDs) append(b []byte) ([]byte, error) {
	b = append(b, 0, 0, 0, 0)
	for _, id := range e.IDs {
		var err error
		if b, err = appendSAID(b, id); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (e Groups) append(b []byte) ([]byte, error) {
	b = append(b, 0, 0, 0, 0)
	for _, m := range e.Messages {
		var err error
		if b, err = appendMessage(b, m); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// saidSize is what a SAID takes in a group: address, SPI, family, protocol.
const saidSize = 24

func appendSAID(b []byte, id said.SAID) ([]byte, error) {
	if SATypeOf(id.Proto) == Unspec || !plain(id.Dst) {
		return nil, invalid("malformed SAID %q", id)
	}
	b = appendAddr(b, id.Dst)
	b = binary.BigEndian.AppendUint32(b, id.SPI)
	return append(b, family(id.Dst), uint8(id.Proto), 0, 0), nil
}

// selectorSize is what a selector takes in an inflow: two addresses, then
// family, protocol, two lengths of prefixes, two ports.
const selectorSize = 40

func (e Inflow) append(b []byte) ([]byte, error) {
	b = append(b, 0, 0, 0, 0)
	if len(e.Flows) > MaxFlows {
		return nil, invalid("%d flows come out of one SA; %d may", len(e.Flows), MaxFlows)
	}
	for _, s := range e.Flows {
		if err := checkSelector(s); err != nil {
			return nil, err
		}
		b = appendAddr(appendAddr(b, s.Src.Addr()), s.Dst.Addr())
		b = append(b, family(s.Src.Addr()), s.Proto, uint8(s.Src.Bits()), uint8(s.Dst.Bits()))
		b = binary.BigEndian.AppendUint16(b, s.SrcPort)
		b = binary.BigEndian.AppendUint16(b, s.DstPort)
	}
	return b, nil
}

func checkSelector(s klips.Selector) error {
	if !s.Src.IsValid() || !s.Dst.IsValid() || !plain(s.Src.Addr()) || !plain(s.Dst.Addr()) || s.Src.Addr().Is4() != s.Dst.Addr().Is4() {
		return invalid("malformed flow %v -> %v: it takes two prefixes of one address family", s.Src, s.Dst)
	}
	return nil
}

// nameSize is IFNAMSIZ: an interface's name and a NUL.
const nameSize = 16

func (e Attachment) append(b []byte) ([]byte, error) {
	b = append(b, byte(e.XDP), 0, 0, 0)
	for _, name := range []string{e.Virtual, e.Physical} {
		if len(name) >= nameSize || strings.ContainsRune(name, 0) {
			return nil, invalid("malformed name of an interface %q: it has at most 15 bytes", name)
		}
		b = append(b, name...)
		b = append(b, make([]byte, nameSize-len(name))...)
	}
	b = host.AppendUint32(b, uint32(e.MTU))
	b, err := text(host.AppendUint32(b, uint32(e.PhysicalMTU)), e.Offloads)
	if err != nil || e.Watcher == "" {
		return b, err
	}
	return text(b, e.Watcher)
}

func (e Drop) append(b []byte) ([]byte, error) {
	return text(words(append(b, 0, 0, 0, 0), e.Packets), e.Reason.String())
}

func (e Switches) append(b []byte) ([]byte, error) {
	return append(b, flag(e.FragICMP), flag(e.HideTOS), 0, 0), nil
}

func (e Text) append(b []byte) ([]byte, error) { return text(append(b, 0, 0, 0, 0), e.Text) }

func text(b []byte, s string) ([]byte, error) {
	if strings.ContainsRune(s, 0) {
		return nil, invalid("malformed text %q: it contains a NUL", s)
	}
	return append(append(b, s...), 0), nil
}

func words(b []byte, vs ...uint64) []byte {
	for _, v := range vs {
		b = host.AppendUint64(b, v)
	}
	return b
}

func flag(on bool) byte {
	if on {
		return 1
	}
	return 0
}

// plain reports whether a is an IPv4 or IPv6 address that a sockaddr holds as it is.
func plain(a netip.Addr) bool { return a.IsValid() && !a.Is4In6() && a.Zone() == "" }

func family(a netip.Addr) byte {
	if a.Is4() {
		return afINET
	}
	return afINET6
}

// appendAddr writes an address in 16 bytes; that of IPv4 is in the first four.
func appendAddr(b []byte, a netip.Addr) []byte {
	b = append(b, a.AsSlice()...)
	return append(b, make([]byte, 16-a.BitLen()/8)...)
}
