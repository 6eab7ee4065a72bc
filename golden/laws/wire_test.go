package laws

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ipsec/golden/lab"
)

// marker is in each probe.
const marker = "this is in the clear"

// leak is a packet with a marker that nobody has encrypted.
type leak struct {
	at    time.Time
	bytes string
}

// capture reads what passes a link.
type capture struct {
	file *os.File
	done chan struct{}

	esp   atomic.Int64
	mu    sync.Mutex
	leaks []leak
}

// captureOn starts to read a link of a machine, until the test ends.
func captureOn(t *testing.T, m *lab.Machine, link string) *capture {
	t.Helper()
	c := &capture{done: make(chan struct{})}
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
		t.Fatal(err)
	}
	go c.read()
	t.Cleanup(func() {
		c.file.Close()
		<-c.done
	})
	return c
}

func (c *capture) read() {
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

func (c *capture) packet(frame []byte, at time.Time) {
	if len(frame) < 14+20 {
		return
	}
	if ip := frame[14:]; ip[0]>>4 == 4 && ip[9] == unix.IPPROTO_ESP || ip[0]>>4 == 6 && ip[6] == unix.IPPROTO_ESP {
		c.esp.Add(1)
	}
	if bytes.Contains(frame, []byte(marker)) {
		c.mu.Lock()
		c.leaks = append(c.leaks, leak{at, fmt.Sprintf("% x", frame[:min(len(frame), 64)])})
		c.mu.Unlock()
	}
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

// between returns the leaks of a time.
func (c *capture) between(from, to time.Time) []leak {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []leak
	for _, l := range c.leaks {
		if !l.at.Before(from) && l.at.Before(to) {
			list = append(list, l)
		}
	}
	return list
}

// probe is a socket of a machine that sends markers, and counts them.
type probe struct {
	name     string
	conn     *net.UDPConn
	to       *net.UDPAddr
	received atomic.Int64
}

// probes send every 10 ms, until the test ends.
func startProbes(t *testing.T, list []*probe) {
	t.Helper()
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for _, p := range list {
		wait.Go(func() {
			buf := make([]byte, 2048)
			for {
				n, err := p.conn.Read(buf)
				if ne, ok := err.(*net.OpError); err != nil && (!ok || ne.Err == net.ErrClosed || strings.Contains(err.Error(), "closed")) {
					return
				}
				if strings.Contains(string(buf[:n]), marker) {
					p.received.Add(1)
				}
			}
		})
	}
	wait.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				for _, p := range list {
					p.conn.WriteToUDP([]byte(p.name+": "+marker), p.to) // what cannot be sent does not leak
				}
			}
		}
	})
	t.Cleanup(func() {
		close(stop)
		for _, p := range list {
			p.conn.Close()
		}
		wait.Wait()
	})
}

// newProbe opens a probe on a machine.
func newProbe(t *testing.T, m *lab.Machine, from, to string) *probe {
	t.Helper()
	p := &probe{name: m.Name + " " + from + " > " + to, to: &net.UDPAddr{IP: net.ParseIP(to), Port: 4242}}
	err := m.Do(func() (err error) {
		p.conn, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(from), Port: 4242})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
