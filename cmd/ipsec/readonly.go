package main

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// changes are the ways to change files, or to run them, that landlock(7) can deny, by
// the version from which on it knows them.
var changes = []struct {
	version int
	access  uint64
}{
	{1, unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_MAKE_SYM},
	{2, unix.LANDLOCK_ACCESS_FS_REFER},
	{3, unix.LANDLOCK_ACCESS_FS_TRUNCATE},
}

// A writable is a file that may still be written to, or a folder with all such files
// in it, in which others may be made or taken away. One that is not there may not
// be made either.
type writable struct {
	path         string
	make, remove bool
}

// readOnly denies this process, in all threads and for good, to change or run any
// file but the writable ones, and to trace other processes: a process of root's
// could have whatever it likes done by what it writes, whichever capabilities it has
// given up. Files that are open stay as they are. Linux before 5.13, or one without
// landlock(7), goes without.
func readOnly(except ...writable) error {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return nil
	}
	var denied uint64
	for _, c := range changes {
		if int(version) >= c.version {
			denied |= c.access
		}
	}
	rules := unix.LandlockRulesetAttr{Handled_access_fs: denied}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&rules)), unsafe.Sizeof(rules.Handled_access_fs), 0)
	if errno != 0 {
		return fmt.Errorf("failed to make files read-only: %w", errno)
	}
	defer unix.Close(int(fd))
	for _, w := range except {
		if err := w.allow(int(fd), denied); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("failed to leave %s writable: %w", w.path, err)
		}
	}
	_, _, errno = syscall.AllThreadsSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0)
	if errno != 0 && errno != unix.ENOTSUP { // as in dropPrivileges
		return fmt.Errorf("failed to make files read-only: %w", errno)
	}
	return nil
}

// allow adds to a set of rules that a file may be written to.
func (w writable) allow(rules int, denied uint64) error {
	at, err := unix.Open(w.path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(at)
	access := uint64(unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE)
	if w.make {
		access |= unix.LANDLOCK_ACCESS_FS_MAKE_REG
	}
	if w.remove {
		access |= unix.LANDLOCK_ACCESS_FS_REMOVE_FILE
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access & denied, Parent_fd: int32(at)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
