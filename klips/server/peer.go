package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"ipsec/klips/pfkey"
)

// peer is a client.
type peer struct {
	conn *net.UnixConn
	out  chan []byte   // what waits for it
	done chan struct{} // closed when it is cut off
	once sync.Once
}

// cut ends both goroutines of a client.
func (p *peer) cut() {
	p.once.Do(func() {
		close(p.done)
		p.conn.Close()
	})
}

// reply queues an answer; it waits when there is no room, which only this
// client's own reader does.
func (p *peer) reply(m *pfkey.Message) error {
	b, err := pfkey.Encode(m)
	if err != nil {
		if b, err = pfkey.Encode(m.Failure(err)); err != nil {
			return err
		}
	}
	select {
	case p.out <- b:
		return nil
	case <-p.done:
		return net.ErrClosed
	}
}

func (s *server) read(p *peer) {
	defer s.wg.Done()
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
			if !errors.Is(err, net.ErrClosed) {
				s.Log(fmt.Sprintf("cut off a client: %v", err))
			}
			return
		}
	}
}

func (s *server) write(p *peer) {
	defer s.wg.Done()
	defer p.cut()
	for {
		select {
		case <-p.done:
			return
		case b := <-p.out:
			p.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
			if _, err := p.conn.Write(b); err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					s.Log(fmt.Sprintf("cut off a client that has not read for %v", writeTimeout))
				}
				return
			}
		}
	}
}
