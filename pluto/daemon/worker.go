package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"ipsec/conf/identity"
	"ipsec/klips"
	"ipsec/klips/process/rootonly"
	"ipsec/pluto"
	"ipsec/pluto/connection"
	"ipsec/pluto/daemon/stack"
	"ipsec/pluto/ikev2"
	"ipsec/pluto/observe"
	"ipsec/pluto/versions"
	"ipsec/pluto/whack"
	"ipsec/pluto/whack/cmdline"
)

// Worker is what Work needs.
type Worker struct {
	Options
	Stack   stack.Open        // what is to carry packets
	Log     func(line string) // what an administrator should know
	LogOnly func(line string) // what goes to syslog alone
	CoreDir string            // the folder to be in, for a core to be left there; "" for the supervisor's
}

// queued bounds what may wait for the loop, of each kind.
const queued = 256

// worker is the loop and what it owns. Its fields but the channels are for the
// loop's goroutine alone.
type worker struct {
	Worker
	boss *boss

	stack     *stack.Stack
	table     *connection.Table
	ike       pluto.Negotiator
	store     *credentials
	endpoints endpoints
	listening bool
	debug     []string // the words of --debug-WORD in force
	observer  *observe.Observer
	myID      identity.ID // what %myid stands for; zero for the address
	waiters   []*waiter

	datagrams chan pluto.Datagram
	jobs      chan func()     // done by the loop, in order
	end       func()          // has the loop end
	late      chan struct{}   // closed when nothing more is waited for at the end
	ctx       context.Context // of the goroutines beside the loop, which go on to its end
	parts     sync.WaitGroup  // those goroutines
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

// Work is the worker of a supervisor. It returns when the context has ended and
// the peers have been told, when whack --shutdown has been asked for, or when the supervisor is gone.
func Work(ctx context.Context, cfg Worker) error {
	cfg.settle()
	for _, fd := range []int{controlFD, journalFD} {
		unix.CloseOnExec(fd)
	}
	if err := unix.SetNonblock(journalFD, true); err != nil { // before NewFile, so that reads of it have deadlines
		return fmt.Errorf("failed to speak to the supervisor, which starts this: %w", err)
	}
	supervisor := os.NewFile(journalFD, "supervisor")
	control := os.NewFile(controlFD, "control")
	listener, err := rootonly.Inherit(control)
	if err != nil {
		return err
	}
	control.Close()
	server := whack.NewServer(listener)
	ctx, end := context.WithCancel(ctx)
	defer end()
	parts, cancel := context.WithCancel(context.WithoutCancel(ctx)) // the peers are told by way of them
	defer cancel()
	w := &worker{
		Worker: cfg, boss: newBoss(supervisor),
		datagrams: make(chan pluto.Datagram, queued), jobs: make(chan func(), queued), end: end, late: make(chan struct{}), ctx: parts,
	}
	defer context.AfterFunc(ctx, w.hurry)()
	if err := w.build(); err != nil {
		return err
	}
	history, err := w.boss.history()
	if err != nil {
		return err
	}
	server.Handle = func(call *whack.Call) { w.do(func() { w.answer(call) }) }
	server.Log = cfg.Log

	defer func() {
		cancel()
		w.endpoints.close()
		supervisor.SetReadDeadline(time.Now()) // ends boss.listen
		w.parts.Wait()
	}()
	w.parts.Go(func() { w.serve(parts, server) })
	w.parts.Go(func() {
		if err := w.boss.listen(); parts.Err() == nil {
			cfg.Log("Pluto's worker ends: " + err.Error())
			os.Exit(1) // the SAs in KLIPS stay: this is a crash of the supervisor
		}
	})
	w.follow(parts)
	if err := w.restore(history); err != nil {
		return err
	}
	if err := cfg.confine(); err != nil {
		return err
	}
	if err := w.boss.ready(); err != nil {
		return fmt.Errorf("failed to tell the supervisor that Pluto is ready: %w", err)
	}
	w.loop(ctx)
	return nil
}

// build makes the parts that do no I/O, and joins them.
func (w *worker) build() error {
	w.observer = observe.New(w.LogOnly)
	w.setDebug(w.Options.Debug)
	if w.MyID != "" {
		id, err := identity.Parse(w.MyID)
		if err != nil {
			return fmt.Errorf("--myid: %w", err)
		}
		w.myID = id
	}
	var err error
	if w.stack, err = w.Worker.Stack(stack.Surroundings{Paths: w.Paths, Clock: systemClock{}, Run: runner{w}, Log: w.Log}); err != nil {
		return err
	}
	w.endpoints = endpoints{deliver: w.deliver, log: w.Log, nat: w.stack.Send}
	private, err := connection.ParsePrivate(w.VirtualPrivate)
	if err != nil {
		return err
	}
	w.table = connection.New(connection.Config{
		Kernel: w.observer.Kernel(w.stack.Kernel), Clock: systemClock{}, Rand: rand.Reader, Report: w.observer.Reporter(w.report), Private: private, Resolver: resolver{w},
		Updown: w.stack.Updown,
	})
	w.store = &credentials{w.load(), w.NoCRSend}
	serials := new(versions.Serials)
	two := ikev2.New(ikev2.Config{
		Serial: serials.Next,
		Clock:  systemClock{}, Rand: rand.Reader, Transport: w.observer.Transport(&w.endpoints), Connections: w.observer.Connections(w.table), Credentials: w.store,
		Report: w.observer.Reporter(w.report), UniqueIDs: w.UniqueIDs, KeepAlive: time.Duration(w.KeepAlive) * time.Second, ForceKeepAlive: w.ForceKeepAlive,
	})
	w.ike = w.observer.Negotiator(versions.New(
		versions.Version{Major: 2, Negotiator: two, Speaks: func(c *pluto.Connection) bool { return c.Versions.IKEv2 }},
	))
	w.table.Drive(w.ike)
	return nil
}

// follow starts what waits for something and hands it to the loop.
func (w *worker) follow(ctx context.Context) {
	w.parts.Go(func() { watch(ctx, func() { w.do(w.readdressed) }, w.Log) })
	if w.stack.Follow == nil {
		return
	}
	w.parts.Go(func() {
		w.stack.Follow(ctx, stack.Events{
			Event:   func(e klips.Event) { w.do(func() { w.table.Event(e) }) },
			Lost:    func() { w.do(w.resync) },
			Deliver: w.deliver,
		})
	})
}

// serve answers whacks until the context ends.
func (w *worker) serve(ctx context.Context, server *whack.Server) {
	if err := server.Serve(ctx); err != nil {
		w.Log(err.Error())
	}
}

// do has the loop do something, and waits only when much is waiting already.
func (w *worker) do(job func()) {
	select {
	case w.jobs <- job:
	case <-w.ctx.Done():
	}
}

// deliver hands a message of the network to the loop, unless its socket is gone.
// While many wait, those that come stay in the queue of the socket, which the
// kernel bounds.
func (w *worker) deliver(d pluto.Datagram, gone <-chan struct{}) {
	select {
	case w.datagrams <- d:
	case <-gone:
	}
}

// loop is the goroutine that owns all tables.
func (w *worker) loop(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		timer.Reset(w.due())
		select {
		case <-ctx.Done():
		case d := <-w.datagrams:
			w.ike.Receive(d)
		case job := <-w.jobs:
			job()
		case <-timer.C:
		}
		w.tick()
	}
	w.ike.Shutdown()
	w.table.Shutdown()
}

