package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// starterEnv tells a process that Background has started it, and by which
// descriptor it speaks to its starter.
const starterEnv = "IPSEC_STARTER_FD"

const starterFD = 3 // the first of exec.Cmd.ExtraFiles

// StartError says that a process ended before it was ready.
type StartError struct {
	Status int // its exit status; 128 and the number of the signal that killed it
}

// Error gives the status.
func (e *StartError) Error() string {
	return fmt.Sprintf("the daemon ended before it was ready, with exit status %d", e.Status)
}

// Background runs this program again with args, in the background, and returns
// when it is ready: in a session of its own, in the folder "/", and without our
// descriptors, including those that a shell gave us. What it writes to standard
// output and error until it is ready goes to out. When it ends before it is ready,
// the error is a *StartError; when the context ends first, it is killed. The
// process is our child: a caller that lives on should wait for it.
//
// The new process calls Started.
func Background(ctx context.Context, out io.Writer, args ...string) (*os.Process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("failed to find this program: %w", err)
	}
	if err := closeOnExec(); err != nil {
		return nil, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "starter"), os.NewFile(uintptr(pair[1]), "daemon")
	defer ours.Close()
	defer theirs.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	defer w.Close()
	cmd := exec.Cmd{
		Path: exe, Args: append([]string{os.Args[0]}, args...), Dir: "/",
		Env:    append(os.Environ(), starterEnv+"="+strconv.Itoa(starterFD)),
		Stdout: w, Stderr: w, ExtraFiles: []*os.File{theirs},
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("failed to start %s: %w", exe, err)
	}
	theirs.Close()
	w.Close()
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		io.Copy(out, r)
	}()
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	n, err := ours.Read(make([]byte, 1))
	inTime := stop()
	// The daemon closes its output when it is ready or dead; a child of it, such as
	// Pluto's worker, may not. What a ready daemon wrote is in the pipe already.
	rest := time.Second
	if n == 1 {
		rest = 20 * time.Millisecond
	}
	r.SetReadDeadline(time.Now().Add(rest))
	<-copied
	if n == 1 && inTime {
		return cmd.Process, nil
	}
	cmd.Process.Kill() // it may have closed its end and still live
	werr := cmd.Wait()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("the daemon was not ready in time: %w", context.Cause(ctx))
	case errors.As(werr, &exit):
		return nil, &StartError{statusOf(exit.Sys().(syscall.WaitStatus))}
	case werr != nil:
		return nil, errors.Join(err, werr)
	}
	return nil, &StartError{0}
}

func statusOf(s syscall.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return s.ExitStatus()
}

// closeOnExec keeps descriptors that a shell or a supervisor gave us from our
// children. Those that we opened ourselves are closed on exec anyway.
func closeOnExec() error {
	err := unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
	if !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EINVAL) {
		return os.NewSyscallError("close_range", err)
	}
	fds, err := os.ReadDir("/proc/self/fd") // Linux before 5.11
	if err != nil {
		return fmt.Errorf("failed to list our descriptors: %w", err)
	}
	for _, e := range fds {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

// ErrStarterGone says that the process which started us ended before we were ready.
var ErrStarterGone = errors.New("the starter of this daemon has gone away")

// patience is how long the process may go on after its starter has gone away.
const patience = 5 * time.Second

// Started is called early in a process that Background may have started. The
// context that it returns ends with ErrStarterGone when the starter goes away before
// ready is called; the process exits 5 seconds later where it has not ended by
// then. The daemon calls ready once, when it does its work: standard input, output
// and error become /dev/null, and the starter is told. From then on the daemon
// outlives the starter.
//
// In a process that Background did not start, ready does nothing.
func Started(ctx context.Context) (_ context.Context, ready func() error) {
	fd, err := strconv.Atoi(os.Getenv(starterEnv))
	os.Unsetenv(starterEnv) // it is not for our own children
	var st unix.Stat_t
	if err != nil || unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return ctx, func() error { return nil }
	}
	unix.CloseOnExec(fd)
	unix.SetNonblock(fd, true)
	starter := os.NewFile(uintptr(fd), "starter")
	ctx, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() { // ends when ready sets the deadline
		defer close(watched)
		_, err := starter.Read(make([]byte, 1))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			cancel(ErrStarterGone)
			time.AfterFunc(patience, func() { os.Exit(1) })
		}
	}()
	return ctx, func() error {
		defer starter.Close()
		starter.SetReadDeadline(time.Now())
		<-watched // the starter may go away as soon as it has read that we are ready
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := silence(); err != nil {
			return err
		}
		if _, err := starter.Write([]byte{1}); err != nil {
			return fmt.Errorf("%w: %w", ErrStarterGone, err)
		}
		return nil
	}
}

// silence points standard input, output and error at /dev/null.
func silence() error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	for fd := range 3 {
		if err := unix.Dup3(int(null.Fd()), fd, 0); err != nil {
			return os.NewSyscallError("dup3", err)
		}
	}
	return nil
}
