package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Ending is what became of a process that End was to end.
type Ending uint8

// The endings.
const (
	NotRunning Ending = iota // nobody held the lock
	Ended                    // the process ended when it was asked to
	Killed                   // the process did not end within its grace, and was killed
)

// End ends the process that holds the lock of a pid file: it sends SIGTERM, after
// the grace SIGKILL, and returns when the process is gone. It signals only a process
// that runs this program and has been seen to hold the lock, by a handle
// (pidfd_open(2)), which stays with that process when its number is used again. The
// number in the file alone is no reason to signal. The file stays. The end of the
// context ends the waiting.
func End(ctx context.Context, pidfile string, grace time.Duration) (Ending, error) {
	f, err := open(pidfile)
	if errors.Is(err, os.ErrNotExist) {
		return NotRunning, nil
	}
	if err != nil {
		return NotRunning, err
	}
	defer f.Close()
	for {
		h, ok := held(f)
		if !ok {
			return NotRunning, nil
		}
		if !h.sure {
			if !locked(f) { // it has just ended
				return NotRunning, nil
			}
			return NotRunning, unseen(pidfile)
		}
		ending, err := endHolder(ctx, h.pid, f, grace)
		if !errors.Is(err, errGone) {
			return ending, err
		}
	}
}

func unseen(pidfile string) error {
	return fmt.Errorf("failed to end the process that has locked %s: it is not to be seen from here, as one of another container", pidfile)
}

// errGone says that the process ended, or gave up the lock, before it was signalled.
var errGone = errors.New("the process is gone")

func endHolder(ctx context.Context, pid int, f *os.File, grace time.Duration) (Ending, error) {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err == nil {
		defer unix.Close(pidfd)
	}
	switch {
	case !holds(pid, f):
		return NotRunning, errGone
	case errors.Is(err, unix.ESRCH):
		return NotRunning, unseen(f.Name())
	case err != nil:
		return NotRunning, fmt.Errorf("failed to get hold of process %d: %w", pid, err)
	case !names(pidfd, pid):
		return NotRunning, unseen(f.Name())
	}
	if err := sameProgram(pid); err != nil {
		return NotRunning, fmt.Errorf("failed to end the process that has locked %s: %w", f.Name(), err)
	}
	if err := send(pid, pidfd, unix.SIGTERM); err != nil {
		return NotRunning, err
	}
	gone, err := wait(ctx, pidfd, grace)
	if err != nil {
		return NotRunning, fmt.Errorf("failed to wait for the end of process %d: %w", pid, err)
	}
	if gone {
		return Ended, stillHeld(f, pid)
	}
	if err := send(pid, pidfd, unix.SIGKILL); err != nil && !errors.Is(err, errGone) {
		return NotRunning, err
	}
	for !gone {
		if gone, err = wait(ctx, pidfd, time.Minute); err != nil {
			return NotRunning, fmt.Errorf("failed to wait for process %d, which was killed: %w", pid, err)
		}
	}
	return Killed, stillHeld(f, pid)
}

// names reports whether the handle is for the process that /proc calls pid. It
// is not when /proc shows another pid namespace than ours.
func names(pidfd, pid int) bool {
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", pidfd))
	return err == nil && strings.Contains(string(info), fmt.Sprintf("\nPid:\t%d\n", pid))
}

// stillHeld returns an error when another process holds the lock now.
func stillHeld(f *os.File, pid int) error {
	if !locked(f) {
		return nil
	}
	return fmt.Errorf("process %d has ended: %w", pid, &HeldError{f.Name(), findHolder(f).pid})
}

func send(pid, pidfd int, sig unix.Signal) error {
	switch err := unix.PidfdSendSignal(pidfd, sig, nil, 0); {
	case errors.Is(err, unix.ESRCH):
		return errGone
	case err != nil:
		return fmt.Errorf("failed to send %v to process %d: %w", sig, pid, err)
	}
	return nil
}

// pace is how often wait looks whether its context has ended.
const pace = 50 * time.Millisecond

// wait waits until a process has ended, for at most that long.
func wait(ctx context.Context, pidfd int, most time.Duration) (gone bool, err error) {
	for end := time.Now().Add(most); ; {
		left := min(max(time.Until(end), 0), pace)
		fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int((left+time.Millisecond-1)/time.Millisecond))
		switch {
		case err != nil && !errors.Is(err, unix.EINTR):
			return false, os.NewSyscallError("poll", err)
		case n > 0:
			return true, nil
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case left == 0:
			return false, nil
		}
	}
}

// sameProgram returns an error when a process runs another program than we do.
// After an upgrade the old file is gone, and only its name can be compared.
func sameProgram(pid int) error {
	exe := fmt.Sprintf("/proc/%d/exe", pid)
	ours, err1 := os.Stat("/proc/self/exe")
	theirs, err2 := os.Stat(exe)
	if err1 == nil && err2 == nil && os.SameFile(ours, theirs) {
		return nil
	}
	name := func(link string) (string, error) {
		s, err := os.Readlink(link)
		return filepath.Base(strings.TrimSuffix(s, " (deleted)")), err
	}
	our, err1 := name("/proc/self/exe")
	their, err2 := name(exe)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("failed to see what process %d runs: %w", pid, err)
	}
	if our != their {
		return fmt.Errorf("process %d runs %s, not %s", pid, their, our)
	}
	return nil
}
