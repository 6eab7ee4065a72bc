package laws

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipsec/golden/lab"
)

// paced is a command whose lines on stdout are taken one by one: it goes on
// with what comes after a line, and waits at the second line after those taken.
type paced struct {
	t    testing.TB
	cmd  *exec.Cmd
	out  *os.File
	done chan error
}

// pace starts a command by its lines. A pipe of one page in packet mode holds
// one line.
func (g *gateway) pace(name string, args ...string) *paced {
	g.t.Helper()
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_DIRECT|unix.O_CLOEXEC); err != nil {
		g.t.Fatal(err)
	}
	p := &paced{t: g.t, cmd: g.command(name, args...), done: make(chan error, 1)}
	if err := unix.SetNonblock(ends[0], true); err != nil {
		g.t.Fatal(err)
	}
	p.out = os.NewFile(uintptr(ends[0]), "lines")
	in := os.NewFile(uintptr(ends[1]), "pipe")
	if _, err := unix.FcntlInt(in.Fd(), unix.F_SETPIPE_SZ, os.Getpagesize()); err != nil {
		g.t.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = in, in
	if err := g.Start(p.cmd); err != nil {
		g.t.Fatal(err)
	}
	in.Close()
	go func() { p.done <- p.cmd.Wait() }()
	g.t.Cleanup(func() { p.out.Close() })
	return p
}

// next takes a line; it is not ok at the end.
func (p *paced) next() (line string, ok bool) {
	p.t.Helper()
	buf := make([]byte, os.Getpagesize())
	p.out.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, err := p.out.Read(buf)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatalf("%s has stalled", p.cmd)
	}
	return strings.TrimSuffix(string(buf[:n]), "\n"), err == nil && n > 0
}

// settle waits until the command waits to write a line, or has ended.
func (p *paced) settle() {
	p.t.Helper()
	lab.Until(p.t, fmt.Sprintf("%s waits or ends", p.cmd), func() bool {
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.cmd.Process.Pid))
		if err != nil {
			return true
		}
		ended := true
		for _, task := range tasks {
			call, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/syscall", p.cmd.Process.Pid, task.Name()))
			words := strings.Fields(string(call))
			if err == nil && len(words) > 1 && words[0] == strconv.Itoa(unix.SYS_WRITE) && words[1] == "0x1" {
				return true
			}
			ended = ended && err != nil
		}
		return ended
	})
}

// kill ends the command by a signal, and returns its exit status.
func (p *paced) kill(sig os.Signal) int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatal(err)
	}
	return p.wait()
}

// wait reads what is left, and returns the exit status; -1 when it was killed.
func (p *paced) wait() int {
	p.t.Helper()
	for ok := true; ok; {
		_, ok = p.next()
	}
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}
