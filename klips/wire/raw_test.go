package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipsec/golden/lab"
	"ipsec/klips/offload"
	"ipsec/klips/packet"
)

// esp returns a packet that names ESP, with size bytes behind its header.
func esp(src, dst string, size int) *packet.Buffer {
	outer := packet.Outer{Src: netip.MustParseAddr(src), Dst: netip.MustParseAddr(dst), TTL: 64, Proto: packet.ESP, ID: 7}
	b := packet.NewBuffer(packet.MaxSize)
	p := make([]byte, outer.Len()+size)
	outer.Put(p, size)
	b.Set(p)
	return b
}

// TestESPTo tells what goes as frames from what does not.
func TestESPTo(t *testing.T) {
	four, six := esp("192.0.2.1", "192.0.2.2", 100), esp("2001:db8::1", "2001:db8::2", 100)
	change := func(b *packet.Buffer, f func(p []byte)) *packet.Buffer {
		c := packet.NewBuffer(packet.MaxSize)
		c.Set(b.Bytes())
		f(c.Bytes())
		return c
	}
	for name, c := range map[string]struct {
		b    *packet.Buffer
		want string
	}{
		"IPv4":           {four, "192.0.2.2 true"},
		"IPv6":           {six, "2001:db8::2 true"},
		"DF":             {change(four, func(p []byte) { p[6] = 0x40 }), "192.0.2.2 true"},
		"first fragment": {change(four, func(p []byte) { p[6] = 0x20 }), "192.0.2.2 false"},
		"last fragment":  {change(four, func(p []byte) { p[7] = 1 }), "192.0.2.2 false"},
		"options":        {change(four, func(p []byte) { p[0] = 0x46 }), "invalid IP false"},
		"UDP":            {change(four, func(p []byte) { p[9] = packet.UDP }), "192.0.2.2 false"},
		"extensions":     {change(six, func(p []byte) { p[6] = packet.Fragment }), "2001:db8::2 false"},
		"nothing":        {packet.NewBuffer(100), "invalid IP false"},
	} {
		dst, ok := espTo(c.b)
		if got := fmt.Sprint(dst, " ", ok); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestFrames sends as frames, and by the kernel what that is for, and allocates
// nothing.
func TestFrames(t *testing.T) {
	lab.NeedRoot(t)
	near, far := lab.New(t, "near"), lab.New(t, "far")
	lab.Connect(t, near, "eth0", far, "eth0")
	near.Sh(t, "ip addr add 192.0.2.1/24 dev eth0; ip addr add 2001:db8::1/64 dev eth0 nodad")
	near.Sh(t, "ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:22 dev eth0 nud permanent; ip neigh add 2001:db8::2 lladdr 02:00:00:00:00:22 dev eth0 nud permanent")
	var w *Wire
	var watch int
	err := near.Do(func() (err error) {
		w, err = Open("eth0", Hooks{}, Options{Want: offload.All})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	proto := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ALL >> 8, unix.ETH_P_ALL & 0xff})
	err = far.Do(func() (err error) {
		watch, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(proto))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(watch)
	if err := unix.SetsockoptTimeval(watch, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}); err != nil {
		t.Fatal(err)
	}
	var sent []*packet.Buffer
	for _, c := range [][2]string{{"192.0.2.1", "192.0.2.2"}, {"2001:db8::1", "2001:db8::2"}} {
		dst := netip.MustParseAddr(c[1])
		lab.Until(t, "the way to "+c[1]+" is known", func() bool {
			_, ok := w.raw.hops.Load().Find(dst, time.Now())
			return ok
		})
		list := []*packet.Buffer{esp(c[0], c[1], 100), esp(c[0], c[1], 1400), esp(c[0], c[1], 60)}
		if dst.Is4() {
			for _, b := range list {
				b.Bytes()[10] ^= 1 // the checksum, which the kernel would mend
			}
		}
		if n, err := w.WriteBatch(0, list); n != 0 {
			t.Fatalf("%d refused: %v", n, err)
		}
		frame := make([]byte, 2000)
		for i := 0; i < len(list); {
			n, err := unix.Read(watch, frame)
			if err != nil {
				t.Fatalf("packet %d of %s: %v", i, c[1], err)
			}
			want := list[i].Bytes()
			if n == 14+len(want) && string(frame[14:n]) == string(want) && string(frame[:6]) == "\x02\x00\x00\x00\x00\x22" {
				i++
			}
		}
		tooLong := []*packet.Buffer{esp(c[0], c[1], 1600)}
		if n, err := w.WriteBatch(0, tooLong); n != 1 || err != unix.EMSGSIZE {
			t.Errorf("too long: %d refused, %v, want EMSGSIZE", n, err)
		}
		sent = append(sent, list...)
	}
	if n := testing.AllocsPerRun(100, func() { w.WriteBatch(0, sent) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
