package lab

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Capture reads the packets that pass a link and keeps those that hold its marker in
// the clear.
type Capture struct {
	file   *os.File
	done   chan struct{}
	marker []byte

	mu    sync.Mutex
	kinds map[string]int
	leaks []Leak
}

// Leak is a packet that holds the marker unencrypted.
type Leak struct {
	At    time.Time
	Bytes string
}

// CaptureOn reads a link of a machine until the test ends, looking for marker.
func CaptureOn(t testing.TB, m *Machine, link, marker string) *Capture {
	t.Helper()
	c := &Capture{done: make(chan struct{}), marker: []byte(marker), kinds: make(map[string]int)}
	err := m.Do(func() error {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
		c.file = os.NewFile(uintptr(fd), "capture")
		iface, err := net.InterfaceByName(link)
		if err != nil {
			return err
		}
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8, Ifindex: iface.Index})
	})
	if err != nil {
		t.Fatalf("failed to capture on %s of %s: %v", link, m.Name, err)
	}
	go c.read()
	t.Cleanup(func() {
		c.file.Close()
		<-c.done
	})
	return c
}

func (c *Capture) read() {
	defer close(c.done)
	raw, err := c.file.SyscallConn()
	if err != nil {
		return
	}
	frame, control := make([]byte, 64<<10), make([]byte, 256)
	for {
		var n, oob int
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			n, oob, _, _, failed = unix.Recvmsg(int(fd), frame, control, 0)
			return failed != unix.EAGAIN
		})
		if err != nil {
			return
		}
		if failed == nil {
			c.packet(frame[:n], stampOf(control[:oob]))
		}
	}
}

func (c *Capture) packet(frame []byte, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if kind := kindOf(frame); kind != "" {
		c.kinds[kind]++
	}
	if bytes.Contains(frame, c.marker) {
		c.leaks = append(c.leaks, Leak{at, fmt.Sprintf("% x", frame[:min(len(frame), 64)])})
	}
}

// kindOf returns "esp", "ah", or "udp" for ESP within UDP; "" for all else.
func kindOf(frame []byte) string {
	const ethernet, ike = 14, 4500
	if len(frame) < ethernet+20 {
		return ""
	}
	ip := frame[ethernet:]
	proto, header := ip[9], int(ip[0]&15)*4
	if ip[0]>>4 == 6 {
		proto, header = ip[6], 40
	}
	switch proto {
	case unix.IPPROTO_ESP:
		return "esp"
	case unix.IPPROTO_AH:
		return "ah"
	case unix.IPPROTO_UDP:
		if len(ip) < header+12 {
			return ""
		}
		udp := ip[header:]
		port := func(b []byte) int { return int(b[0])<<8 | int(b[1]) }
		// Four bytes of 0 are the non-ESP marker of IKE (RFC 3948).
		if (port(udp) == ike || port(udp[2:]) == ike) && !bytes.Equal(udp[8:12], make([]byte, 4)) {
			return "udp"
		}
	}
	return ""
}

// stampOf returns when the kernel saw a packet.
func stampOf(control []byte) time.Time {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return time.Now()
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(unix.Timespec{})) {
			ts := *(*unix.Timespec)(unsafe.Pointer(&m.Data[0]))
			return time.Unix(ts.Unix())
		}
	}
	return time.Now()
}

// Count returns how many packets have passed so far: "esp", "ah", or "udp" for
// ESP in UDP.
func (c *Capture) Count(kind string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kinds[kind]
}

// Between returns the leaks from one time to another.
func (c *Capture) Between(from, to time.Time) []Leak {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Leak
	for _, l := range c.leaks {
		if !l.At.Before(from) && l.At.Before(to) {
			list = append(list, l)
		}
	}
	return list
}
