package engine_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipsec/golden/lab"
	"ipsec/klips/offload"
	"ipsec/klips/said"
)

// bulk is what a process of the test sends to another.
type bulk struct {
	Network, From, To string
	Bytes             int
	Seed              byte // of the data
}

// datagram is the length of one of UDP.
const datagram = 1200

// send sends, UDP in pieces that the kernel, or KLIPS, cuts. It returns the digest of
// what it sent.
func (b *bulk) send() (string, error) {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	if b.Network[:3] == "udp" {
		dialer.LocalAddr = &net.UDPAddr{IP: net.ParseIP(b.From)}
	} else {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(b.From)}
	}
	conn, err := dialer.Dial(b.Network, net.JoinHostPort(b.To, "7"))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return "", err
	}
	data := make([]byte, b.Bytes)
	random := rand.NewChaCha8([32]byte{b.Seed})
	random.Read(data)
	var got received
	if b.Network[:3] == "tcp" {
		got.add(b.Network, data)
		_, err := conn.Write(data)
		return got.String(), err
	}
	raw, err := conn.(*net.UDPConn).SyscallConn()
	if err != nil {
		return "", err
	}
	raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT, datagram) })
	if err != nil {
		return "", err
	}
	for at := 0; at < len(data); at += 30 * datagram {
		piece := data[at:min(at+30*datagram, len(data))]
		if _, err := conn.Write(piece); err != nil {
			return "", err
		}
		for len(piece) > 0 {
			n := min(datagram, len(piece))
			got.add(b.Network, piece[:n])
			piece = piece[n:]
		}
		time.Sleep(2 * time.Millisecond) // nothing else holds UDP back
	}
	return got.String(), nil
}

// received is a digest: of TCP in order, of UDP of the set of datagrams.
type received struct {
	mu    sync.Mutex
	all   []byte
	sum   [sha256.Size]byte
	count int
}

func (r *received) add(network string, p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if network[:3] == "tcp" {
		r.all = append(r.all, p...)
		return
	}
	for i, b := range sha256.Sum256(p) {
		r.sum[i] ^= b
	}
}

func (r *received) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) > 0 {
		return fmt.Sprintf("%d bytes %x", len(r.all), sha256.Sum256(r.all))
	}
	return fmt.Sprintf("%d datagrams %x", r.count, r.sum)
}

func (p *process) digest() string { return p.got.String() }

// serve receives until the process ends.
func (p *process) serve(network string) error {
	if network[:3] == "udp" {
		conn, err := net.ListenPacket(network, ":7")
		if err != nil {
			return err
		}
		raw, err := conn.(*net.UDPConn).SyscallConn()
		if err != nil {
			return err
		}
		raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20) })
		if err != nil {
			return err
		}
		go func() {
			buf := make([]byte, 65536)
			for {
				n, _, err := conn.ReadFrom(buf)
				if err != nil {
					return
				}
				p.got.add(network, buf[:n])
			}
		}()
		return nil
	}
	listener, err := net.Listen(network, ":7")
	if err != nil {
		return err
	}
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		data, _ := io.ReadAll(conn)
		p.got.add(network, bytes.Clone(data))
	}()
	return nil
}

// TestOffloads sends TCP, and UDP in pieces, through the real system, with each
// offload alone turned off, and with all of them: what comes is what was sent.
func TestOffloads(t *testing.T) {
	for _, without := range []offload.Set{0, offload.TSO, offload.USO, offload.Coalesce, offload.Segment, offload.GRO, offload.Packet, offload.XDP, offload.TSO | offload.USO | offload.Coalesce, offload.All} {
		for _, encap := range []bool{true, false} {
			if !encap && without&^(offload.Segment|offload.GRO) == 0 && without != 0 || encap && without&(offload.Packet|offload.XDP) != 0 && without != offload.All {
				continue // it is of the other
			}
			t.Run(fmt.Sprintf("without %v, in UDP %v", without, encap), func(t *testing.T) {
				t.Parallel()
				lab.NeedXDP(t)
				west, east := gatewaysOf(t, without, 0, true)
				c := conn{src: "192.1.2.23", dst: "192.1.2.45", srcNet: "10.1.0.0/16", dstNet: "10.2.0.0/16", protos: []said.Proto{said.IPIP, said.ESP}, sa: gcm(), encap: encap}
				c.both(west, east)
				six := conn{src: "2001:db8:1::23", dst: "2001:db8:1::45", srcNet: "fd01::/16", dstNet: "fd02::/16", protos: c.protos, sa: c.sa, encap: encap}
				six.both(west, east)
				if !encap && without&(offload.XDP|offload.Packet) == 0 {
					west.says("raw ESP goes by AF_XDP")
					east.says("raw ESP goes by AF_XDP")
				}
				for _, network := range []string{"tcp4", "udp4", "tcp6", "udp6"} {
					from, to := "10.1.0.1", "10.2.0.1"
					if network[3:] == "6" {
						from, to = "fd01::1", "fd02::1"
					}
					east.do(order{Serve: network})
					if network[:3] == "tcp" {
						carries(t, west, east, bulk{network, from, to, 2 << 20, 1})
						continue
					}
					for seed := range byte(8) { // as much as queues hold: nothing holds UDP back
						carries(t, west, east, bulk{network, from, to, 256 << 10, seed})
					}
				}
			})
		}
	}
}

// carries sends, and sees to it that what comes is what was sent.
func carries(t *testing.T, west, east *namespace, b bulk) {
	t.Helper()
	want, err := west.try(order{Send: &b})
	if err != nil {
		t.Fatalf("%s: %v; west dropped %s; east dropped %s", b.Network, err, west.do(order{Drops: true}), east.do(order{Drops: true}))
	}
	lab.Eventually(t, 10*time.Second, func() error {
		if got := east.do(order{Got: true}); got != want {
			return fmt.Errorf("%s: got %s, want %s; west dropped %s; east dropped %s", b.Network, got, want, west.do(order{Drops: true}), east.do(order{Drops: true}))
		}
		return nil
	})
	east.do(order{Forget: true})
}
