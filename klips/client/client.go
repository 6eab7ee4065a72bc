// Package client speaks PF_KEYv2 to the daemon "ipsec klips".
package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"ipsec/klips"
	"ipsec/klips/pfkey"
	"ipsec/klips/process/rootonly"
)

// Timeout is how long the daemon may take to answer a request, or to go on
// with a dump, before the request fails.
const Timeout = 10 * time.Second

// Client forwards each operation of klips.Table to the daemon. It may be used
// by many at once; requests go one after the other. When the connection is
// lost the request fails, and the next one makes a new connection.
//
// An error that the daemon gave is a *pfkey.Error and wraps its errno:
// errors.Is(err, syscall.EEXIST) tells that there is one already. When there is no
// daemon, errors.Is(err, syscall.ECONNREFUSED) or syscall.ENOENT holds, and
// errors.Is(err, ErrDown).
type Client struct {
	path    string
	timeout time.Duration

	mu   sync.Mutex // guards what follows
	conn *os.File   // nil when there is none
	seq  uint32
	pid  uint32
	buf  []byte
}

var _ klips.Table = (*Client)(nil)

// ErrDown says that no daemon answers at the socket.
var ErrDown = errors.New("KLIPS is not running")

// Dial connects to the daemon whose socket is at path.
func Dial(path string) (*Client, error) {
	c := &Client{path: path, timeout: Timeout, pid: uint32(os.Getpid()), buf: make([]byte, pfkey.MaxMessage)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.connect(); err != nil {
		return nil, err
	}
	return c, nil
}

// Close ends the connection.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop()
	return nil
}

func (c *Client) connect() error {
	conn, err := dial(c.path, c.timeout)
	if err != nil {
		return err
	}
	if c.conn, err = pfkey.Blocking(conn, c.timeout, c.timeout); err != nil {
		return fmt.Errorf("failed to connect to KLIPS at %s: %w", c.path, err)
	}
	return nil
}

func dial(path string, timeout time.Duration) (*net.UnixConn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := rootonly.Dial(ctx, "unixpacket", path)
	switch {
	case errors.Is(err, syscall.ENAMETOOLONG):
		return nil, err
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%w: failed to connect to %s: %w", ErrDown, path, rootCause(err))
	case err != nil:
		return nil, fmt.Errorf("failed to connect to KLIPS at %s: %w", path, rootCause(err))
	}
	return conn, nil
}

// rootCause leaves out the words of package net, which name the path again.
func rootCause(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

func (c *Client) drop() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// do sends a request and passes each message of the answer to each, until it
// returns false. What is not an error of the daemon's ends the connection.
func (c *Client) do(m *pfkey.Message, each func(*pfkey.Message) (more bool, err error)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seq++
	m.Seq, m.PID = c.seq, c.pid
	b, err := pfkey.Encode(m)
	if err != nil {
		return err
	}
	defer clear(b) // it may hold keys
	if err := c.send(b); err != nil {
		c.drop()
		return err
	}
	for {
		reply, err := c.receive(m)
		if err != nil {
			c.drop()
			return err
		}
		if err := reply.Err(); err != nil {
			return err
		}
		more, err := each(reply)
		if err != nil {
			c.drop() // the rest of a dump would be taken for the next answer
			return err
		}
		if !more {
			return nil
		}
	}
}

// send writes b, over a new connection when the daemon has closed the old one,
// which shows before it has got anything.
func (c *Client) send(b []byte) error {
	for fresh := false; ; fresh = true {
		if c.conn == nil {
			if err := c.connect(); err != nil {
				return err
			}
			fresh = true
		}
		_, err := c.conn.Write(b)
		if err == nil {
			return nil
		}
		c.drop()
		if fresh || !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			return c.lost(err)
		}
	}
}

func (c *Client) receive(m *pfkey.Message) (*pfkey.Message, error) {
	reply, err := read(c.conn, c.buf)
	if err != nil {
		return nil, c.lost(err)
	}
	if reply.Type != m.Type || reply.Seq != m.Seq {
		return nil, fmt.Errorf("KLIPS answers %v, number %d, with %v, number %d", m.Type, m.Seq, reply.Type, reply.Seq)
	}
	return reply, nil
}

func read(conn io.Reader, buf []byte) (*pfkey.Message, error) {
	n, err := conn.Read(buf)
	if err != nil {
		return nil, err
	}
	return pfkey.Decode(buf[:n])
}

func (c *Client) lost(err error) error {
	if errors.Is(err, syscall.EAGAIN) {
		return fmt.Errorf("KLIPS at %s has not answered for %v: %w", c.path, c.timeout, syscall.ETIMEDOUT)
	}
	return fmt.Errorf("lost the connection to KLIPS at %s: %w", c.path, err)
}

// ask sends a request whose answer is one message, and returns it.
func (c *Client) ask(m *pfkey.Message) (answer *pfkey.Message, err error) {
	err = c.do(m, func(r *pfkey.Message) (bool, error) {
		answer = r
		return false, nil
	})
	return answer, err
}

// dump sends a request whose answer is one message for each entry.
func dump[T any](c *Client, m *pfkey.Message, read func(*pfkey.Message) (T, error)) (entries []T, err error) {
	err = c.do(m, func(r *pfkey.Message) (bool, error) {
		if len(r.Exts) == 0 {
			return false, nil
		}
		e, err := read(r)
		if err == nil {
			entries = append(entries, e)
		}
		return true, err
	})
	return entries, err
}

// Registration receives the events of the daemon, over a connection of its own.
type Registration struct {
	conn *net.UnixConn
	buf  []byte
	stop func() bool
	ctx  context.Context
}

// Register asks for the daemon's events from now on. They end with the
// context, and when the daemon cuts the connection: because it ends, or because too
// many events were waiting. Who is cut off registers again and then lists what is
// there.
func (c *Client) Register(ctx context.Context) (*Registration, error) {
	conn, err := dial(c.path, c.timeout)
	if err != nil {
		return nil, err
	}
	r := &Registration{conn: conn, buf: make([]byte, pfkey.MaxMessage), ctx: ctx}
	conn.SetDeadline(time.Now().Add(c.timeout))
	r.stop = context.AfterFunc(ctx, func() { conn.Close() })
	b, err := pfkey.Encode(&pfkey.Message{Type: pfkey.Register, Seq: 1, PID: uint32(os.Getpid())})
	if err == nil {
		_, err = conn.Write(b)
	}
	var reply *pfkey.Message
	if err == nil {
		reply, err = read(conn, r.buf)
	}
	if err == nil {
		err = reply.Err()
	}
	if err == nil && reply.Type != pfkey.Register {
		err = fmt.Errorf("KLIPS answers %v with %v", pfkey.Register, reply.Type)
	}
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("failed to register at %s: %w", c.path, err)
	}
	conn.SetDeadline(time.Time{})
	return r, nil
}

// Next waits for an event. It returns the error of the context when that has
// ended.
func (r *Registration) Next() (klips.Event, error) {
	m, err := read(r.conn, r.buf)
	if err == nil {
		return m.Event()
	}
	if r.ctx.Err() != nil {
		return nil, r.ctx.Err()
	}
	return nil, fmt.Errorf("lost the events of KLIPS: %w", err)
}

// Close ends the registration.
func (r *Registration) Close() error {
	r.stop()
	return r.conn.Close()
}
