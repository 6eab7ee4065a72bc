package pfkey

import (
	"errors"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Blocking takes over a connection and returns its socket as a file that blocks
// the thread which reads or writes it: to park a goroutine and to find it again
// takes longer than a request. EAGAIN is the error of what takes longer than
// the timeouts, of which 0 is none. Who is to end a read from elsewhere shuts
// the socket down.
func Blocking(conn *net.UnixConn, read, write time.Duration) (*os.File, error) {
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	cerr := raw.Control(func(at uintptr) { fd, err = unix.FcntlInt(at, unix.F_DUPFD_CLOEXEC, 0) })
	if err = errors.Join(cerr, err); err != nil {
		return nil, err
	}
	set := func(option int, d time.Duration) error {
		tv := unix.NsecToTimeval(d.Nanoseconds())
		return unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, option, &tv)
	}
	err = errors.Join(unix.SetNonblock(fd, false), set(unix.SO_RCVTIMEO, read), set(unix.SO_SNDTIMEO, write))
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "PF_KEY"), nil
}
