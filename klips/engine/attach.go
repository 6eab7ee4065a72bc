package engine

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"ipsec/klips"
	"ipsec/klips/esp"
	"ipsec/klips/offload"
	"ipsec/klips/packet"
	"ipsec/klips/said"
)

// minMTU is the least that IPv6 works with, RFC 8200, section 5.
const minMTU = 1280

// An attachment is a virtual interface bound to a physical one.
type attachment struct {
	// Set by Attach.
	virtual, physical string
	device            Device
	wire              Wire
	several           bool           // queues
	wait              sync.WaitGroup // for its workers

	xdp offload.Use // guarded by the engine's mu

	mu        sync.Mutex // guards what follows
	side      *outbound  // for packets that come back from a %hold
	overflows uint64     // that have been counted
}

// Attach implements klips.Table. EBUSY says that either interface is attached,
// ENODEV that there is no such physical one.
func (e *Engine) Attach(at klips.Attachment) error {
	virtual, physical := at.Virtual, at.Physical
	if virtual == "" || physical == "" || virtual == physical {
		return fmt.Errorf("malformed attachment of %q to %q: %w", virtual, physical, syscall.EINVAL)
	}
	e.control.Lock()
	defer e.control.Unlock()
	if e.reuse(at) {
		return nil
	}
	if err := e.free(virtual, physical); err != nil {
		return err
	}
	w, err := e.system.OpenWire(at, Hooks{IKE: e.ike, PathMTU: e.pathMTU, Log: e.log})
	if err != nil {
		return err
	}
	mtu := w.MTU()
	if mtu >= minMTU {
		mtu = max(mtu-esp.Overhead, minMTU) // what fits exactly is computed packet by packet
	}
	d, err := e.system.OpenDevice(virtual, mtu)
	if err != nil {
		w.Close()
		return err
	}
	e.debug.done(klips.TopicNetlink, nil, "netlink: attach %s, MTU %d, to %s, MTU %d", virtual, mtu, physical, w.MTU())
	a := &attachment{virtual: virtual, physical: physical, xdp: at.XDP, device: d, wire: w, several: len(d.Queues()) > 1}
	e.mu.Lock()
	e.attached[virtual] = a
	e.mu.Unlock()
	for i, queue := range d.Queues() {
		out := newOutbound(e, a, batch)
		out.queue = i
		a.wait.Go(func() { out.run(queue) })
	}
	for _, inlet := range w.Inlets() {
		n, size := batch/2, packet.MaxSize
		if in, ok := inlet.(Sizer); ok {
			n, size = in.Batch()
		}
		in := newInbound(e, a, n, size)
		a.wait.Go(func() { in.run(inlet) })
	}
	return nil
}

// reuse reports whether there is that attachment, with another use of what goes past
// netfilter, which it now has.
func (e *Engine) reuse(at klips.Attachment) bool {
	e.mu.Lock()
	a := e.attached[at.Virtual]
	same := a == nil || a.physical != at.Physical || a.xdp == at.XDP
	if !same {
		a.xdp = at.XDP
	}
	e.mu.Unlock()
	if same {
		return false
	}
	if w, ok := a.wire.(User); ok {
		w.Use(at.XDP)
	}
	return true
}

func (e *Engine) free(virtual, physical string) error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return fmt.Errorf("the engine is closed: %w", syscall.ESHUTDOWN)
	}
	for _, a := range e.attached {
		if a.virtual == virtual || a.physical == physical {
			return fmt.Errorf("%s is attached to %s: %w", a.virtual, a.physical, syscall.EBUSY)
		}
	}
	return nil
}

// Detach implements klips.Table.
func (e *Engine) Detach(virtual string) error {
	e.control.Lock()
	defer e.control.Unlock()
	return e.detach(virtual)
}

func (e *Engine) detach(virtual string) error {
	e.mu.Lock()
	a := e.attached[virtual]
	delete(e.attached, virtual)
	for s, h := range e.held {
		if h.at == a {
			e.unhold(s)
		}
	}
	e.mu.Unlock()
	if a == nil {
		return fmt.Errorf("%s is not attached: %w", virtual, syscall.ENOENT)
	}
	a.tally(&e.stats)
	err := a.device.Remove()
	if err != nil {
		a.device.Close()
	}
	a.wire.Close()
	a.wait.Wait()
	e.debug.done(klips.TopicNetlink, err, "netlink: detach %s", virtual)
	return err
}

// ListAttachments implements klips.Table, in the order of names.
func (e *Engine) ListAttachments() ([]klips.Attachment, error) {
	e.mu.RLock()
	var list []*attachment
	use := map[*attachment]offload.Use{}
	for _, a := range e.attached {
		list = append(list, a)
		use[a] = a.xdp
	}
	e.mu.RUnlock()
	slices.SortFunc(list, func(a, b *attachment) int { return strings.Compare(a.virtual, b.virtual) })
	var result []klips.Attachment
	for _, a := range list {
		mtu, err := a.device.MTU()
		if err != nil && !errors.Is(err, os.ErrClosed) {
			e.log(err.Error())
		}
		at := klips.Attachment{Virtual: a.virtual, Physical: a.physical, XDP: use[a], MTU: mtu, PhysicalMTU: a.wire.MTU()}
		if d, ok := e.system.(Describer); ok {
			at.Offloads, at.Watcher = d.Describe(a.device, a.wire)
		}
		result = append(result, at)
	}
	return result, nil
}

// ClearAttachments implements klips.Table.
func (e *Engine) ClearAttachments() error {
	e.control.Lock()
	defer e.control.Unlock()
	list, err := e.ListAttachments()
	for _, a := range list {
		err = errors.Join(err, e.detach(a.Virtual))
	}
	return err
}

// owns reports whether an attached physical interface has that address. The
// caller holds mu.
func (e *Engine) owns(addr netip.Addr) bool {
	for _, a := range e.attached {
		if a.wire.Owns(addr) {
			return true
		}
	}
	return false
}

// A path is what is known of the way to a host.
type path struct {
	mtu   int
	until time.Time
}

const (
	pathTime  = 10 * time.Minute // RFC 1191, section 6.3
	pathLimit = 4096
)

// pathMTU notes the MTU of the way to dst, where the SPI is that of an SA.
func (e *Engine) pathMTU(dst netip.Addr, spi uint32, mtu int) {
	least := 576
	if dst.Is6() {
		least = minMTU
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sas.Lookup(said.SAID{Dst: dst, SPI: spi, Proto: said.ESP}) == nil &&
		e.sas.Lookup(said.SAID{Dst: dst, SPI: spi, Proto: said.AH}) == nil {
		return
	}
	if old, ok := e.paths[dst]; ok && old.mtu <= mtu || len(e.paths) >= pathLimit {
		return
	}
	e.paths[dst] = path{max(mtu, least), e.now().Add(pathTime)}
	e.debug.done(klips.TopicNetlink, nil, "netlink: packets to %v may have %d bytes", dst, max(mtu, least))
}

// mtu returns the longest packet that reaches dst. The caller holds mu.
func (e *Engine) mtu(a *attachment, dst netip.Addr) int {
	mtu := a.wire.MTU()
	if len(e.paths) > 0 {
		if p, ok := e.paths[dst]; ok {
			mtu = min(mtu, p.mtu)
		}
	}
	return mtu
}

const batch = 64 // packets that are read at once
