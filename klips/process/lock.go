// Package process is about processes that stay: how one is known, put in the
// background and ended.
//
// A daemon lives if and only if it holds an exclusive flock(2) on its pid
// file. The kernel gives the lock back when the process ends in whatever way, so
// that a stale file means nothing, and the number in it is for people to read.
//
// Who can open a file can lock it, if only for reading. So the file has mode
// 0600: no other user can keep a daemon from starting, or feign one that lives.
// Others see who holds the lock in the kernel's own list, /proc/locks.
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
	PID  int // 0 when it is not to be found out
}

// Error names the process.
func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s is locked by another process", e.Path)
	}
	return fmt.Sprintf("%s is locked by process %d", e.Path, e.PID)
}

// ErrReplaced says that the file which is locked is no longer the one at its path.
var ErrReplaced = errors.New("the pid file has been removed or replaced")

// Lock is a lock that this process holds. It ends with the process.
type Lock struct {
	path string
	f    *os.File
}

// lookTime is how long Hold waits for those who only look, with Alive.
const lookTime = time.Second

// Hold takes the lock of a pid file, which it makes where there is none, with
// mode 0600, and writes our pid to. A file that a dead process has left is taken
// over; one that other users may open, and so may have locked, is replaced. When
// another process of root or ours holds the lock the error is a *HeldError. Its
// shell twin is "umask 077; flock -n PIDFILE".
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
		// One who looks has a shared lock for a moment, and one who ends
		// removes the file between our opening and locking it.
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, ErrReplaced) || time.Now().After(end) {
			return nil, err
		}
		time.Sleep(time.Millisecond)
	}
}

// take locks the file and writes our pid to it. The error is ErrReplaced where
// the file is another by now, or has just been found to be no good.
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

// Check returns ErrReplaced when the file has been removed or replaced, so
// that others no longer see that we live.
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
// A daemon whose lock is gone lives no more for anybody else, who could start
// another beside it: it has to end.
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

// Release removes the pid file, unless it is another by now, and gives up the lock.
func (l *Lock) Release() error {
	err := l.Check()
	if err == nil {
		err = os.Remove(l.path)
	}
	return errors.Join(err, l.f.Close())
}
