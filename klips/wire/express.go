package wire

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"ipsec/klips/offload"
	"ipsec/klips/packet"
	"ipsec/klips/wire/xdp"
)

const (
	expressRetry = time.Minute // after which what refused it may have gone

	noRawESP = "there are no SAs of raw ESP"
)

// An express is AF_XDP on an interface: it comes and goes while packets go on,
// by the sockets that are there in any case.
type express struct {
	// Set when it is made.
	program *xdp.Program // nil for none
	name    string
	change  *sync.Cond // of link, and of closed; its lock is mu

	link atomic.Pointer[xdp.Link] // nil while it is not on; changes under mu

	mu         sync.Mutex // guards what follows
	closed     bool
	why        string    // it is not on
	index, mtu int       // of the interface, when it was last tried
	tried      time.Time // and when that was
	read       []bool    // of each inlet of link whether it has got a reader
	overflows  uint64    // of links that have ended
}

func newExpress(name string, queues int, o Options) *express {
	e := &express{name: name, read: make([]bool, min(max(1, queues), xdp.QueueLimit))}
	switch {
	case o.Want&offload.XDP == 0:
	case o.XDP != nil:
		e.program, e.why = o.XDP, noRawESP
	case o.NoXDP != nil:
		e.why = o.NoXDP.Error()
	}
	e.change = sync.NewCond(&e.mu)
	return e
}

// set turns it on, or off for a reason; on an interface that has changed, off,
// and on when it is called again. It takes milliseconds where it changes something.
// An interface that cannot have it is left alone for a while.
func (e *express) set(on bool, why string, s *state) {
	if e.program == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	link := e.link.Load()
	same := e.index == s.index && e.mtu == s.mtu
	if link != nil && (!on || !same) {
		e.end()
	}
	switch {
	case e.closed:
	case !on:
		e.why, e.tried = why, time.Time{}
	case link != nil && !same: // once those who read have let go of its queues
		e.index, e.mtu, e.why, e.tried = s.index, s.mtu, "the interface has just changed", time.Time{}
	case link == nil && (!same || time.Since(e.tried) >= expressRetry):
		e.index, e.mtu, e.tried = s.index, s.mtu, time.Now()
		link, err := e.program.Attach(e.name)
		if err != nil {
			e.why = err.Error()
			return
		}
		e.why = ""
		clear(e.read)
		e.link.Store(link)
		if len(link.Inlets()) > len(e.read) {
			e.end()
			e.why = fmt.Sprintf("%s has more queues than when it was attached, %d", e.name, len(e.read))
			return
		}
		e.change.Broadcast()
		fallthrough
	case link != nil:
		if err := e.link.Load().SetLocal(s.addrs); err != nil {
			e.end()
			e.why = err.Error()
		}
	}
}

// end turns it off. The caller holds mu.
func (e *express) end() {
	link := e.link.Swap(nil)
	if link == nil {
		return
	}
	e.overflows += link.Overflows()
	link.Close()
	for i, in := range link.Inlets() {
		if i >= len(e.read) || !e.read[i] {
			in.Leave()
		}
	}
}

// close turns it off for good.
func (e *express) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.end()
	e.closed = true
	e.change.Broadcast()
}

// status returns the mode that it is on in, or why it is not.
func (e *express) status() (mode, why string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if link := e.link.Load(); link != nil {
		return link.Mode(), ""
	}
	return "", e.why
}

// lost returns how many packets there was no room for.
func (e *express) lost() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if link := e.link.Load(); link != nil {
		return e.overflows + link.Overflows()
	}
	return e.overflows
}

// Send implements framer.
func (e *express) Send(head *header, bufs []*packet.Buffer) (sent int, err error) {
	link := e.link.Load()
	if link == nil {
		return 0, os.ErrClosed
	}
	return link.Send((*xdp.Header)(head), bufs)
}

// An ExpressInlet is a queue of the interface while AF_XDP is on, and else a wait
// for that. The packets that it gives lie in memory of its own.
type ExpressInlet struct {
	express *express
	queue   int
	link    *xdp.Link  // that inlet is of, the last
	inlet   *xdp.Inlet // nil for none
}

