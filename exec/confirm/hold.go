package confirm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"sync/atomic"
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
	// Companion starts a process that calls Accompany with its end of a socket, in a session of its own, and with the
	// number of the process that makes the change, or 0.
	Companion func(socket *os.File, setup int) error
	// Back goes back: 'ipsec setup revert', a process whose number it tells. It is called until it succeeds.
	Back func(ctx context.Context, started func(pid int)) error
	// Log says what becomes of the wait.
	Log func(string)
}

// farewell is what a holder tells its companion before it ends because there is nothing to wait for any more.
const farewell = 'q'

// backPace is how long to wait after the first attempt to go back that fails; the time doubles up to backPaceMost.
const (
	backPace     = time.Second
	backPaceMost = time.Minute
)

// endTime is how long a setup may take to end when it has asked to go back.
const endTime = 5 * time.Second

// holder is a wait.
type holder struct {
	Holder
	lock      *process.Lock
	listener  *rootonly.Listener
	companion *os.File
	setup     setup

	armed, until time.Duration // since the boot
	why          string        // to go back then
	pace         time.Duration // after the last attempt that failed
	going        bool          // the change is being taken back, or that has failed
	back         chan error    // of a Back that runs; nil where none does
	giveUp       func()        // ends it
	child        atomic.Int64  // its process
}

// Hold is what 'ipsec _hold SETUP SECONDS' does: it waits for a confirmation, and goes back where none comes in time or
// where the companion dies. Its own death is the way back, too: the companion then goes back.
func (h Holder) Hold(ctx context.Context, seconds int) error {
	w := holder{Holder: h, setup: watchSetup(h.Setup), why: "nobody has confirmed the change in time"}
	defer w.close()
	if err := w.open(ctx); err != nil {
		return errors.Join(err, w.farewell())
	}
	if err := h.Ready(); err != nil {
		return err
	}
	w.armed = boottime()
	w.until = w.armed + time.Duration(seconds)*time.Second
	w.wait(ctx)
	return w.farewell()
}

// open starts a companion, and then takes the lock and the socket: at no moment there is one process alone.
func (h *holder) open(ctx context.Context) (err error) {
	if h.companion, err = h.accompanied(); err != nil {
		return err
	}
	if h.lock, err = process.Hold(h.Paths.ConfirmPID()); err != nil {
		return err
	}
	h.listener, err = rootonly.Listen(ctx, "unix", h.Paths.ConfirmCtl())
	return err
}

// close gives all of that back.
func (h *holder) close() {
	h.setup.close()
	if h.companion != nil {
		h.companion.Close()
	}
	if h.listener != nil {
		h.listener.Close()
	}
	if h.lock != nil {
		h.lock.Release()
	}
}

// farewell lets the companion go.
func (h *holder) farewell() error {
	if h.companion == nil {
		return nil
	}
	_, err := h.companion.Write([]byte{farewell})
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
	if err := h.Companion(theirs, h.Setup); err != nil {
		ours.Close()
		return nil, fmt.Errorf("failed to start the companion: %w", err)
	}
	return ours, nil
}

// Accompany is what the companion does: where the holder dies without a word, it goes back in its place, with the lock,
// the socket and a companion, so that it can be asked and told as the first one. Where it cannot have these, as in a
// run folder that is gone, it goes back without.
func (h Holder) Accompany(ctx context.Context, socket *os.File) error {
	defer socket.Close()
	w := holder{Holder: h, setup: watchSetup(h.Setup), why: "the process that held the way back of a change is dead"}
	defer w.close()
	if word := make([]byte, 1); read(socket, word) && word[0] == farewell {
		return nil
	}
	w.endSetup()
	w.Setup = 0 // another may have its number later
	if err := w.open(ctx); err != nil {
		h.Log("failed to hold the way back alone: " + err.Error())
	}
	w.armed = boottime()
	w.until = w.armed
	w.wait(ctx)
	return w.farewell()
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
func (h *holder) wait(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	clients := make(chan *net.UnixConn)
	served := make(chan struct{})
	go func() { // ends with the context
		defer close(served)
		if h.listener == nil {
			return
		}
		h.listener.Serve(ctx, "the process that waits for a confirmation", h.Log, func(c *net.UnixConn) {
			select {
			case clients <- c:
			case <-ctx.Done():
				c.Close()
			}
		})
	}()
	alone := make(chan struct{})
	if h.companion != nil {
		go func() { // ends with the companion, or when its socket is closed
			defer close(alone)
			read(h.companion, make([]byte, 1))
		}()
	}
	defer func() {
		cancel()
		<-served
	}()
	const never = 1<<63 - 1
	over := false
	for !over || h.back != nil {
		left := min(h.until-boottime(), time.Second) // a machine that sleeps stops the clock of timers
		if h.back != nil {
			left = never
		}
		select {
		case <-ctx.Done():
			return
		case conn := <-clients:
			over = h.answer(conn) || over
		case <-alone:
			alone = nil
			if h.back == nil {
				h.why, h.until = "the companion of the process that held the way back of a change is dead", boottime()
			}
		case err := <-h.back:
			h.back = nil
			if over = over || err == nil; !over {
				h.pace = min(max(2*h.pace, backPace), backPaceMost)
				h.why, h.until = fmt.Sprintf("going back has failed: %v", err), boottime()+h.pace
			}
		case <-time.After(left):
			if h.until == 0 {
				h.setup.wait(ctx, endTime)
				h.why = "the change has not been accepted"
			}
			if boottime() >= h.until {
				over = !h.goBack(ctx)
			}
		}
	}
}

// endSetup kills the setup that makes the change, if it is still at work.
func (h *holder) endSetup() {
	if h.setup.end() {
		h.Log("the setup that made the change was still at work, and has been killed")
	}
}

// goBack begins to go back. It is false where there is nothing to go back to: somebody has taken away what was
// confirmed last, by which a change is confirmed, or what was started from nothing has been stopped.
func (h *holder) goBack(ctx context.Context) bool {
	h.endSetup()
	_, err := os.Lstat(h.Paths.SetupPID())
	if h.Nothing && errors.Is(err, fs.ErrNotExist) || !h.Nothing && !Unconfirmed(h.Paths) {
		h.Log(h.why + ", but there is nothing to go back to any more")
		return false
	}
	h.Log(h.why + ": going back to what ran before")
	ctx, h.giveUp = context.WithCancel(ctx)
	h.child.Store(0)
	h.going = true
	back := make(chan error, 1)
	h.back = back
	go func() { back <- h.Back(ctx, func(pid int) { h.child.Store(int64(pid)) }) }() // whose end wait waits for
	return true
}
