// Package rootonly makes unix sockets that serve root, and the user of the
// server where that is another, and nobody else: by the mode of the file, 0600
// from the moment that it exists, and by the user of each client.
package rootonly

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

const (
	// handover is how long Listen waits for a process that answers at the path and is
	// about to end: the kernel closes the files of a killed one one by one, and a
	// daemon that has lost its pid file notices within a second.
	handover = 1500 * time.Millisecond
	// handoverPace is how often it looks.
	handoverPace = 20 * time.Millisecond
	// acceptPause is how long Serve waits for descriptors or memory to come free.
	acceptPause = 100 * time.Millisecond
)

// A Listener is the socket of a server.
type Listener struct {
	unix *net.UnixListener
	path string      // "" for an inherited one
	file os.FileInfo // what Listen has made at path

	once   sync.Once
	closed error // of Close
}

// Listen makes a socket of a network, unix or unixpacket, at a path. A socket
// that nobody answers at, which a dead server has left, is replaced. Where
// somebody answers, or the file is no socket, the error wraps EADDRINUSE; where the
// path is too long, ENAMETOOLONG.
func Listen(ctx context.Context, network, path string) (*Listener, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	if err := removeStale(ctx, network, path); err != nil {
		return nil, err
	}
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		// The mode of a socket before bind is that of its file, less the umask.
		cerr := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) })
		return errors.Join(cerr, err)
	}}
	listener, err := config.Listen(ctx, network, path)
	if err != nil {
		return nil, fmt.Errorf("failed to listen at %s: %w", path, err)
	}
	l := &Listener{unix: listener.(*net.UnixListener), path: path}
	l.unix.SetUnlinkOnClose(false)
	if l.file, err = os.Lstat(path); err != nil {
		l.unix.Close()
		return nil, fmt.Errorf("failed to find the socket that was made: %w", err)
	}
	return l, nil
}

// removeStale removes a socket that nobody answers at.
func removeStale(ctx context.Context, network, path string) error {
	for end := time.Now().Add(handover); ; {
		there, err := os.Lstat(path)
		if err != nil || there.Mode().Type() != os.ModeSocket {
			return nil // what else is there, bind refuses
		}
		conn, err := net.Dial(network, path)
		if err == nil {
			conn.Close()
		}
		if errors.Is(err, unix.ECONNREFUSED) {
			if again, err := os.Lstat(path); err != nil || !os.SameFile(there, again) {
				continue
			}
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("failed to remove a socket that nobody answers at: %w", err)
			}
			return nil
		}
		if !time.Now().Before(end) {
			return fmt.Errorf("failed to listen at %s: a process answers there: %w", path, syscall.EADDRINUSE)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(handoverPace):
		}
	}
}

// checkPath refuses a path that is too long for a unix socket: Linux takes 107 bytes.
func checkPath(path string) error {
	if len(path) > 107 {
		return fmt.Errorf("the path of a socket has at most 107 bytes, and %s has %d; choose a shorter run folder: %w", path, len(path), syscall.ENAMETOOLONG)
	}
	return nil
}

// Inherit returns the Listener of a socket that another process made and
// gave us, as by Listener.File. It does not take over f, and does not remove the
// socket in the end.
func Inherit(f *os.File) (*Listener, error) {
	listener, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("failed to use the socket that was inherited: %w", err)
	}
	l, ok := listener.(*net.UnixListener)
	if !ok {
		listener.Close()
		return nil, errors.New("failed to use the socket that was inherited: it is not a unix socket")
	}
	return &Listener{unix: l}, nil
}

// File returns a copy of the socket for another process. The socket lives until all
// copies are closed.
func (l *Listener) File() (*os.File, error) { return l.unix.File() }

// Close removes the socket, unless the file at its path is another by now, and
// closes it.
func (l *Listener) Close() error {
	l.once.Do(func() { // once: the inode of a closed socket may be its successor's
		if there, err := os.Lstat(l.path); err == nil && l.file != nil && os.SameFile(there, l.file) {
			os.Remove(l.path)
		}
		l.closed = l.unix.Close()
	})
	return l.closed
}

// Serve hands each client that may be served to take, one after the other, until the
// context ends, and then returns nil. It closes the socket. Log is told of those that
// are refused; who is what a client is called there, like "a client".
func (l *Listener) Serve(ctx context.Context, who string, log func(string), take func(*net.UnixConn)) error {
	defer l.Close()
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		l.Close()
	})
	defer func() {
		if !stop() {
			<-closed
		}
	}()
	for {
		conn, err := l.unix.AcceptUnix()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return nil
		case passing(err):
			log(fmt.Sprintf("failed to accept %s: %v", who, err))
			select {
			case <-time.After(acceptPause):
			case <-ctx.Done():
			}
			continue
		case err != nil:
			return fmt.Errorf("failed to accept %s: %w", who, err)
		}
		if err := admit(conn, who); err != nil {
			log(err.Error())
			conn.Close()
			continue
		}
		take(conn)
	}
}

// passing reports whether an error of accept(2) may be gone the next time.
func passing(err error) bool {
	for _, errno := range []error{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM, unix.ECONNABORTED} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// admit refuses all users but root and our own.
func admit(conn *net.UnixConn, who string) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("failed to ask of which user %s is: %w", who, err)
	}
	var cred *unix.Ucred
	cerr := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err := errors.Join(cerr, err); err != nil {
		return fmt.Errorf("failed to ask of which user %s is: %w", who, err)
	}
	if cred.Uid != 0 && int(cred.Uid) != os.Geteuid() {
		return fmt.Errorf("refused %s of user %d, process %d: only root and user %d are served", who, cred.Uid, cred.Pid, os.Geteuid())
	}
	return nil
}
