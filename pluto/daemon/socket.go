package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"ipsec/pluto"
	"ipsec/pluto/natt"
)

// maxMessage is the length in bytes of the longest datagram of UDP.
const maxMessage = 65535

// nonESPMarker precedes IKE on port 4500 (RFC 3948, section 2.2).
var nonESPMarker = [4]byte{}

// endpoint is an address of a physical interface at a port.
type endpoint struct {
	link string // "" for no interface in particular
	addr netip.AddrPort
}

// A socket is bound to an endpoint: to the interface itself, too, so that what
// is sent leaves there even when the route to the peer leads into a tunnel.
type socket struct {
	endpoint
	conn   *net.UDPConn
	gone   chan struct{} // closed when nothing more is to be delivered
	closed sync.WaitGroup
}

// bind opens a socket and reads it until it is closed. deliver may wait, until
// gone is closed: who closes the socket may be whom it waits for.
func bind(at endpoint, deliver func(d pluto.Datagram, gone <-chan struct{})) (*socket, error) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		cerr := c.Control(func(fd uintptr) { err = setup(int(fd), at) })
		return errors.Join(cerr, err)
	}}
	conn, err := config.ListenPacket(context.Background(), "udp", at.addr.String())
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return nil, fmt.Errorf(`failed to listen for IKE on %s: another program has the port ("ss -lunp" tells which); end it, then run "ipsec auto --ready"`, at)
	case err != nil:
		return nil, fmt.Errorf("failed to listen for IKE on %s: %w", at, rootCause(err))
	}
	s := &socket{endpoint: at, conn: conn.(*net.UDPConn), gone: make(chan struct{})}
	s.closed.Go(func() { s.read(deliver) })
	return s, nil
}

func setup(fd int, at endpoint) error {
	level, option, omit := unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_OMIT
	if at.addr.Addr().Is6() {
		level, option, omit = unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_OMIT
	}
	// A long message that the peer does not take in fragments of IKE goes in
	// those of IP: it has no other way.
	if err := unix.SetsockoptInt(fd, level, option, omit); err != nil {
		return err
	}
	if at.link == "" {
		return nil
	}
	return unix.BindToDevice(fd, at.link)
}

// String names the endpoint: eth0 192.0.2.1:500.
func (e endpoint) String() string {
	if e.link == "" {
		return e.addr.String()
	}
	return e.link + " " + e.addr.String()
}

func (s *socket) read(deliver func(pluto.Datagram, <-chan struct{})) {
	buf := make([]byte, maxMessage)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // what ICMP, which anyone can send, says of what was sent
			continue
		}
		payload := buf[:n]
		if s.addr.Port() == natt.Port {
			if n <= len(nonESPMarker) || [4]byte(payload) != nonESPMarker {
				continue
			}
			payload = payload[len(nonESPMarker):]
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		deliver(pluto.Datagram{Local: s.addr, Remote: from, Payload: append([]byte(nil), payload...)}, s.gone)
	}
}

// send sends a message. It does not wait for long: the queue of an interface is
// what could make it.
func (s *socket) send(d pluto.Datagram) error {
	payload := d.Payload
	if s.addr.Port() == natt.Port && !natt.IsKeepalive(payload) {
		payload = append(nonESPMarker[:len(nonESPMarker):len(nonESPMarker)], payload...)
	}
	_, err := s.conn.WriteToUDPAddrPort(payload, d.Remote)
	return rootCause(err)
}

func (s *socket) close() {
	close(s.gone)
	s.conn.Close()
	s.closed.Wait()
}

// rootCause leaves out the words of package net, which name the addresses again.
func rootCause(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}
