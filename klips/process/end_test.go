package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipsec/golden/lab"
)

func TestEndKills(t *testing.T) {
	pidfile := filepath.Join(t.TempDir(), "x.pid")
	p := launch(t, "stubborn", pidfile)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := End(ctx, pidfile, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("within its grace: %v", err)
	}
	checkAlive(t, pidfile, p.Pid)
	if how, err := End(t.Context(), pidfile, time.Millisecond); how != Killed || err != nil {
		t.Errorf("after its grace: %v, %v", how, err)
	}
	checkAlive(t, pidfile, 0)
}

// The number of a process that does not hold the lock does not harm it, nor
// does a lock that another program holds.
func TestEndMineOnly(t *testing.T) {
	pidfile := filepath.Join(t.TempDir(), "x.pid")
	sleep := exec.Command("sleep", "1000")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer sleep.Wait()
	defer sleep.Process.Kill()
	if err := os.WriteFile(pidfile, fmt.Appendln(nil, sleep.Process.Pid), 0o644); err != nil {
		t.Fatal(err)
	}
	if how, err := End(t.Context(), pidfile, 0); how != NotRunning || err != nil {
		t.Errorf("by number alone: %v, %v", how, err)
	}

	f, err := os.OpenFile(pidfile, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	other := exec.Command("flock", "-x", "-n", "-F", pidfile, "sleep", "1000")
	if _, err := exec.LookPath("flock"); err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer other.Wait()
	defer other.Process.Kill()
	lab.Until(t, "sleep holds the lock", func() bool {
		exe, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", other.Process.Pid))
		return locked(f) && strings.HasSuffix(exe, "sleep")
	})
	if _, err := End(t.Context(), pidfile, 0); err == nil || !strings.Contains(err.Error(), "runs") {
		t.Errorf("another program: %v", err)
	}
	for _, p := range []*os.Process{sleep.Process, other.Process} {
		if err := p.Signal(syscall.Signal(0)); err != nil {
			t.Errorf("process %d: %v", p.Pid, err)
		}
	}
	f.Close()
}

// The file names another process of this program, and the true holder is ended.
func TestEndTheHolder(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "1.pid"), filepath.Join(dir, "2.pid")
	p1, p2 := launch(t, "plain", one), launch(t, "plain", two)
	if err := os.WriteFile(one, fmt.Appendln(nil, p2.Pid), 0o644); err != nil {
		t.Fatal(err)
	}
	if how, err := End(t.Context(), one, time.Minute); how != Ended || err != nil {
		t.Errorf("End: %v, %v", how, err)
	}
	if _, err := p1.Wait(); err != nil {
		t.Error(err)
	}
	checkAlive(t, two, p2.Pid)
}

// From another pid namespace, with the /proc of this one, numbers mislead.
func TestEndFromAnotherNamespace(t *testing.T) {
	lab.NeedRoot(t)
	pidfile := filepath.Join(t.TempDir(), "x.pid")
	p := launch(t, "plain", pidfile)
	cmd := exec.Command(os.Args[0], helper, "end", pidfile)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "not to be seen from here") {
		t.Errorf("End: %v, %s", err, out)
	}
	checkAlive(t, pidfile, p.Pid)
}