// Batch returns how many Buffers ReadBatch has a use for, and the size of the
// packets that they need room for.
func (in *ExpressInlet) Batch() (n, size int) { return 128, 0 }

// ReadBatch implements Inlet.
func (in *ExpressInlet) ReadBatch(bufs []*packet.Buffer) (int, error) {
	for {
		if in.inlet == nil && !in.next() {
			return 0, os.ErrClosed
		}
		n, err := in.inlet.ReadBatch(bufs)
		if !errors.Is(err, os.ErrClosed) {
			return n, err
		}
		in.inlet = nil
	}
}

// next waits for another link that has the queue, or for the end.
func (in *ExpressInlet) next() bool {
	e := in.express
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		link := e.link.Load()
		if link != nil && link != in.link && in.queue < len(link.Inlets()) {
			in.link, in.inlet = link, link.Inlets()[in.queue]
			e.read[in.queue] = true
			return true
		}
		if e.closed {
			return false
		}
		e.change.Wait()
	}
}

// ExpressInlets returns what ESP comes in by while AF_XDP is on. Each is for one
// goroutine.
func (w *Wire) ExpressInlets() []*ExpressInlet {
	var list []*ExpressInlet
	if w.express.program != nil {
		for i := range w.express.read {
			list = append(list, &ExpressInlet{express: w.express, queue: i})
		}
	}
	return list
}

// A Traffic is what ESP a Wire is to expect.
type Traffic struct{ Raw, UDP bool }

// Expect says what traffic there will be, as far as SAs tell. AF_XDP is on while
// there is raw ESP, and none in UDP: the kernel copies the trains of that where
// there is an XDP program; and while no rule of netfilter could look at it. It may take
// milliseconds.
func (w *Wire) Expect(t Traffic) {
	w.refreshing.Lock()
	defer w.refreshing.Unlock()
	w.traffic = t
	w.setExpress()
}

// Use says when raw ESP goes past netfilter from now on. It may take milliseconds.
func (w *Wire) Use(u offload.Use) {
	w.refreshing.Lock()
	defer w.refreshing.Unlock()
	w.use, w.watch = u, watch{}
	w.setExpress()
}

// setExpress turns AF_XDP on or off. The caller holds refreshing.
func (w *Wire) setExpress() {
	if w.closed {
		return
	}
	why, watcher := "", w.watcher()
	w.raw.shown.Store(watcher.Out != "")
	switch t := w.traffic; {
	case w.use == offload.Off:
		why = "turned off on this interface"
	case !t.Raw:
		why = noRawESP
	case t.UDP:
		why = "there are SAs of ESP in UDP, which an XDP program slows down"
	case w.raw.plain == nil:
		why = "it needs packet" // whose knowledge of the way it shares
	case watcher.First() != "":
		why = watcher.First() + couldLook
	}
	w.express.set(why == "", why, w.state.Load())
}

// Offloads returns those that are in use.
func (w *Wire) Offloads() offload.Set {
	used := w.offloads
	if w.raw.shown.Load() {
		used &^= offload.Packet
	}
	if mode, _ := w.express.status(); mode != "" {
		used |= offload.XDP
	}
	return used
}

// Why returns why ways are not in use that were wanted, where there is more to say
// than that the kernel does not offer them.
func (w *Wire) Why() map[offload.Set]string {
	list := map[offload.Set]string{}
	w.refreshing.Lock()
	watcher := w.watch.verdict.Out
	w.refreshing.Unlock()
	switch {
	case w.raw.why != "":
		list[offload.Packet] = w.raw.why
	case w.raw.plain != nil && watcher != "":
		list[offload.Packet] = watcher + couldLook
	}
	if _, why := w.express.status(); why != "" {
		list[offload.XDP] = why
	}
	return list
}

// RawESP says for a person by what way raw ESP is sent and taken in now.
func (w *Wire) RawESP() string {
	mode, _ := w.express.status()
	switch {
	case mode != "":
		return fmt.Sprintf("raw ESP goes by AF_XDP (%s mode), past netfilter and captures", mode)
	case w.Offloads()&offload.Packet != 0:
		return "raw ESP leaves by AF_PACKET, past netfilter, and comes in by a raw socket"
	}
	return "raw ESP goes by raw sockets"
}
