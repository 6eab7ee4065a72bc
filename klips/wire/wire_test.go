package wire

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"ipsec/klips/offload"
)

// What the sockets do, the tests of the engine see, in namespaces.

func TestOpenNothing(t *testing.T) {
	if _, err := Open("no-such-link", Hooks{}, Options{Want: offload.All}); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("%v, want ENODEV", err)
	}
}

// control returns a control message as the kernel lays it out.
func control(level, kind int32, data ...byte) []byte {
	b := binary.NativeEndian.AppendUint64(nil, uint64(unix.SizeofCmsghdr+len(data)))
	b = binary.NativeEndian.AppendUint32(b, uint32(level))
	b = binary.NativeEndian.AppendUint32(b, uint32(kind))
	b = append(b, data...)
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	return b
}

func word(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }

func TestAncillary(t *testing.T) {
	four, six := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1")
	a6 := six.As16()
	failed := append(word(uint32(unix.EMSGSIZE)), append(word(0), word(1300)...)...)
	failed = append(failed, word(0)...)
	for name, c := range map[string]struct {
		in   []byte
		want ancillary
	}{
		"nothing": {},
		"IPv4":    {append(control(unix.IPPROTO_IP, unix.IP_TOS, 0xb8), control(unix.IPPROTO_IP, unix.IP_PKTINFO, 1, 0, 0, 0, 9, 9, 9, 9, 10, 0, 0, 1)...), ancillary{dst: four, tos: 0xb8}},
		"IPv6": {append(append(control(unix.IPPROTO_IPV6, unix.IPV6_TCLASS, word(3)...), control(unix.IPPROTO_IPV6, unix.IPV6_HOPLIMIT, word(61)...)...),
			control(unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, append(a6[:], 1, 0, 0, 0)...)...), ancillary{dst: six, tos: 3, ttl: 61}},
		"error":     {control(unix.IPPROTO_IP, unix.IP_RECVERR, failed...), ancillary{mtu: 1300}},
		"other":     {control(unix.SOL_SOCKET, 77, 1, 2, 3), ancillary{}},
		"cut short": {control(unix.IPPROTO_IP, unix.IP_PKTINFO, 1, 0, 0, 0, 9, 9, 9, 9, 10, 0, 0, 1)[:24], ancillary{}},
		"too short": {control(unix.IPPROTO_IP, unix.IP_PKTINFO, 1), ancillary{}},
		"nonsense":  {make([]byte, 40), ancillary{}},
	} {
		var got ancillary
		got.parse(c.in)
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
