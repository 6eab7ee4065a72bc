package whack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
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

	listener *net.UnixListener
	path     string
	wg       sync.WaitGroup

	mu      sync.Mutex
	clients map[*client]struct{}
}

// Listen makes the control socket at path, 0600, in place of one that a server
// which is dead has left: its owner holds the lock of the daemon.
func Listen(path string) (*Server, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("failed to take away an old control socket: %w", err)
	}
	listener, err := listenPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("failed to make the control socket: %w", err)
	}
	return &Server{listener: listener, path: path, clients: make(map[*client]struct{})}, nil
}

// listenPrivate binds path so that it is nobody else's from the beginning: the
// socket is made beside it, and moved to it once it has its mode.
func listenPrivate(path string) (*net.UnixListener, error) {
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if err != nil {
		return nil, err
	}
	listener.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(temporary, 0o600), os.Rename(temporary, path)); err != nil {
		listener.Close()
		os.Remove(temporary)
		return nil, err
	}
	return listener, nil
}

// Serve answers until ctx ends, and then takes the socket away. It returns
// when all its goroutines have ended; calls that are not done then end with an
// exit status that says so.
func (s *Server) Serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		os.Remove(s.path)
		s.listener.Close()
	})
	defer stop()
	var failure error
	for {
		conn, err := s.listener.AcceptUnix()
		if err == nil {
			s.admit(conn)
			continue
		}
		if ctx.Err() == nil && !errors.Is(err, net.ErrClosed) {
			if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ECONNABORTED) {
				s.log("failed to accept a whack: " + err.Error())
				select {
				case <-time.After(100 * time.Millisecond):
				case <-ctx.Done():
				}
				continue
			}
			failure = fmt.Errorf("failed to accept whacks: %w", err)
		}
		break
	}
	s.listener.Close()
	s.mu.Lock()
	for c := range s.clients {
		c.farewell()
	}
	s.mu.Unlock()
	s.wg.Wait()
	return failure
}

// Close gives up a server that does not serve.
func (s *Server) Close() error {
	os.Remove(s.path)
	return s.listener.Close()
}

func (s *Server) log(line string) {
	if s.Log != nil {
		s.Log(line)
	}
}

// admit starts the goroutines of a client, or refuses it.
func (s *Server) admit(conn *net.UnixConn) {
	if uid, err := peerUID(conn); err != nil || uid != 0 && uid != os.Geteuid() {
		s.log(fmt.Sprintf("refused a whack of user %d (%v)", uid, err))
		conn.Close()
		return
	}
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

// peerUID returns the user at the other end.
func peerUID(conn *net.UnixConn) (int, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return -1, err
	}
	var cred *unix.Ucred
	var failure error
	err = raw.Control(func(fd uintptr) {
		cred, failure = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, failure); err != nil {
		return -1, err
	}
	return int(cred.Uid), nil
}