// hurry bounds how long the end of the loop may take: updown commands are not
// waited for any more, and then nothing is.
func (w *worker) hurry() {
	time.AfterFunc(endTime/2, func() { close(w.late) })
	time.AfterFunc(endTime-endTime/10, func() {
		w.Log("not all could be told that Pluto ends, or taken back: it takes too long")
		os.Exit(0)
	})
}

// due returns how long nothing is to be done.
func (w *worker) due() time.Duration {
	wait := time.Hour
	for _, next := range []func() (time.Time, bool){w.ike.Next, w.table.Next} {
		if at, ok := next(); ok {
			wait = min(wait, max(0, time.Until(at)))
		}
	}
	return wait
}

func (w *worker) tick() {
	now := time.Now()
	if at, ok := w.ike.Next(); ok && !now.Before(at) {
		w.ike.Tick()
	}
	if at, ok := w.table.Next(); ok && !now.Before(at) {
		w.table.Tick()
	}
}

// restore does again what earlier workers were asked to do. What they left in
// KLIPS goes on carrying packets until it is replaced.
func (w *worker) restore(history []Entry) error {
	if len(history) == 0 {
		return nil
	}
	w.Log(fmt.Sprintf("a new worker takes over: %d messages of whack are done again", len(history)))
	if err := w.table.Adopt(); err != nil {
		return fmt.Errorf("failed to see what is in KLIPS: %w", err)
	}
	for _, e := range history {
		request, err := cmdline.Parse(e.Words)
		if err == nil {
			err = w.replay(e.Kind, request)
		}
		if err != nil {
			w.Log(fmt.Sprintf("failed to do again what whack had asked for %q: %v", e.Name, err))
		}
	}
	return w.table.Resync()
}

// readdressed is readdress when addresses may have changed.
func (w *worker) readdressed() {
	if err := w.readdress(); err != nil && !errors.Is(err, w.stack.Down) {
		w.Log(err.Error())
	}
}

func (w *worker) resync() {
	if err := w.table.Resync(); err != nil && !errors.Is(err, w.stack.Down) {
		w.Log(fmt.Sprintf("failed to compare what is in KLIPS: %v", err))
	}
}
