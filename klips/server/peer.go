package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"ipsec/klips/pfkey"
)

// peer is a client.
type peer struct {
	conn *os.File
	out  chan []byte   // events that wait to be written
	done chan struct{} // closed when it is cut off
	once sync.Once
}

// newPeer takes over the connection to a client.
func newPeer(conn *net.UnixConn) (*peer, error) {
	file, err := pfkey.Blocking(conn, 0, writeTimeout)
	if err != nil {
		return nil, fmt.Errorf("failed to take a client over: %w", err)
	}
	return &peer{conn: file, out: make(chan []byte, queueLength), done: make(chan struct{})}, nil
}

// cut ends both goroutines of a client; read closes the socket.
func (p *peer) cut() {
	p.once.Do(func() {
		close(p.done)
		if raw, err := p.conn.SyscallConn(); err == nil {
			raw.Control(func(fd uintptr) { unix.Shutdown(int(fd), unix.SHUT_RDWR) })
		}
	})
}

// reply answers a request. When the client does not read, only its own goroutine
// waits.
func (p *peer) reply(m *pfkey.Message) error {
	b, err := pfkey.Encode(m)
	if err != nil {
		if b, err = pfkey.Encode(m.Failure(err)); err != nil {
			return err
		}
	}
	return p.write(b)
}

// write sends one message. Its error is net.ErrClosed where the client has gone.
func (p *peer) write(b []byte) error {
	_, err := p.conn.Write(b)
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return fmt.Errorf("it has not read for %v", writeTimeout)
	case err != nil:
		return net.ErrClosed
	}
	return nil
}

// read answers the requests of a client until it goes away.
func (s *server) read(p *peer) {
	defer s.wg.Done()
	defer p.conn.Close()
	defer s.leave(p)
	buf := make([]byte, pfkey.MaxMessage+8)
	for {
		n, err := p.conn.Read(buf)
		if err != nil {
			return
		}
		m, err := pfkey.Decode(buf[:n])
		if err != nil {
			m, err = nil, p.reply(pfkey.HeaderOf(buf[:n]).Failure(err))
		}
		clear(buf[:n]) // it may have held keys
		if m != nil {
			err = s.serve(p, m)
		}
		if err != nil {
			s.cutOff(err)
			return
		}
	}
}

// tell passes events on to a client that has registered.
func (s *server) tell(p *peer) {
	defer s.wg.Done()
	defer p.cut()
	for {
		select {
		case <-p.done:
			return
		case b := <-p.out:
			if err := p.write(b); err != nil {
				s.cutOff(err)
				return
			}
		}
	}
}

func (s *server) cutOff(why error) {
	if !errors.Is(why, net.ErrClosed) {
		s.Log(fmt.Sprintf("cut off a client: %v", why))
	}
}
