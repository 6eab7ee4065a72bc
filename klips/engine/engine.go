// Package engine is the data plane: packets from a virtual interface go by the
// eroutes into SAs and out on the physical one, and packets from there come out
// of the SAs, are held against the inbound policy, and go to the virtual
// interface.
//
// Each attachment has one goroutine for each queue of its device and one for each
// socket of the way in. Each runs a batch of packets to completion: read, transform, write.
// In steady state nothing is allocated. Tables are read under a lock that is
// taken once for a batch and never held while a packet is read or written.
package engine

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"ipsec/klips"
	"ipsec/klips/eroute"
	"ipsec/klips/sadb"
	"ipsec/klips/wire/ike"
)

// Options are what an Engine is made of. Zero values are good but for Settings and System.
type Options struct {
	Settings klips.Settings
	System   System
	IKE      func(ike.Message) // takes what comes to UDP port 4500 and is not ESP; must not wait, nor keep it
	Log      func(string)      // takes what an administrator should know, seldom but for what Settings.Debug asks for
	Now      func() time.Time  // nil for time.Now; Sweep is then for the caller to call
}

// An Engine is a klips.Table whose packets move.
type Engine struct {
	// Set by New.
	system System
	ike    func(ike.Message)
	log    func(string)
	now    func() time.Time
	events chan klips.Event // sent to under mu
	debug  *debug
	order  *sadb.Order
	stop   chan struct{} // closed by Close
	wait   sync.WaitGroup

	ids   atomic.Uint32
	stats counters

	control sync.Mutex // held while interfaces are opened and closed; taken before mu

	mu       sync.RWMutex // guards what follows; workers hold it for reading, for a batch
	closed   bool
	settings klips.Settings
	sas      *sadb.DB
	eroutes  eroute.Table
	attached map[string]*attachment
	held     map[klips.Selector]*held
	paths    map[netip.Addr]path
	pending  []klips.Event // what events had no room for
}

var _ klips.Table = (*Engine)(nil)

// New returns an engine with empty tables. Close ends it.
func New(o Options) *Engine {
	e := &Engine{
		system:   o.System,
		ike:      o.IKE,
		log:      o.Log,
		now:      o.Now,
		events:   make(chan klips.Event, 1024),
		debug:    newDebug(o.Settings.Debug),
		stop:     make(chan struct{}),
		order:    sadb.NewOrder(),
		settings: o.Settings,
		sas:      sadb.New(),
		attached: map[string]*attachment{},
		held:     map[klips.Selector]*held{},
		paths:    map[netip.Addr]path{},
	}
	if e.ike == nil {
		e.ike = func(ike.Message) {}
	}
	if e.log == nil {
		e.log = func(string) {}
	}
	e.ids.Store(randomID())
	if e.now == nil {
		e.now = time.Now
		e.wait.Go(e.sweeper)
	}
	return e
}

// Events returns the channel of Acquire, Expire and NewMapping, which Close closes.
// The engine never blocks on a reader: when the channel is full an Acquire is
// dropped, and another packet of the flow may ask again; other events come later.
func (e *Engine) Events() <-chan klips.Event { return e.events }

// Close detaches all and stops all goroutines. The virtual interfaces stay, so
// that what is routed into them is dropped until something better is known.
func (e *Engine) Close() error {
	e.control.Lock()
	defer e.control.Unlock()
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return fmt.Errorf("failed to close the engine: %w", syscall.ESHUTDOWN)
	}
	e.closed = true
	gone := e.attached
	e.attached = map[string]*attachment{}
	e.mu.Unlock()
	for _, a := range gone {
		a.device.Close()
		a.wire.Close()
	}
	for _, a := range gone { // who sends by one may wait for who sends by another
		a.wait.Wait()
	}
	close(e.stop)
	e.wait.Wait()
	close(e.events)
	return nil
}

// SendIKE sends an IKE message from UDP port 4500 of the attachment that has its
// local address.
func (e *Engine) SendIKE(m ike.Message) error {
	e.mu.RLock()
	var w Wire
	for _, a := range e.attached {
		if a.wire.Owns(m.Local.Addr()) {
			w = a.wire
		}
	}
	e.mu.RUnlock()
	if w == nil {
		return fmt.Errorf("no attached interface has the address %v: %w", m.Local.Addr(), syscall.EADDRNOTAVAIL)
	}
	return w.SendIKE(m)
}

// emit tells of an event, now or at the next sweep. The caller holds mu for writing.
func (e *Engine) emit(ev klips.Event) {
	if e.closed {
		return
	}
	select {
	case e.events <- ev:
		return
	default:
	}
	// Of mappings only the latest counts, and a peer can make any number.
	if m, ok := ev.(klips.NewMapping); ok {
		for i, old := range e.pending {
			if o, ok := old.(klips.NewMapping); ok && o.ID == m.ID {
				m.Old = o.Old
				e.pending[i] = m
				return
			}
		}
	}
	e.pending = append(e.pending, ev)
}
