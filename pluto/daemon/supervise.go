package daemon

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ipsec/klips/process/rootonly"
)

// The descriptors that a worker is started with.
const (
	controlFD = 3 // the listening socket pluto.ctl
	journalFD = 4 // the connection to its supervisor
)

// maxWord is the length in bytes of the longest line that a worker says: one
// with all words of a whack, each character of which JSON may write as six.
const maxWord = 2 << 20

// endTime is how long a worker may take to tell its peers that it ends.
const endTime = 5 * time.Second

// Restarts of a worker that crashes wait from firstPause on, twice as long each
// time that it has not lived for steadyTime, but no longer than lastPause.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = time.Minute
	steadyTime = time.Minute
)

// A Supervisor keeps a worker running.
type Supervisor struct {
	Socket  string       // the path of pluto.ctl
	Program string       // this binary
	Args    []string     // with which it is a worker
	Stderr  *os.File     // of the worker
	Restart bool         // whether a worker that crashes is followed by another
	Ready   func() error // called once, when the first worker does its work
	Log     func(string)

	journal Journal
	ready   bool
}

// Run supervises until the context ends, which ends the worker cleanly, or
// until the worker ends by itself: whack --shutdown, or a crash with Restart off.
func (s *Supervisor) Run(ctx context.Context) error {
	control, err := rootonly.Listen(ctx, "unix", s.Socket)
	if err != nil {
		return fmt.Errorf("failed to make the control socket: %w", err)
	}
	defer control.Close()
	listener, err := control.File()
	if err != nil {
		return fmt.Errorf("failed to make the control socket: %w", err)
	}
	defer listener.Close()
	// A worker gets SIGKILL when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for wait := firstPause; ; {
		began := time.Now()
		err := s.runWorker(ctx, listener)
		if err == nil || ctx.Err() != nil || !s.ready || !s.Restart {
			return err
		}
		if time.Since(began) > steadyTime {
			wait = firstPause
		}
		s.Log(fmt.Sprintf("Pluto's worker has crashed (%v); its SAs go on carrying packets, and another is started in %v", err, wait))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait/2 + rand.N(wait)):
		}
		wait = min(2*wait, lastPause)
	}
}

// runWorker starts a worker and returns when it has ended; nil when it ended
// as it should.
func (s *Supervisor) runWorker(ctx context.Context, listener *os.File) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "worker"), os.NewFile(uintptr(pair[1]), "supervisor")
	defer ours.Close()
	cmd := exec.Cmd{
		Path: s.Program, Args: append([]string{os.Args[0]}, s.Args...), Dir: "/", Env: os.Environ(),
		Stderr: s.Stderr, ExtraFiles: []*os.File{listener, theirs},
		SysProcAttr: &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL, Setpgid: true},
	}
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return fmt.Errorf("failed to start the worker: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	talked := make(chan error, 1)
	go func() { talked <- s.talk(ours) }()
	stop := context.AfterFunc(ctx, func() {
		cmd.Process.Signal(unix.SIGTERM)
		time.AfterFunc(endTime, func() { cmd.Process.Kill() })
	})
	err = <-ended
	stop()
	ours.SetDeadline(time.Now().Add(time.Second)) // what it said last is still to be read, up to its end
	if terr := <-talked; err == nil && terr != nil && ctx.Err() == nil {
		s.Log(terr.Error())
	}
	return err
}

// talk gives a worker the journal, and then takes what it says, until it hangs up.
func (s *Supervisor) talk(worker *os.File) error {
	out := json.NewEncoder(worker)
	for _, e := range s.journal.Entries() {
		if err := out.Encode(toWorker{Replay: &e}); err != nil {
			return fmt.Errorf("failed to tell the worker what it has to know: %w", err)
		}
	}
	if err := out.Encode(toWorker{Begin: true}); err != nil {
		return fmt.Errorf("failed to tell the worker to begin: %w", err)
	}
	var mu sync.Mutex
	scripts := newScripts(s.journal.updown, func(o outcome) {
		mu.Lock()
		defer mu.Unlock()
		out.Encode(toWorker{Ran: &o}) // a worker that is gone needs no answer
	})
	defer scripts.wait()
	in := bufio.NewScanner(worker)
	in.Buffer(nil, maxWord)
	for in.Scan() {
		var m toSupervisor
		err := json.Unmarshal(in.Bytes(), &m)
		switch {
		case err != nil:
			return fmt.Errorf("malformed word of the worker: %w", err)
		case m.Keep != nil:
			if err := s.journal.Keep(*m.Keep); err != nil {
				return fmt.Errorf("malformed word of the worker: %w", err)
			}
		case m.Drop != nil:
			s.journal.Drop(m.Drop.Kind, m.Drop.Name)
		case m.Run != nil:
			scripts.start(*m.Run)
		case m.Ready && !s.ready:
			s.ready = true
			if err := s.Ready(); err != nil {
				return err
			}
		}
	}
	err := in.Err()
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, unix.ECONNRESET) {
		return nil
	}
	return err
}
