package daemon

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"

	"ipsec/pluto/updown"
)

// maxOutput is how many bytes are kept of what a custom updown prints.
const maxOutput = 16 << 10

// scripts runs the updown commands of connections, which may need any privilege,
// for the worker, one after the other.
type scripts struct {
	tell  func(outcome)
	queue chan script
	done  sync.WaitGroup
}

func newScripts(tell func(outcome)) *scripts {
	s := &scripts{tell: tell, queue: make(chan script, 1024)}
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

// run runs a script to its end, or for its time.
func (s *scripts) run(job script) outcome {
	output := &limited{}
	shell := updown.Shell{Env: os.Environ(), Output: func() io.WriteCloser { return output }}
	o := outcome{ID: job.ID}
	if err := shell.Run(job.Command, job.Env, job.Timeout); err != nil {
		o.Err = err.Error()
	}
	o.Output = strings.ToValidUTF8(output.String(), "?")
	return o
}

// limited keeps the first maxOutput bytes that are written to it.
type limited struct{ bytes.Buffer }

// Close does nothing.
func (l *limited) Close() error { return nil }

// Write takes all of b.
func (l *limited) Write(b []byte) (int, error) {
	l.Buffer.Write(b[:min(len(b), maxOutput-l.Len())])
	return len(b), nil
}
