package ike

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Socket is the end of KLIPS: it serves one client, the latest.
type Socket struct {
	listener *net.UnixListener
	log      func(string)

	mu     sync.Mutex
	client *net.UnixConn
	record []byte
	closed bool
}

// Listen makes the socket at path, of mode 0600. A socket file that nobody
// answers at is replaced. log takes what an administrator should know; it may be nil.
func Listen(path string, log func(string)) (*Socket, error) {
	if log == nil {
		log = func(string) {}
	}
	if fi, err := os.Lstat(path); err == nil && fi.Mode().Type() == os.ModeSocket {
		conn, err := net.DialTimeout("unixpacket", path, time.Second)
		if err == nil {
			conn.Close()
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return nil, fmt.Errorf("failed to listen at %s: a process answers there: %w", path, syscall.EADDRINUSE)
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("failed to remove a socket that nobody answers at: %w", err)
		}
	}
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		cerr := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) })
		return errors.Join(cerr, err)
	}}
	l, err := config.Listen(context.Background(), "unixpacket", path)
	if err != nil {
		return nil, fmt.Errorf("failed to listen at %s: %w", path, err)
	}
	return &Socket{listener: l.(*net.UnixListener), log: log, record: make([]byte, 0, MaxLen)}, nil
}

// Deliver passes a message to the client, and drops it where there is none or
// it does not read: IKE sends again. It does not keep the payload, and does not wait.
func (s *Socket) Deliver(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil || len(m.Payload) > MaxLen-HeaderLen {
		return
	}
	s.record = m.Append(s.record[:0])
	raw, err := s.client.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Write(func(fd uintptr) bool {
		_ = unix.Send(int(fd), s.record, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		return true // whatever came of it
	})
}

// Run serves clients until the context ends, which closes the socket and
// removes it. What a client sends goes to send, one message at a time.
func (s *Socket) Run(ctx context.Context, send func(Message) error) error {
	var readers sync.WaitGroup
	defer readers.Wait()
	stop := context.AfterFunc(ctx, func() {
		s.listener.Close()
		s.replace(nil, true)
	})
	defer stop()
	for {
		conn, err := s.listener.AcceptUnix()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil:
			s.log(fmt.Sprintf("failed to accept a client for IKE: %v", err))
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		if err := admit(conn); err != nil {
			s.log(err.Error())
			conn.Close()
			continue
		}
		s.replace(conn, false)
		readers.Go(func() { s.read(conn, send) })
	}
}

func (s *Socket) replace(conn *net.UnixConn, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		s.client.Close()
	}
	s.client, s.closed = conn, s.closed || closed
	if s.closed && conn != nil {
		conn.Close()
	}
}

func (s *Socket) read(conn *net.UnixConn, send func(Message) error) {
	defer func() {
		s.mu.Lock()
		if s.client == conn {
			s.client = nil
		}
		s.mu.Unlock()
		conn.Close()
	}()
	record := make([]byte, MaxLen)
	for {
		n, err := conn.Read(record)
		if err != nil || n == 0 {
			return
		}
		m, err := Parse(record[:n])
		if err == nil {
			err = send(m)
		}
		if err != nil {
			s.log(fmt.Sprintf("failed to send an IKE message: %v", err))
		}
	}
}

func admit(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var cred *unix.Ucred
	cerr := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err := errors.Join(cerr, err); err != nil {
		return fmt.Errorf("failed to ask who a client for IKE is: %w", err)
	}
	if cred.Uid != 0 && int(cred.Uid) != os.Geteuid() {
		return fmt.Errorf("refused a client for IKE of user %d: only root and user %d are served", cred.Uid, os.Geteuid())
	}
	return nil
}

// A Conn is the end of Pluto.
type Conn struct {
	conn   *net.UnixConn
	in     []byte
	mu     sync.Mutex
	record []byte
}

// Dial connects to the socket of KLIPS at path.
func Dial(ctx context.Context, path string) (*Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unixpacket", path)
	if err != nil {
		return nil, fmt.Errorf("failed to connect to KLIPS for IKE: %w", err)
	}
	return &Conn{conn: conn.(*net.UnixConn), in: make([]byte, MaxLen)}, nil
}

// Receive waits for a message, whose payload is good until the next call. It is
// for one goroutine at a time, and ends with an error after Close.
func (c *Conn) Receive() (Message, error) {
	for {
		n, err := c.conn.Read(c.in)
		if err != nil {
			return Message{}, fmt.Errorf("failed to receive from KLIPS: %w", err)
		}
		if n == 0 {
			return Message{}, fmt.Errorf("failed to receive from KLIPS: %w", net.ErrClosed)
		}
		if m, err := Parse(c.in[:n]); err == nil {
			return m, nil
		}
	}
}

// sendTime is how long Send may wait for a KLIPS that does not read.
const sendTime = 100 * time.Millisecond

// Send has KLIPS send a message from Local, whose port is 4500, to Remote. Where
// KLIPS does not take it soon, it is lost.
func (c *Conn) Send(m Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.record = m.Append(c.record[:0])
	c.conn.SetWriteDeadline(time.Now().Add(sendTime))
	if _, err := c.conn.Write(c.record); err != nil {
		return fmt.Errorf("failed to send by KLIPS: %w", err)
	}
	return nil
}

// Close closes the connection.
func (c *Conn) Close() error { return c.conn.Close() }
