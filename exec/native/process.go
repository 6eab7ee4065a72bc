package native

import (
	"context"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"ipsec/conf"
	"ipsec/klips/process"
	"ipsec/plan"
)

// lingering is how long to wait for the output of a child process after its end: a
// process that it left running may hold it open for ever.
const lingering = 200 * time.Millisecond

// grace is how long a daemon may take to end before it is killed.
const grace = 10 * time.Second

// Modprobe is like 'modprobe MODULE'.
func (e *Executor) Modprobe(_ context.Context, op plan.Modprobe) error {
	program := "modprobe"
	for dir := range strings.SplitSeq(conf.SystemPath, ":") {
		if info, err := os.Stat(filepath.Join(dir, program)); err == nil && info.Mode().IsRegular() {
			program = filepath.Join(dir, program)
			break
		}
	}
	return failed("load module "+op.Module, e.child(nil, program, "--", op.Module))
}

// Run is like '/bin/sh -c WORDS'. What it leaves running in the background
// must not need its stdout: nobody reads it for long.
func (e *Executor) Run(_ context.Context, op plan.Run) error {
	return failed(fmt.Sprintf("run %q", op.Words), e.child(nil, "/bin/sh", "-c", op.Words))
}

// Updown is like 'NAME=VALUE … /bin/sh -c COMMAND'.
func (e *Executor) Updown(_ context.Context, op plan.Updown) error {
	return failed(fmt.Sprintf("run %q", op.Command), e.child(op.Env, "/bin/sh", "-c", op.Command))
}

// StartKlips is like 'ipsec klips [--fragicmp] [--hidetos] [--no-offload WAYS] [--debug
// FLAGS]'. It returns when KLIPS is ready.
func (e *Executor) StartKlips(_ context.Context, op plan.StartKlips) error {
	e.hangUp()
	// A setup that is killed takes the starter with it, and the starter a KLIPS
	// that is not ready: none comes up behind the stop that follows.
	runtime.LockOSThread() // whose end the kernel watches
	defer runtime.UnlockOSThread()
	dies := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return failed("start KLIPS", e.run(dies, nil, e.env.Self, append([]string{"klips"}, op.Words()...)...))
}

// EndDaemon is like 'ipsec _end PART'.
func (e *Executor) EndDaemon(ctx context.Context, op plan.EndDaemon) error {
	pidfile, err := e.pidfile(op.Part)
	if err != nil {
		return err
	}
	if op.Part == plan.Klips {
		e.hangUp()
	}
	_, err = process.End(context.WithoutCancel(ctx), pidfile, grace)
	return failed(fmt.Sprintf("end %s", op.Part), err)
}

// child runs a program to its end, with more variables in its environment. It
// reads nothing, and what it prints goes to the log.
func (e *Executor) child(variables []string, program string, args ...string) error {
	return e.run(nil, variables, program, args...)
}

func (e *Executor) run(attr *syscall.SysProcAttr, variables []string, program string, args ...string) error {
	out := e.env.Log.Writer()
	defer out.Close()
	cmd := osexec.Command(program, args...)
	cmd.SysProcAttr = attr
	cmd.Env = append(e.environment(os.Environ()), variables...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = lingering
	err := cmd.Run()
	if errors.Is(err, osexec.ErrWaitDelay) {
		return nil
	}
	return err
}

// environment returns the environment of a child process: the caller's, with the
// PATH of the plan's script, and with the variables that make a child which is this
// program belong to the same instance.
func (e *Executor) environment(outer []string) []string {
	paths := e.env.Paths
	ours := append([]string{"PATH=" + paths.Path()}, paths.Environ()...)
	ours = append(ours, conf.EnvSyslog+"="+e.env.Log.Priority().String())
	outer = slices.DeleteFunc(slices.Clone(outer), func(variable string) bool {
		return slices.ContainsFunc(ours, func(our string) bool {
			name, _, _ := strings.Cut(our, "=")
			return strings.HasPrefix(variable, name+"=")
		})
	})
	return append(outer, ours...)
}
