// Package server offers a klips.Table to other processes: PF_KEYv2 over a unix
// SOCK_SEQPACKET socket, as the daemon "ipsec klips" does.
//
// Each client has a goroutine that answers its requests, one after the other, and,
// when it has registered, one that passes events on. A client that does not read
// is cut off; neither the table nor any other client waits for it.
package server

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"ipsec/klips"
	"ipsec/klips/pfkey"
	"ipsec/klips/process/rootonly"
)

const (
	maxClients   = 64
	queueLength  = 256 // events that may wait for a client
	writeTimeout = 5 * time.Second
)

// Config is what a server needs.
type Config struct {
	Socket string             // the path of the socket
	Table  klips.Table        // may be called by many at once
	Events <-chan klips.Event // from the engine, for all clients that have registered; may be nil
	Log    func(line string)  // takes what an administrator should know; may be nil
	Debug  func(line string)  // takes what klipsdebug(8) calls pfkey: a line for each request; may be nil
	Ready  func() error       // is called once the socket answers; its error ends the server. May be nil.
}

// Run serves until the context ends, and then returns nil, having closed every
// connection and removed the socket, which serves root alone (package rootonly).
func Run(ctx context.Context, cfg Config) error {
	if cfg.Log == nil {
		cfg.Log = func(string) {}
	}
	if cfg.Debug == nil {
		cfg.Debug = func(string) {}
	}
	l, err := rootonly.Listen(ctx, "unixpacket", cfg.Socket)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &server{Config: cfg, peers: map[*peer]bool{}}
	s.wg.Add(2)
	go s.events(ctx)
	failed := make(chan error, 1)
	go func() {
		defer s.wg.Done()
		if err := l.Serve(ctx, "a client", cfg.Log, s.take); err != nil {
			failed <- err
		}
	}()
	if cfg.Ready != nil {
		err = cfg.Ready()
	}
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-failed:
		}
	}
	cancel()
	s.cutAll()
	s.wg.Wait()
	return err
}

type server struct {
	Config
	wg sync.WaitGroup

	mu     sync.Mutex
	peers  map[*peer]bool // and whether it has registered
	closed bool
}

// take is given each client.
func (s *server) take(conn *net.UnixConn) {
	p, err := newPeer(conn)
	if err != nil {
		s.Log(err.Error())
		return
	}
	if err := s.enter(p); err != nil {
		s.Log(err.Error())
		p.conn.Close()
	}
}

func (s *server) enter(p *peer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return net.ErrClosed
	case len(s.peers) >= maxClients:
		return fmt.Errorf("refused a client: %d are connected", len(s.peers))
	}
	s.peers[p] = false
	s.wg.Add(1)
	go s.read(p)
	return nil
}

// register has events sent to p from now on. They follow the answer, and none that
// happens meanwhile is lost.
func (s *server) register(p *peer, answer *pfkey.Message) error {
	s.mu.Lock()
	registered, ok := s.peers[p]
	fresh := ok && !registered && !s.closed
	if fresh {
		s.peers[p] = true
		s.wg.Add(1)
	}
	s.mu.Unlock()
	err := p.reply(answer)
	if fresh {
		go s.tell(p)
	}
	return err
}

func (s *server) leave(p *peer) {
	s.mu.Lock()
	delete(s.peers, p)
	s.mu.Unlock()
	p.cut()
}

func (s *server) cutAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for p := range s.peers {
		p.cut()
	}
}

// events passes on the events of the engine until the context ends.
func (s *server) events(ctx context.Context) {
	defer s.wg.Done()
	for {
		select {
		case <-ctx.Done():
			return
		case ev, ok := <-s.Events:
			if !ok {
				return
			}
			s.broadcast(ev)
		}
	}
}

func (s *server) broadcast(ev klips.Event) {
	m, err := pfkey.FromEvent(ev)
	var b []byte
	if err == nil {
		b, err = pfkey.Encode(m)
	}
	if err != nil {
		s.Log(fmt.Sprintf("failed to tell of an event: %v", err))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, registered := range s.peers {
		if !registered {
			continue
		}
		select {
		case p.out <- b:
		default:
			s.Log(fmt.Sprintf("cut off a client that has left %d events unread", queueLength))
			p.cut()
		}
	}
}
