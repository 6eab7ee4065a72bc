// Package process starts daemons in the background, tells whether they live, and
// ends them.
//
// A daemon lives if and only if it holds an exclusive flock(2) on its pid
// file. The kernel releases the lock however the process ends, so that a stale
// file means nothing, and the number in it is for people to read.
//
// A user who can open a file can lock it, even if only for reading. So the file
// has mode 0600: no other user can keep a daemon from starting, or pretend to be
// one. Others see in the kernel's own list, /proc/locks, who holds the lock.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// HeldError says that another process holds a lock.
type HeldError struct {
	Path string
	PID  int // 0 when it cannot be found out
}

// Error names the process.
func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s is locked by another process", e.Path)
	}
	return fmt.Sprintf("%s is locked by process %d", e.Path, e.PID)
}

// ErrReplaced says that the locked file is no longer the one at its path.
var ErrReplaced = errors.New("the pid file has been removed or replaced")

// Lock is the lock of a pid file. It ends with the process.
type Lock struct {
	path string
	f    *os.File
}

// lookTime is how long Hold waits for callers of Alive, which hold a shared lock for
// a moment.
const lookTime = time.Second

// Hold takes the lock of a pid file and writes our pid to the file, which it makes
// with mode 0600 where there is none. A file that a dead process has left is taken
// over; one that other users may open, and so may have locked, is replaced. When
// another process of root or of our user holds the lock, the error is a
// *HeldError. Its shell twin is "umask 077; flock -n PIDFILE".
func Hold(pidfile string) (*Lock, error) {
	for end := time.Now().Add(lookTime); ; {
		f, err := os.OpenFile(pidfile, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
		if err != nil {
			return nil, fmt.Errorf("failed to open a pid file: %w", err)
		}
		l := &Lock{pidfile, f}
		if err = l.take(); err == nil {
			return l, nil
		}
		f.Close()
		// A caller of Alive has a shared lock for a moment, and a daemon that ends
		// may remove the file between our opening and locking it.
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, ErrReplaced) || time.Now().After(end) {
			return nil, err
		}
		time.Sleep(time.Millisecond)
	}
}

// take locks the file and writes our pid to it. The error is ErrReplaced where
// there is another file at the path by now, or this one was exposed and is removed.
func (l *Lock) take() error {
	err := flock(l.f, unix.LOCK_EX)
	if errors.Is(err, unix.EWOULDBLOCK) {
		if h, ok := held(l.f); ok {
			return &HeldError{l.path, h.pid}
		}
	} else if err != nil {
		return err
	}
	if gone := l.Check(); gone != nil {
		return gone
	}
	if exposed(l.f) {
		if err := os.Remove(l.path); err != nil {
			return fmt.Errorf("failed to replace a pid file that others may lock: %w", err)
		}
		return ErrReplaced
	}
	if err != nil {
		return err
	}
	return l.write()
}

// exposed reports whether users other than root and us may open the file.
func exposed(f *os.File) bool {
	fi, err := f.Stat()
	if err != nil {
		return false
	}
	uid := fi.Sys().(*syscall.Stat_t).Uid
	return fi.Mode().Perm()&0o077 != 0 || uid != 0 && int(uid) != os.Geteuid()
}

// flock is flock(2) without waiting.
func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		if err != unix.EINTR {
			return os.NewSyscallError("flock", err)
		}
	}
}

// locked reports whether another open file has an exclusive lock.
func locked(f *os.File) bool {
	if err := flock(f, unix.LOCK_SH); err != nil {
		return errors.Is(err, unix.EWOULDBLOCK)
	}
	flock(f, unix.LOCK_UN)
	return false
}

func (l *Lock) write() error {
	err := errors.Join(l.f.Chmod(0o600), l.f.Truncate(0))
	if err == nil {
		_, err = l.f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		return fmt.Errorf("failed to write to a pid file: %w", err)
	}
	return nil
}

// Check returns ErrReplaced when the file has been removed or replaced: others
// then no longer see that this process lives.
func (l *Lock) Check() error {
	ours, err := l.f.Stat()
	if err != nil {
		return err
	}
	there, err := os.Lstat(l.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err != nil || !os.SameFile(ours, there) {
		return fmt.Errorf("%s: %w", l.path, ErrReplaced)
	}
	return nil
}

// Watch returns the error of Check once there is one, or nil when ctx is done.
// A daemon whose pid file is gone has to end: nobody sees it any more, so that
// another could be started beside it.
func (l *Lock) Watch(ctx context.Context, every time.Duration) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := l.Check(); err != nil {
				return err
			}
		}
	}
}

// Release removes the pid file, unless there is another at its path by now, and gives
// up the lock.
func (l *Lock) Release() error {
	err := l.Check()
	if err == nil {
		err = os.Remove(l.path)
	}
	return errors.Join(err, l.f.Close())
}
