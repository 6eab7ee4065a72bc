package confirm

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// setup is the process that makes a change while the way back from it is held. One that hangs, as on a peer that does
// not answer, has the lock that going back needs.
type setup struct {
	pid int
	fd  int // of the process, which another with its number is not; -1: it has ended
}

// watchSetup returns the setup with that number.
func watchSetup(pid int) setup {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		fd = -1
	}
	return setup{pid, fd}
}

// end kills the setup, if it is still at work, and what it has started and waits for. It reports whether it was. A
// setup that is killed at any moment leaves a state that another one makes right.
func (s setup) end() bool {
	if s.fd < 0 || unix.PidfdSendSignal(s.fd, unix.SIGSTOP, nil, 0) != nil { // so that it starts nothing more
		return false
	}
	for _, pid := range descendants(s.pid) {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	return unix.PidfdSendSignal(s.fd, unix.SIGKILL, nil, 0) == nil
}

// wait waits until the setup has ended, for a time at most.
func (s setup) wait(ctx context.Context, most time.Duration) {
	const pace = 10 * time.Millisecond
	for end := time.Now().Add(most); s.fd >= 0 && time.Now().Before(end) && pause(ctx, pace); {
		if unix.PidfdSendSignal(s.fd, 0, nil, 0) != nil || zombie(s.pid) {
			return
		}
	}
}

// zombie reports whether a process has ended, and its parent has not asked how.
func zombie(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && bytes.Contains(text, []byte(") Z "))
}

// close lets the process go.
func (s setup) close() {
	if s.fd >= 0 {
		unix.Close(s.fd)
	}
}

// descendants returns the children of a process, and theirs.
func descendants(pid int) []int {
	children := make(map[int][]int)
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // the name may have anything
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil || len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			children[parent] = append(children[parent], child)
		}
	}
	var all []int
	for queue := children[pid]; len(queue) > 0; {
		next := queue[0]
		all = append(all, next)
		queue = append(queue[1:], children[next]...)
	}
	return all
}
