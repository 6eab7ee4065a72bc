package whack

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"ipsec/klips/process/rootonly"
)

// Limits of a server.
const (
	maxClients   = 64
	maxWaiting   = 32 << 20         // bytes of lines that a client has not read yet
	requestTime  = 10 * time.Second // for a client to say what it wants
	writeTime    = 30 * time.Second // for a client to read anything at all
	farewellTime = time.Second      // for a client to read what waits for it when the server ends
)

// Server answers the whacks of a control socket.
type Server struct {
	// Handle begins to do what a call asks for. It is called in a goroutine of
	// the client and must not wait long; it may keep the call, and must end it
	// with Done once.
	Handle func(*Call)
	// Log takes a line about a client that was refused or cut off; nil for nobody.
	Log func(string)

	listener *rootonly.Listener
	wg       sync.WaitGroup

	mu      sync.Mutex
	clients map[*client]struct{}
}

// NewServer returns a server of a control socket.
func NewServer(listener *rootonly.Listener) *Server {
	return &Server{listener: listener, clients: make(map[*client]struct{})}
}

// Serve answers until ctx ends, and then takes the socket away. It returns
// when all its goroutines have ended; calls that are not done then end with an
// exit status that says so.
func (s *Server) Serve(ctx context.Context) error {
	err := s.listener.Serve(ctx, "a whack", s.log, s.admit)
	s.mu.Lock()
	for c := range s.clients {
		c.farewell()
	}
	s.mu.Unlock()
	s.wg.Wait()
	return err
}

func (s *Server) log(line string) {
	if s.Log != nil {
		s.Log(line)
	}
}

// admit starts the goroutines of a client, or refuses it.
func (s *Server) admit(conn *net.UnixConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.clients) >= maxClients {
		s.log(fmt.Sprintf("refused a whack: %d others wait already", maxClients))
		conn.Close()
		return
	}
	c := newClient(conn)
	s.clients[c] = struct{}{}
	s.wg.Go(func() {
		c.run(s)
		s.mu.Lock()
		delete(s.clients, c)
		s.mu.Unlock()
	})
}
