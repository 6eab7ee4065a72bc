package xdp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipsec/golden/lab"
	"ipsec/klips/packet"
)

var (
	west4, east4 = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	west6, east6 = netip.MustParseAddr("2001:db8:1:2:3:4:5:1"), netip.MustParseAddr("2001:db8:1:2:3:4:5:2")
)

// A cable joins two machines by an interface "wan" of either.
type cable struct {
	west, east       *lab.Machine
	westMAC, eastMAC net.HardwareAddr
	program          *Program
}

func newCable(t testing.TB) *cable {
	t.Helper()
	lab.NeedXDP(t)
	c := &cable{west: lab.New(t, "west"), east: lab.New(t, "east")}
	lab.Connect(t, c.west, "wan", c.east, "wan")
	c.westMAC, c.eastMAC = mac(t, c.west), mac(t, c.east)
	c.program = load(t)
	return c
}

func load(t testing.TB) *Program {
	t.Helper()
	p, err := Load()
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EINVAL) {
		lab.Missing(t, "this test needs XDP: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func mac(t testing.TB, m *lab.Machine) (addr net.HardwareAddr) {
	t.Helper()
	err := m.Do(func() error {
		i, err := net.InterfaceByName("wan")
		if err == nil {
			addr = i.HardwareAddr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// attach is Program.Attach on a machine, until the test ends.
func (c *cable) attach(t testing.TB, m *lab.Machine, local ...netip.Addr) *Link {
	t.Helper()
	var l *Link
	err := m.Do(func() (err error) {
		l, err = c.program.Attach("wan")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.SetLocal(local); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(t, l) })
	return l
}

// end closes a link and lets its readers leave.
func end(t testing.TB, l *Link) {
	t.Helper()
	if err := l.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	for _, in := range l.Inlets() {
		if n, err := in.ReadBatch(packet.NewBuffers(1, 0)); n != 0 || !errors.Is(err, os.ErrClosed) {
			t.Errorf("a read of a closed link: %d, %v", n, err)
		}
	}
}

// header returns the header of a frame from west to east.
func (c *cable) header(kind uint16) *Header {
	var h Header
	copy(h[:], c.eastMAC)
	copy(h[6:], c.westMAC)
	binary.BigEndian.PutUint16(h[12:], kind)
	return &h
}

// tap is a packet socket on "wan" of a machine, which sees what the kernel's
// stack sees.
func tap(t testing.TB, m *lab.Machine) *os.File {
	t.Helper()
	var file *os.File
	err := m.Do(func() error {
		i, err := net.InterfaceByName("wan")
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
		file = os.NewFile(uintptr(fd), "tap")
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 32<<20); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: 0x0300, Ifindex: i.Index})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// marked returns a payload that tells one packet from another.
func marked(n, size int) []byte {
	p := make([]byte, size)
	copy(p, "payload of the test")
	binary.BigEndian.PutUint32(p[20:], uint32(n))
	return p
}

// mark returns the number of a marked payload within b, or -1.
func mark(b []byte) int {
	_, rest, found := bytes.Cut(b, []byte("payload of the test"))
	if !found || len(rest) < 5 {
		return -1
	}
	return int(binary.BigEndian.Uint32(rest[1:]))
}

// whole returns an IP packet.
func whole(o packet.Outer, payload []byte) []byte {
	p := append(make([]byte, o.Len()), payload...)
	o.TTL = 64
	o.Put(p, len(payload))
	return p
}

// TestTaken sends packets of all kinds, and sees which go by the socket and which
// by the kernel's stack: each by one of them, as it was.
func TestTaken(t *testing.T) {
	c := newCable(t)
	four := packet.Outer{Src: west4, Dst: east4, Proto: packet.ESP}
	six := packet.Outer{Src: west6, Dst: east6, Proto: packet.ESP}
	to := func(o packet.Outer, a netip.Addr) packet.Outer { o.Dst = a; return o }
	is := func(o packet.Outer, proto uint8) packet.Outer { o.Proto = proto; return o }
	change := func(at int, with ...byte) func([]byte) []byte {
		return func(p []byte) []byte { copy(p[at:], with); return p }
	}
	insert := func(at int, what ...byte) func([]byte) []byte {
		return func(p []byte) []byte { return append(append(bytes.Clone(p[:at]), what...), p[at:]...) }
	}
	cases := []struct {
		name   string
		outer  packet.Outer
		change func(frame []byte) []byte
		size   int
		taken  bool
	}{
		{"ESP", four, nil, 100, true},
		{"ESP as long as it may be", four, nil, 1480, true},
		{"ESP and IPv6", six, nil, 100, true},
		{"ESP and IPv6 as long as it may be", six, nil, 1460, true},
		{"with options", four, func(p []byte) []byte {
			p = insert(34, 1, 1, 1, 0)(p)
			p[14] = 0x46
			return p
		}, 100, true},
		{"DF", four, change(20, 0x40, 0), 100, true},
		{"second address", to(four, netip.MustParseAddr("192.0.2.99")), nil, 100, true},
		{"too long for a chunk", four, nil, 1700, false},
		{"first fragment", four, change(20, 0x20, 0), 100, false},
		{"last fragment", four, change(20, 0, 1), 100, false},
		{"last fragment, far behind", four, change(20, 0x1f, 0), 100, false},
		{"foreign", to(four, netip.MustParseAddr("192.0.2.3")), nil, 100, false},
		{"foreign and IPv6", to(six, netip.MustParseAddr("2001:db8:1:2:3:4:5:3")), nil, 100, false},
		{"foreign and IPv6, the third word", to(six, netip.MustParseAddr("2001:db8:1:2:3:9:5:2")), nil, 100, false},
		{"foreign and IPv6, the second word", to(six, netip.MustParseAddr("2001:db8:1:9:3:4:5:2")), nil, 100, false},
		{"foreign and IPv6, the first word", to(six, netip.MustParseAddr("2001:db9:1:2:3:4:5:2")), nil, 100, false},
		{"foreign and IPv6, its end ours", to(six, netip.MustParseAddr("::9:192.0.2.2")), nil, 100, false},
		{"UDP", is(four, packet.UDP), nil, 100, false},
		{"AH", is(four, packet.AH), nil, 100, false},
		{"UDP and IPv6", is(six, packet.UDP), nil, 100, false},
		{"behind another header", is(six, 60), insert(54, 50, 0, 1, 4, 0, 0, 0, 0), 100, false},
		{"tagged", four, insert(12, 0x81, 0, 0, 5), 100, false},
		{"no IP", four, change(12, 0x88, 0xb5), 100, false},
	}
	kernel := tap(t, c.east)
	l := c.attach(t, c.east, east4, east6, netip.MustParseAddr("192.0.2.99"))
	c.east.Sh(t, "ip link set wan mtu 3000")
	c.west.Sh(t, "ip link set wan mtu 3000")
	wire := tap(t, c.west)
	var sent [][]byte
	for i, x := range cases {
		kind := uint16(unix.ETH_P_IP)
		if x.outer.Dst.Is6() {
			kind = unix.ETH_P_IPV6
		}
		frame := append(c.header(kind)[:], whole(x.outer, marked(i, x.size))...)
		if x.change != nil {
			frame = x.change(frame)
		}
		if _, err := wire.Write(frame); err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
		sent = append(sent, frame)
	}
	came := make([]string, len(cases))
	note := func(way string, frame []byte) {
		i := mark(frame)
		if i < 0 || i >= len(cases) {
			return // not ours
		}
		came[i] += way
		want := sent[i]
		if way == "socket" {
			want = want[headerLen:]
		} else if want[12] == 0x81 { // the tag has gone beside the frame
			want = append(bytes.Clone(want[:12]), want[16:]...)
		}
		if !bytes.Equal(frame, want) {
			t.Errorf("%s: % x came, want % x", cases[i].name, frame, want)
		}
	}
	var left int
	for _, x := range cases {
		if x.taken {
			left++
		}
	}
	for bufs := packet.NewBuffers(4, 0); left > 0; {
		n, err := l.Inlets()[0].ReadBatch(bufs)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range bufs[:n] {
			note("socket", b.Bytes())
		}
		left -= n
	}
	drain(t, kernel, func(frame []byte) bool { note("kernel", frame); return mark(frame) == len(cases)-1 })
	for i, x := range cases {
		want := "kernel"
		if x.taken {
			want = "socket"
		}
		if came[i] != want {
			t.Errorf("%s went by %q, want %q", x.name, came[i], want)
		}
	}

	// What is no address of the interface any more is not taken any more.
	if err := l.SetLocal([]netip.Addr{east6}); err != nil {
		t.Fatal(err)
	}
	if _, err := wire.Write(sent[0]); err != nil {
		t.Fatal(err)
	}
	drain(t, kernel, func(frame []byte) bool { return mark(frame) == 0 })
}

// drain reads frames until one is the last.
func drain(t *testing.T, file *os.File, last func([]byte) bool) {
	t.Helper()
	file.SetReadDeadline(time.Now().Add(10 * time.Second))
	for frame := make([]byte, 64<<10); ; {
		n, err := file.Read(frame)
		if err != nil {
			t.Fatalf("no more frames: %v", err)
		}
		if last(frame[:n]) {
			return
		}
	}
}

// TestSend sends more than there is memory for, and sees it arrive in order.
func TestSend(t *testing.T) {
	c := newCable(t)
	kernel := tap(t, c.east)
	l := c.attach(t, c.west)
	const count = 3 * sendChunks
	head := c.header(unix.ETH_P_IP)
	var bufs []*packet.Buffer
	add := func(p []byte) {
		b := packet.NewBuffer(len(p))
		b.Set(p)
		bufs = append(bufs, b)
	}
	for i := range count {
		add(whole(packet.Outer{Src: west4, Dst: east4, Proto: packet.ESP}, marked(i, 64+i%1000)))
	}
	for rest := bufs; len(rest) > 0; {
		n, err := l.Send(head, rest[:min(len(rest), 300)])
		if err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	next := 0
	drain(t, kernel, func(frame []byte) bool {
		i := mark(frame)
		if i < 0 {
			return false
		}
		if i != next {
			t.Fatalf("frame %d came, want %d", i, next)
		}
		if want := append(head[:], bufs[i].Bytes()...); !bytes.Equal(frame, want) {
			t.Fatalf("frame %d: % x, want % x", i, frame, want)
		}
		next++
		return next == count
	})

	add(whole(packet.Outer{Src: west4, Dst: east4, Proto: packet.ESP}, marked(0, 1481)))
	if n, err := l.Send(head, []*packet.Buffer{bufs[0], bufs[count], bufs[1]}); n != 1 || !errors.Is(err, unix.EMSGSIZE) {
		t.Errorf("a packet that is too long: %d, %v; want 1, EMSGSIZE", n, err)
	}
	c.west.Sh(t, "ip link set wan down")
	if n, err := l.Send(head, bufs[:1]); !errors.Is(err, unix.ENETDOWN) {
		t.Errorf("an interface that is down: %d, %v; want ENETDOWN", n, err)
	}
	end(t, l)
	if n, err := l.Send(head, bufs[:1]); n != 0 || !errors.Is(err, os.ErrClosed) {
		t.Errorf("a link that is closed: %d, %v; want 0, closed", n, err)
	}
}
