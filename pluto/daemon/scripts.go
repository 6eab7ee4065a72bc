package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// scriptTime is how long a custom updown may take, and maxOutput how many bytes
// of what it prints are kept.
const (
	scriptTime = 20 * time.Second
	maxOutput  = 16 << 10
)

// scripts runs the updown commands of connections, which may need any privilege,
// for the worker, one after the other.
type scripts struct {
	ctx   context.Context
	tell  func(outcome)
	queue chan script
	done  sync.WaitGroup
}

func newScripts(ctx context.Context, tell func(outcome)) *scripts {
	s := &scripts{ctx: ctx, tell: tell, queue: make(chan script, 1024)}
	s.done.Go(func() {
		for job := range s.queue {
			s.tell(s.run(job))
		}
	})
	return s
}

// start queues a script; the worker is told when it has run.
func (s *scripts) start(job script) {
	select {
	case s.queue <- job:
	default:
		s.tell(outcome{ID: job.ID, Err: "too many updown commands are waiting"})
	}
}

// wait returns when all are done.
func (s *scripts) wait() {
	close(s.queue)
	s.done.Wait()
}

// run is /bin/sh -c COMMAND, in a process group of its own that does not
// outlive its time.
func (s *scripts) run(job script) outcome {
	ctx, cancel := context.WithTimeout(s.ctx, scriptTime)
	defer cancel()
	var output limited
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", job.Command)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), job.Env...)
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	o := outcome{ID: job.ID, Output: strings.ToValidUTF8(output.String(), "?")}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		o.Err = fmt.Sprintf("failed to run %q: it was not done after %v", describe(job.Command), scriptTime)
	case err != nil:
		o.Err = fmt.Sprintf("failed to run %q: %v", describe(job.Command), err)
	}
	return o
}

// limited keeps the first maxOutput bytes that are written to it.
type limited struct{ bytes.Buffer }

// Write takes all of b.
func (l *limited) Write(b []byte) (int, error) {
	l.Buffer.Write(b[:min(len(b), maxOutput-l.Len())])
	return len(b), nil
}
