// Package daemon is about processes that stay: how one is known, put in the
// background and ended.
//
// A daemon lives if and only if it holds an exclusive flock(2) on its pid
// file. The kernel gives the lock back when the process ends in whatever way, so
// that a stale file means nothing, and the number in it is for people to read.
package daemon

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
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
// mode 0644, and writes our pid to. A file that a dead process has left is taken over. When another process
// holds the lock the error is a *HeldError. Its shell twin is "flock -n PIDFILE".
func Hold(pidfile string) (*Lock, error) {
	for end := time.Now().Add(lookTime); ; {
		f, err := os.OpenFile(pidfile, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o644)
		if err != nil {
			return nil, fmt.Errorf("failed to open a pid file: %w", err)
		}
		l := &Lock{pidfile, f}
		err = flock(f, unix.LOCK_EX)
		if err == nil {
			if err = l.Check(); err == nil {
				err = l.write()
			}
			if err == nil {
				return l, nil
			}
		} else if errors.Is(err, unix.EWOULDBLOCK) && locked(f) {
			err = &HeldError{pidfile, findHolder(f).pid}
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
	err := errors.Join(l.f.Chmod(0o644), l.f.Truncate(0))
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

// Release removes the pid file, unless it is another by now, and gives up the lock.
func (l *Lock) Release() error {
	err := l.Check()
	if err == nil {
		err = os.Remove(l.path)
	}
	return errors.Join(err, l.f.Close())
}

// Alive reports whether a process holds the lock of a pid file, and which; the
// number, for messages only, is 0 when it is not to be found out. The file must
// be readable to us, and that is all that it takes; without a file nobody holds
// it. A lock of a user who is neither root nor the file's owner is an error: anyone who can
// read a file can lock it.
func Alive(pidfile string) (pid int, alive bool, err error) {
	f, err := open(pidfile)
	if errors.Is(err, os.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	defer f.Close()
	if !locked(f) {
		return 0, false, nil
	}
	h := findHolder(f)
	if err := h.trusted(f); err != nil {
		return h.pid, false, err
	}
	return h.pid, true, nil
}

func open(pidfile string) (*os.File, error) {
	f, err := os.OpenFile(pidfile, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("failed to open a pid file: %w", err)
	}
	return f, nil
}

// holder is the process that has the exclusive lock on a file.
type holder struct {
	pid  int  // 0 when it is not to be found out
	sure bool // it has been seen to hold the lock just now
}

// findHolder looks for the process that has locked f: the one that the file
// names, and those that the kernel lists.
func findHolder(f *os.File) holder {
	var h holder
	listed := listedHolders(f)
	for _, pid := range append([]int{writtenPID(f)}, listed...) {
		if pid > 0 && holds(pid, f) {
			return holder{pid, true}
		}
	}
	if len(listed) > 0 { // we may not look into its descriptors
		h.pid = listed[0]
	}
	return h
}

// trusted returns an error when the process is of a user whose locks do not count.
func (h holder) trusted(f *os.File) error {
	uid, err := owner(fmt.Sprintf("/proc/%d", h.pid))
	if h.pid == 0 || err != nil {
		return nil // of another pid namespace, or gone
	}
	if fi, err := f.Stat(); err != nil || uid == 0 || uid == fi.Sys().(*syscall.Stat_t).Uid {
		return nil
	}
	return fmt.Errorf("%s is locked by process %d of user %d, who does not own it: end that process, or remove the file", f.Name(), h.pid, uid)
}

func owner(path string) (uint32, error) {
	fi, err := os.Lstat(path)
	if err != nil {
		return 0, err
	}
	return fi.Sys().(*syscall.Stat_t).Uid, nil
}

func writtenPID(f *os.File) int {
	b := make([]byte, 32)
	n, _ := f.ReadAt(b, 0)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	return pid
}

// listedHolders reads /proc/locks, where a lock is like
// "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF". The device there is not
// always the one that stat(2) gives, so that the inode alone makes a candidate.
func listedHolders(f *os.File) (pids []int) {
	fi, err := f.Stat()
	if err != nil {
		return nil
	}
	ino := strconv.FormatUint(fi.Sys().(*syscall.Stat_t).Ino, 10)
	b, err := os.ReadFile("/proc/locks")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(b)) {
		w := strings.Fields(line)
		if len(w) < 6 || w[1] != "FLOCK" || w[3] != "WRITE" || !strings.HasSuffix(w[5], ":"+ino) {
			continue
		}
		if pid, err := strconv.Atoi(w[4]); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}

// holds reports whether the process has f open and locked, as proc_pid_fdinfo(5)
// shows it to root and to its own user.
func holds(pid int, f *os.File) bool {
	want, err := f.Stat()
	if err != nil {
		return false
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return false
	}
	for _, fd := range fds {
		fi, err := os.Stat(fmt.Sprintf("/proc/%d/fd/%s", pid, fd.Name()))
		if err != nil || !os.SameFile(fi, want) {
			continue
		}
		info, _ := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%s", pid, fd.Name()))
		for line := range strings.Lines(string(info)) {
			if strings.HasPrefix(line, "lock:") && strings.Contains(line, "FLOCK") && strings.Contains(line, "WRITE") {
				return true
			}
		}
	}
	return false
}
