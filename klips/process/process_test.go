package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipsec/golden/lab"
)

// helper as the first argument makes this binary a daemon of the tests.
const helper = "helper-of-the-daemon-tests"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == helper {
		if err := help(os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// help is what the daemons of the tests do.
func help(mode, pidfile string) error {
	switch mode {
	case "starter": // starts one that is never ready
		_, err := Background(context.Background(), io.Discard, helper, "unready", pidfile)
		return err
	case "end":
		_, err := End(context.Background(), pidfile, time.Minute)
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx, ready := Started(ctx)
	l, err := Hold(pidfile)
	if err != nil {
		return err
	}
	defer l.Release()
	fmt.Println("a word of warning")
	switch mode {
	case "unready":
		<-ctx.Done()
		return context.Cause(ctx)
	case "panic":
		panic("the sky is falling")
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		ctx = context.Background()
	}
	if err := ready(); err != nil {
		return err
	}
	fmt.Println("words that nobody gets")
	<-ctx.Done()
	return nil
}

func launch(t *testing.T, mode, pidfile string) *os.Process {
	t.Helper()
	var out bytes.Buffer
	p, err := Background(t.Context(), &out, helper, mode, pidfile)
	if err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	t.Cleanup(func() { p.Kill(); p.Wait() })
	if out.String() != "a word of warning\n" {
		t.Errorf("it said %q", &out)
	}
	return p
}

func checkAlive(t *testing.T, pidfile string, pid int) {
	t.Helper()
	got, alive, err := Alive(pidfile)
	if got != pid || alive != (pid != 0) || err != nil {
		t.Errorf("Alive returns %d, %v, %v; want process %d", got, alive, err, pid)
	}
}

func TestBackground(t *testing.T) {
	pidfile := filepath.Join(t.TempDir(), "x.pid")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	// A descriptor as a shell gives it: without close-on-exec.
	inherited, err := unix.Dup(int(w.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	p := launch(t, "plain", pidfile)
	unix.Close(inherited)
	w.Close()
	r.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("the daemon has kept a descriptor: %d, %v", n, err)
	}
	checkAlive(t, pidfile, p.Pid)
	for fd := range 3 {
		if to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", p.Pid, fd)); to != os.DevNull {
			t.Errorf("its descriptor %d is %s, %v", fd, to, err)
		}
	}
	if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", p.Pid)); cwd != "/" {
		t.Errorf("its folder is %s, %v", cwd, err)
	}
	if sid, err := unix.Getsid(p.Pid); sid != p.Pid {
		t.Errorf("its session is %d, %v", sid, err)
	}

	var out bytes.Buffer
	_, err = Background(t.Context(), &out, helper, "plain", pidfile)
	var failed *StartError
	if want := fmt.Sprintf("%s is locked by process %d\n", pidfile, p.Pid); !errors.As(err, &failed) || failed.Status != 3 || out.String() != want {
		t.Errorf("a second one: %v, it said %q", err, &out)
	}
	if how, err := End(t.Context(), pidfile, time.Minute); how != Ended || err != nil {
		t.Errorf("End: %v, %v", how, err)
	}
	if s, err := p.Wait(); err != nil || s.ExitCode() != 0 {
		t.Errorf("it ended with %v, %v", s, err)
	}
	checkAlive(t, pidfile, 0)
	if how, err := End(t.Context(), pidfile, time.Minute); how != NotRunning || err != nil {
		t.Errorf("End again: %v, %v", how, err)
	}
}

func TestBackgroundFails(t *testing.T) {
	pidfile := filepath.Join(t.TempDir(), "x.pid")
	var out bytes.Buffer
	_, err := Background(t.Context(), &out, helper, "panic", pidfile)
	var failed *StartError
	if !errors.As(err, &failed) || failed.Status != 2 || !strings.Contains(out.String(), "the sky is falling") {
		t.Errorf("a panic: %v, it said %q", err, &out)
	}
	checkAlive(t, pidfile, 0)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error)
	go func() {
		_, err := Background(ctx, io.Discard, helper, "unready", pidfile)
		ended <- err
	}()
	lab.Until(t, "the daemon holds its lock", func() bool { _, alive, _ := Alive(pidfile); return alive })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("not ready in time: %v", err)
	}
	checkAlive(t, pidfile, 0)
}

// When the starter is killed before the daemon is ready, the daemon ends.
func TestStarterGone(t *testing.T) {
	pidfile := filepath.Join(t.TempDir(), "x.pid")
	starter := exec.Command(os.Args[0], helper, "starter", pidfile)
	if err := starter.Start(); err != nil {
		t.Fatal(err)
	}
	alive := func() bool { _, alive, _ := Alive(pidfile); return alive }
	lab.Until(t, "the daemon holds its lock", alive)
	starter.Process.Kill()
	starter.Wait()
	lab.Until(t, "the daemon ends", func() bool { return !alive() })
}

// Anyone may see who lives, and nobody but root may lock the file or end the process.
func TestOtherUsers(t *testing.T) {
	pidfile := filepath.Join(lab.OpenFolder(t), "x.pid")
	p := launch(t, "plain", pidfile)
	lab.AsNobody(t, func() {
		if f, err := os.Open(pidfile); err == nil {
			f.Close()
			t.Error("nobody may open the file, and so may lock it")
		}
		checkAlive(t, pidfile, p.Pid)
		if _, err := End(t.Context(), pidfile, 0); err == nil {
			t.Error("nobody may end it")
		}
	})
	if how, err := End(t.Context(), pidfile, time.Minute); how != Ended || err != nil {
		t.Fatalf("End: %v, %v", how, err)
	}
	if err := os.WriteFile(pidfile, []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lab.AsNobody(t, func() { checkAlive(t, pidfile, 0) })
}

// A lock that a stranger holds, on a file that anyone may open, does not count.
func TestStrangersLock(t *testing.T) {
	for _, kind := range []string{"-x", "-s"} {
		pidfile := filepath.Join(lab.OpenFolder(t), "x.pid")
		if err := os.WriteFile(pidfile, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		stranger := exec.Command("flock", kind, "-F", pidfile, "sleep", "1000")
		stranger.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: lab.Nobody, Gid: lab.Nobody}}
		if err := stranger.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			stranger.Process.Kill()
			stranger.Wait()
		})
		f, err := open(pidfile)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lab.Until(t, "the stranger has the lock", func() bool {
			defer flock(f, unix.LOCK_UN)
			return flock(f, unix.LOCK_EX) != nil
		})
		checkAlive(t, pidfile, 0)
		lab.AsNobody(t, func() { checkAlive(t, pidfile, 0) })
		if how, err := End(t.Context(), pidfile, 0); how != NotRunning || err != nil {
			t.Errorf("%s: %v, %v", kind, how, err)
		}
		l, err := Hold(pidfile)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		checkAlive(t, pidfile, os.Getpid())
		lab.AsNobody(t, func() { checkAlive(t, pidfile, os.Getpid()) })
		if err := l.Release(); err != nil {
			t.Error(err)
		}
	}
}

func TestStartedInForeground(t *testing.T) {
	for _, fd := range []string{"", "99", "nonsense"} {
		t.Setenv(starterEnv, fd)
		ctx, ready := Started(t.Context())
		if err := ready(); err != nil || ctx.Err() != nil {
			t.Errorf("%q: %v, %v", fd, err, ctx.Err())
		}
		if _, ok := os.LookupEnv(starterEnv); ok {
			t.Errorf("%q is left to our children", fd)
		}
	}
}
