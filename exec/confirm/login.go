package confirm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// boottime returns the time since the boot, which goes on while the machine sleeps, and which nobody sets.
func boottime() time.Duration {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) // which every kernel has that this program runs on
	return time.Duration(now.Nano())
}

// noSession is the number of the audit session of a process that no login started.
const noSession = "4294967295"

// loginTime returns when the login that this process belongs to began, since the boot: the beginning of the oldest
// process of its audit session, which screen(1) and su(1) do not leave, or, where the kernel or PAM numbers none,
// of the leader of its session.
func loginTime() (time.Duration, error) {
	leader, err := unix.Getsid(0)
	if err != nil {
		return 0, os.NewSyscallError("getsid", err)
	}
	session := sessionOf("self")
	if session == "" || session == noSession {
		return begun(strconv.Itoa(leader))
	}
	oldest := boottime()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, dir := range all {
		pid := filepath.Base(dir)
		if sessionOf(pid) != session {
			continue
		}
		if at, err := begun(pid); err == nil {
			oldest = min(oldest, at)
		}
	}
	return oldest, nil
}

func sessionOf(pid string) string {
	text, err := os.ReadFile("/proc/" + pid + "/sessionid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// ticks is the unit of times in /proc, which the kernel has the same for all programs: USER_HZ.
const ticks = time.Second / 100

// begun returns when a process began, since the boot; one that is gone, as the shell of a login may be, began with it.
func begun(pid string) (time.Duration, error) {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	const starttime = 22 // proc(5) counts from 1; the name, which is the second, may have blanks
	_, after, ok := strings.Cut(string(text[max(0, strings.LastIndexByte(string(text), ')')):]), ") ")
	fields := strings.Fields(after)
	if !ok || len(fields) < starttime-2 {
		return 0, fmt.Errorf("malformed /proc/%s/stat", pid)
	}
	n, err := strconv.ParseInt(fields[starttime-3], 10, 64)
	return time.Duration(n) * ticks, err
}
