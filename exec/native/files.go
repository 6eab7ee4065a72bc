package native

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"ipsec/plan"
)

// Lock is like 'exec 9< DIR && flock -n 9'. The lock is held until Close, or
// until another folder is locked; no child process inherits it. A folder that
// was removed before it was locked is no longer there.
func (e *Executor) Lock(_ context.Context, op plan.Lock) error {
	dir, err := os.OpenFile(op.Dir, os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return fmt.Errorf("failed to lock: %w", err)
	}
	if e.lock != nil && sameFile(e.lock, dir) { // two open files would shut each other out
		return dir.Close()
	}
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		dir.Close()
		if err == unix.EWOULDBLOCK {
			return fmt.Errorf("another ipsec setup is at work on %s; try again when it is done", op.Dir)
		}
		return fmt.Errorf("failed to lock %s: %w", op.Dir, err)
	}
	if !isAt(dir, op.Dir) {
		dir.Close()
		return fmt.Errorf("failed to lock: %w", at("open", op.Dir, unix.ENOENT))
	}
	if e.lock != nil {
		e.lock.Close()
	}
	e.lock = dir
	return nil
}

func sameFile(a, b *os.File) bool {
	infoA, errA := a.Stat()
	infoB, errB := b.Stat()
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// isAt reports whether file is still what path names.
func isAt(file *os.File, path string) bool {
	info, err := file.Stat()
	now, errNow := os.Stat(path)
	return err == nil && errNow == nil && os.SameFile(info, now)
}

// MakeDir is like 'mkdir PATH'.
func (e *Executor) MakeDir(_ context.Context, op plan.MakeDir) error {
	return failed("make folder", os.Mkdir(op.Path, 0o755))
}

// MakeDirs is like 'mkdir -p PATH'.
func (e *Executor) MakeDirs(_ context.Context, op plan.MakeDirs) error {
	return failed("make folder", os.MkdirAll(op.Path, 0o755))
}

// RemoveDir is like 'rmdir PATH'.
func (e *Executor) RemoveDir(_ context.Context, op plan.RemoveDir) error {
	return failed("remove folder", at("rmdir", op.Path, unix.Rmdir(op.Path)))
}

// Remove is like 'rm -f PATH…'. It goes on after a file that cannot be removed.
func (e *Executor) Remove(_ context.Context, op plan.Remove) error {
	var all []error
	for _, path := range op.Paths {
		err := unix.Unlink(path)
		if err != nil && err != unix.ENOENT && err != unix.ENOTDIR {
			all = append(all, failed("remove file", at("unlink", path, err)))
		}
	}
	return errors.Join(all...)
}

// Write is like 'printf '%s\n' TEXT > PATH'. A file that it makes has mode
// 0644; a symbolic link in PATH's place is refused, and so is what is no
// regular file. What lies in /proc or /sys is written but never made.
func (e *Executor) Write(_ context.Context, op plan.Write) error {
	return put(op.Path, op.Text+"\n", os.O_TRUNC|making(op.Path))
}

// Append is like 'printf '%s\n' TEXT >> PATH', with Write's care. The line is
// appended whole, whoever else appends at the same time.
func (e *Executor) Append(_ context.Context, op plan.Append) error {
	return put(op.Path, op.Text+"\n", os.O_APPEND|making(op.Path))
}

// Touch is like 'touch PATH', with Write's care.
func (e *Executor) Touch(_ context.Context, op plan.Touch) error {
	return put(op.Path, "", making(op.Path))
}

// WritePID is like 'printf '%s\n' "$$" > PATH', with Write's care.
func (e *Executor) WritePID(_ context.Context, op plan.WritePID) error {
	return put(op.Path, fmt.Sprintf("%d\n", os.Getpid()), os.O_TRUNC|making(op.Path))
}

// making is the flag that makes a file which is not there, for one that is not
// the kernel's.
func making(path string) int {
	if strings.HasPrefix(path, "/proc/") || strings.HasPrefix(path, "/sys/") {
		return 0
	}
	return os.O_CREATE
}

// put opens a file to write with more flags, and writes text by one call.
func put(path, text string, flags int) error {
	// O_NONBLOCK keeps a FIFO in the file's place from stalling a boot.
	file, err := os.OpenFile(path, os.O_WRONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|flags, 0o644)
	if errors.Is(err, unix.ELOOP) {
		err = fmt.Errorf("%s is a symbolic link: remove it", path)
	}
	if errors.Is(err, unix.ENXIO) {
		err = notRegular(path)
	}
	if err != nil {
		return failed("write", err)
	}
	if info, statErr := file.Stat(); statErr != nil {
		err = statErr
	} else if !info.Mode().IsRegular() {
		err = notRegular(path)
	} else if text != "" {
		_, err = file.WriteString(text)
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return failed("write", err)
}

func notRegular(path string) error {
	return fmt.Errorf("%s is not a regular file: remove it", path)
}

// failed adds what has failed to an error, if there is one.
func failed(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("failed to %s: %w", what, err)
}

// at adds the system call and its file to an error, if there is one.
func at(call, path string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: call, Path: path, Err: err}
}
