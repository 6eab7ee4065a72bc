package confirm

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"ipsec/conf"
	"ipsec/klips/process"
	"ipsec/klips/process/rootonly"
)

// Holder is what a process needs of its surroundings that waits for a confirmation.
type Holder struct {
	Paths conf.Paths
	// Setup is the number of the process that makes the change.
	Setup int
	// Nothing says that nothing ran before the change.
	Nothing bool
	// Ready is called once, when the way back is held.
	Ready func() error
	// Companion starts a process that calls Accompany with its end of a socket, in a session of its own.
	Companion func(socket *os.File) error
	// Back goes back: 'ipsec setup revert'. It is called until it succeeds.
	Back func() error
	// Log says what becomes of the wait.
	Log func(string)
}

// farewell is what a holder tells its companion before it ends because there is nothing to wait for any more.
const farewell = 'q'

// backPace is how long to wait between two attempts to go back.
const backPace = time.Second

// endTime is how long a setup may take to end when it has asked to go back.
const endTime = 5 * time.Second

// holder is a wait.
type holder struct {
	Holder
	armed, until time.Duration // since the boot
	back         chan error    // of a Back that runs; nil where none does
	setup        setup
}

// Hold is what 'ipsec _hold SECONDS' does: it waits for a confirmation, and goes back where none comes in time or
// where the companion dies. Its own death is the way back, too: the companion then goes back.
func (h Holder) Hold(ctx context.Context, seconds int) error {
	lock, err := process.Hold(h.Paths.ConfirmPID())
	if err != nil {
		return err
	}
	defer lock.Release()
	listener, err := rootonly.Listen(ctx, "unix", h.Paths.ConfirmCtl())
	if err != nil {
		return err
	}
	defer listener.Close()
	companion, err := h.accompanied()
	if err != nil {
		return err
	}
	defer companion.Close()
	if err := h.Ready(); err != nil {
		return err
	}
	w := holder{Holder: h, armed: boottime(), setup: watchSetup(h.Setup)}
	defer w.setup.close()
	w.until = w.armed + time.Duration(seconds)*time.Second
	w.wait(ctx, listener, companion)
	_, err = companion.Write([]byte{farewell})
	return err
}

// accompanied starts the companion, and returns our end of the socket.
func (h Holder) accompanied() (*os.File, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "companion"), os.NewFile(uintptr(pair[1]), "holder")
	defer theirs.Close()
	if err := h.Companion(theirs); err != nil {
		ours.Close()
		return nil, fmt.Errorf("failed to start the companion: %w", err)
	}
	return ours, nil
}

// Accompany is what the companion does: where the holder dies without a word, it goes back.
func (h Holder) Accompany(ctx context.Context, socket *os.File) {
	defer socket.Close()
	setup := watchSetup(h.Setup)
	defer setup.close()
	if word := make([]byte, 1); !read(socket, word) || word[0] != farewell {
		h.Log("the process that held the way back of a change is dead: going back to what was confirmed last")
		if setup.end() {
			h.Log("the setup that made the change was still at work, and has been killed")
		}
		for h.Back() != nil && pause(ctx, backPace) {
		}
	}
}

func read(f *os.File, into []byte) bool {
	_, err := io.ReadFull(f, into)
	return err == nil
}

// pause waits, and reports whether the context has not ended.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// wait waits until there is nothing to wait for any more.
func (h *holder) wait(ctx context.Context, listener *rootonly.Listener, companion *os.File) {
	ctx, cancel := context.WithCancel(ctx)
	clients := make(chan net.Conn)
	served := make(chan struct{})
	go func() { // ends with the context
		defer close(served)
		listener.Serve(ctx, "the process that waits for a confirmation", h.Log, func(c *net.UnixConn) {
			select {
			case clients <- c:
			case <-ctx.Done():
				c.Close()
			}
		})
	}()
	alone := make(chan struct{})
	go func() { // ends with the companion, or when its socket is closed
		defer close(alone)
		read(companion, make([]byte, 1))
	}()
	defer func() {
		cancel()
		listener.Close()
		<-served
	}()
	const never = 1<<63 - 1
	done := false
	for {
		left := min(h.until-boottime(), time.Second) // a machine that sleeps stops the clock of timers
		if h.back != nil {
			left = never
		}
		select {
		case <-ctx.Done():
			return
		case conn := <-clients:
			if h.answer(conn) {
				if done = true; h.back == nil {
					return
				}
			}
		case <-alone:
			alone = nil
			if h.back == nil {
				h.goBack("the companion of the process that held the way back of a change is dead")
			}
		case err := <-h.back:
			h.back = nil
			if done || err == nil {
				return
			}
			if !pause(ctx, backPace) {
				return
			}
			h.goBack("going back has failed: " + err.Error() + ", trying again")
		case <-time.After(left):
			switch {
			case h.until == 0:
				h.setup.wait(ctx, endTime)
				h.goBack("the change has not been accepted")
			case boottime() >= h.until:
				h.goBack("nobody has confirmed the change in time")
			}
		}
	}
}

// goBack begins to go back.
func (h *holder) goBack(why string) {
	h.Log(why + ": going back to what was confirmed last")
	if h.setup.end() {
		h.Log("the setup that made the change was still at work, and has been killed")
	}
	back := make(chan error, 1)
	h.back = back
	go func() { back <- h.Back() }() // whose end wait waits for
}
