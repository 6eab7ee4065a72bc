package whack

import (
	"errors"
	"fmt"
	"net"
	"os"
)

// Socket makes the control socket at path for a server in another process,
// which gets it by Inherit, so that it stays while one server follows another:
// who asks in between waits.
func Socket(path string) (*os.File, error) {
	s, err := Listen(path)
	if err != nil {
		return nil, err
	}
	defer s.listener.Close()
	return s.listener.File()
}

// Inherit returns a server of a socket that Socket has made. It does not take
// the socket away in the end.
func Inherit(f *os.File) (*Server, error) {
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("failed to use the control socket: %w", err)
	}
	listener, ok := l.(*net.UnixListener)
	if !ok {
		return nil, errors.Join(errors.New("failed to use the control socket: it is not one of unix"), l.Close())
	}
	listener.SetUnlinkOnClose(false)
	return &Server{listener: listener, clients: make(map[*client]struct{})}, nil
}
