package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"ipsec/pluto/updown"
)

// maxOutput is how many bytes are kept of what a custom updown prints.
const maxOutput = 16 << 10

// maxWaiting is how many may wait: a worker asks for one, and waits for it.
const maxWaiting = 16

// scripts runs the updown commands of connections, which may need any privilege,
// for the worker, one after the other. It trusts the worker no further than that
// needs: see check.
type scripts struct {
	known func(command string) bool // whether a connection has this for its updown
	tell  func(outcome)
	queue chan script
	done  sync.WaitGroup
	ctx   context.Context // ends when nobody waits for them any more
	stop  func()
}

// lastTime is how long a script may go on when the worker that has asked for it is gone.
const lastTime = 2 * time.Second

func newScripts(known func(string) bool, tell func(outcome)) *scripts {
	s := &scripts{known: known, tell: tell, queue: make(chan script, maxWaiting)}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.done.Go(func() {
		for job := range s.queue {
			if s.ctx.Err() == nil {
				s.tell(s.run(job))
			}
		}
	})
	return s
}

// start queues a script; the worker is told when it has run.
func (s *scripts) start(job script) {
	if err := s.check(job); err != nil {
		s.tell(outcome{ID: job.ID, Err: err.Error()})
		return
	}
	select {
	case s.queue <- job:
	default:
		s.tell(outcome{ID: job.ID, Err: "too many updown commands are waiting"})
	}
}

// check refuses what no worker asks for in good faith. A command is one of an
// accepted connection, and is told things by variables of its own alone, so that
// what runs it, or what it runs, is not led astray by LD_PRELOAD or PATH.
func (s *scripts) check(job script) error {
	switch {
	case !s.known(job.Command):
		return fmt.Errorf("no connection has the updown command %q", job.Command)
	case job.Timeout > updown.DefaultTimeout:
		return fmt.Errorf("an updown command may take %v, not %v", updown.DefaultTimeout, job.Timeout)
	}
	for _, variable := range job.Env {
		name, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "PLUTO_") || strings.ContainsRune(value, 0) {
			return fmt.Errorf("malformed variable %q of an updown command: expected PLUTO_NAME=VALUE", variable)
		}
	}
	return nil
}

// wait returns when all are done, or have had their time.
func (s *scripts) wait() {
	close(s.queue)
	defer time.AfterFunc(lastTime, s.stop).Stop()
	s.done.Wait()
	s.stop()
}

// run runs a script to its end, or for its time.
func (s *scripts) run(job script) outcome {
	output := &limited{}
	shell := updown.Shell{Env: os.Environ(), Output: output}
	o := outcome{ID: job.ID}
	if err := shell.Run(s.ctx, job.Command, job.Env, job.Timeout); err != nil {
		o.Err = err.Error()
	}
	o.Output = strings.ToValidUTF8(output.String(), "?")
	return o
}

// limited keeps the first maxOutput bytes that are written to it.
type limited struct{ bytes.Buffer }

// Write takes all of b.
func (l *limited) Write(b []byte) (int, error) {
	l.Buffer.Write(b[:min(len(b), maxOutput-l.Len())])
	return len(b), nil
}

// runner has the supervisor run updown commands, for updown.Runner.
type runner struct{ w *worker }

// Run runs a command of ipsec.conf and gives what it prints to the log.
func (r runner) Run(command string, variables []string, timeout time.Duration) error {
	type result struct {
		output string
		err    error
	}
	ran := make(chan result, 1)
	select {
	case <-r.w.late:
		return errors.New("it was not begun, as Pluto ends")
	default:
	}
	r.w.boss.run(command, variables, timeout, func(output string, err error) { ran <- result{output, err} })
	var got result
	select {
	case got = <-ran:
	case <-r.w.late:
		return errors.New("it was not waited for, as Pluto ends")
	}
	for line := range strings.Lines(got.output) {
		r.w.Log("updown: " + strings.TrimSuffix(line, "\n"))
	}
	return got.err
}
