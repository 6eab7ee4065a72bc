package confine

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

// Writable is a file that may still be written to, or a folder whose files may be.
type Writable struct {
	Path   string // what is not there when ReadOnly is called may not be made later
	Make   bool   // files may be made in the folder
	Remove bool   // files may be removed from the folder
}

// ReadOnly denies this process, in all threads, to change or run any file but the
// writable ones, and to trace other processes: a process of root could have
// whatever it likes done by what it writes, whichever capabilities it has given
// up. Files that are open stay as they are. It comes after Keep. A kernel without
// landlock(7), as before Linux 5.13, denies nothing, nor does a build with cgo.
func ReadOnly(except ...Writable) error {
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
			return fmt.Errorf("failed to leave %s writable: %w", w.Path, err)
		}
	}
	_, _, errno = syscall.AllThreadsSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0)
	if errno != 0 && errno != unix.ENOTSUP { // as in Keep
		return fmt.Errorf("failed to make files read-only: %w", errno)
	}
	return nil
}

// allow adds to a set of rules that a file may be written to.
func (w Writable) allow(rules int, denied uint64) error {
	at, err := unix.Open(w.Path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(at)
	access := uint64(unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE)
	if w.Make {
		access |= unix.LANDLOCK_ACCESS_FS_MAKE_REG
	}
	if w.Remove {
		access |= unix.LANDLOCK_ACCESS_FS_REMOVE_FILE
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access & denied, Parent_fd: int32(at)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
