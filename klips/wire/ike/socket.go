package ike

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"ipsec/klips/process/rootonly"
)

// A Socket is the end that KLIPS has. It serves one client, the latest.
type Socket struct {
	listener *rootonly.Listener
	log      func(string)

	mu     sync.Mutex
	client *net.UnixConn
	record []byte
}

// Listen makes the socket at path, which serves root alone (package rootonly). log
// takes what an administrator should know; it may be nil.
func Listen(ctx context.Context, path string, log func(string)) (*Socket, error) {
	if log == nil {
		log = func(string) {}
	}
	l, err := rootonly.Listen(ctx, "unixpacket", path)
	if err != nil {
		return nil, err
	}
	return &Socket{listener: l, log: log, record: make([]byte, 0, MaxLen)}, nil
}

// Deliver passes a message to the client. Where there is no client, or it does not
// read, the message is dropped: IKE retransmits. Deliver does not keep the payload and
// does not block.
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
		return true // never wait for the socket to be writable
	})
}

// Run serves clients until the context ends, which closes the socket and
// removes it. What a client sends goes to send, one message at a time.
func (s *Socket) Run(ctx context.Context, send func(Message) error) error {
	var readers sync.WaitGroup
	defer readers.Wait()
	defer s.replace(nil)
	return s.listener.Serve(ctx, "a client for IKE", s.log, func(conn *net.UnixConn) {
		s.replace(conn)
		readers.Go(func() { s.read(conn, send) })
	})
}

// replace cuts the client off, if there is one, and has conn be it; nil for none.
func (s *Socket) replace(conn *net.UnixConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		s.client.Close()
	}
	s.client = conn
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

// A Conn is the end that Pluto has.
type Conn struct {
	conn   *net.UnixConn
	in     []byte
	mu     sync.Mutex
	record []byte
}

// Dial connects to the socket of KLIPS at path.
func Dial(ctx context.Context, path string) (*Conn, error) {
	conn, err := rootonly.Dial(ctx, "unixpacket", path)
	if err != nil {
		return nil, fmt.Errorf("failed to connect to KLIPS for IKE: %w", err)
	}
	return &Conn{conn: conn, in: make([]byte, MaxLen)}, nil
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

// sendTime is how long Send waits for a KLIPS that does not read.
const sendTime = 100 * time.Millisecond

// Send has KLIPS send a message from m.Local, whose port is 4500, to m.Remote. The
// message is lost where KLIPS does not take it within sendTime.
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
