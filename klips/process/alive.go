package process

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Alive reports whether a process holds the lock of a pid file, and which one. The
// number is for messages only, and 0 when it cannot be found out. Without a file
// nobody holds the lock, and a lock of a user who is neither root nor the file's
// owner does not count. It takes no privilege: where the file may not be opened,
// the answer comes from /proc/locks, which lists the processes in the pid namespace
// of /proc.
func Alive(pidfile string) (pid int, alive bool, err error) {
	f, err := open(pidfile)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return 0, false, nil
	case errors.Is(err, os.ErrPermission):
		return seen(pidfile)
	case err != nil:
		return 0, false, err
	}
	defer f.Close()
	if h, ok := held(f); ok {
		return h.pid, true, nil
	}
	return 0, false, nil
}

// seen answers Alive from /proc/locks, where the file may not be opened.
func seen(pidfile string) (pid int, alive bool, err error) {
	fi, err := os.Lstat(pidfile)
	if errors.Is(err, os.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("failed to look at a pid file: %w", err)
	}
	list, err := listedHolders(pidfile, fi)
	if err != nil {
		return 0, false, fmt.Errorf("failed to see whether %s is locked: %w", pidfile, err)
	}
	for _, h := range list {
		if counts(h.pid, fi) {
			return h.pid, true, nil
		}
	}
	return 0, false, nil
}

// held returns the process that has the exclusive lock on f, if its locks count.
func held(f *os.File) (holder, bool) {
	if !locked(f) {
		return holder{}, false
	}
	h := findHolder(f)
	fi, err := f.Stat()
	if err != nil || h.pid == 0 { // in another pid namespace
		return h, true
	}
	return h, counts(h.pid, fi)
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
	pid  int  // 0 when it cannot be found out
	sure bool // it has been seen to hold the lock just now
}

// findHolder looks for the process that has locked f: the one that the file
// names, and those that the kernel lists.
func findHolder(f *os.File) holder {
	var listed []holder
	if fi, err := f.Stat(); err == nil {
		listed, _ = listedHolders(f.Name(), fi)
	}
	for _, h := range append([]holder{{pid: writtenPID(f)}}, listed...) {
		if h.pid > 0 && holds(h.pid, f) {
			h.sure = true
			return h
		}
	}
	if len(listed) > 0 { // we may not look into its descriptors
		return listed[0]
	}
	return holder{}
}

// counts reports whether a lock of the process counts: whether the process belongs
// to root or to the owner of the file. Where that is unknown, because the process is
// gone or hidden from us, the lock counts.
func counts(pid int, fi os.FileInfo) bool {
	uid, err := owner(fmt.Sprintf("/proc/%d", pid))
	return err != nil || uid == 0 || uid == fi.Sys().(*syscall.Stat_t).Uid
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
// "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF", with the device and the
// inode of the file.
func listedHolders(path string, fi os.FileInfo) (list []holder, err error) {
	b, err := os.ReadFile("/proc/locks")
	if err != nil {
		return nil, err
	}
	device, err := fileSystem(path)
	if err != nil {
		return nil, err
	}
	file := fmt.Sprintf("%s:%d", device, fi.Sys().(*syscall.Stat_t).Ino)
	for line := range strings.Lines(string(b)) {
		w := strings.Fields(line)
		if len(w) < 6 || w[1] != "FLOCK" || w[3] != "WRITE" || w[5] != file {
			continue
		}
		if pid, err := strconv.Atoi(w[4]); err == nil && pid > 0 {
			list = append(list, holder{pid: pid})
		}
	}
	return list, nil
}

// fileSystem returns the device of the file system that a file is on, in the
// form of /proc/locks. It is the device of the file's mount: stat(2) may give one
// that stands for a part of the file system, as in Btrfs.
func fileSystem(path string) (device string, err error) {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_MNT_ID, &st); err != nil {
		return "", err
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	major, minor := st.Dev_major, st.Dev_minor
	id := strconv.FormatUint(st.Mnt_id, 10)
	for line := range strings.Lines(string(mounts)) { // ID PARENT MAJOR:MINOR …
		if w := strings.Fields(line); len(w) > 2 && w[0] == id {
			if _, err := fmt.Sscanf(w[2], "%d:%d", &major, &minor); err != nil {
				return "", fmt.Errorf("malformed mount %q: %w", line, err)
			}
		}
	}
	return fmt.Sprintf("%02x:%02x", major, minor), nil
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
