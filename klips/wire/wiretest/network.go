// Package wiretest has a network in memory: physical interfaces that reach one
// another, with what a test does to the packets between.
package wiretest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"

	"ipsec/klips"
	"ipsec/klips/packet"
	"ipsec/klips/wire"
	"ipsec/klips/wire/ike"
)

// A Network joins wires. Its zero value is ready.
type Network struct {
	// Alter, when set, gets each packet that is sent and returns what arrives
	// in its place: nothing, more, or another. It is called by one goroutine
	// at a time, and owns what it gets.
	Alter func(p []byte) [][]byte

	// Inlets is how many each wire has that is opened after it was set; 0 for
	// one. Spread says by which of them a packet comes; nil for the first.
	Inlets int
	Spread func(p []byte) int

	mu    sync.Mutex // guards what follows
	wires []*Wire
	parts map[part][]byte
}

// A part is what the fragments of a packet have in common.
type part struct {
	src, dst netip.Addr
	id       uint32
}

// Open adds a wire with those addresses and MTU.
func (n *Network) Open(mtu int, hooks wire.Hooks, addrs ...netip.Addr) *Wire {
	w := &Wire{network: n, mtu: mtu, hooks: hooks, addrs: addrs, done: make(chan struct{}), Clear: make(chan []byte, 1024)}
	for range max(1, n.Inlets) {
		w.inlets = append(w.inlets, &Inlet{w, make(chan arrival, 4096)})
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wires = append(n.wires, w)
	return w
}

// Deliver makes p arrive where it is addressed, past Alter.
func (n *Network) Deliver(p []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deliver(p)
}

func (n *Network) send(p []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p = slices.Clone(p)
	if n.Alter == nil {
		n.deliver(p)
		return
	}
	for _, q := range n.Alter(p) {
		n.deliver(slices.Clone(q))
	}
}

func (n *Network) deliver(p []byte) {
	h, err := packet.Parse(p)
	if err != nil {
		return
	}
	if h.Fragmented() {
		if p = n.assemble(p, &h); p == nil {
			return
		}
		if h, err = packet.Parse(p); err != nil {
			return
		}
	}
	for _, w := range n.wires {
		if w.Owns(h.Dst) {
			w.arrive(p, &h)
		}
	}
}

// assemble puts fragments together that arrive in order, and returns the whole
// packet with the last.
func (n *Network) assemble(p []byte, h *packet.Header) []byte {
	if n.parts == nil {
		n.parts = map[part][]byte{}
	}
	key := part{h.Src, h.Dst, h.ID}
	if h.Offset == 0 {
		head := slices.Clone(p[:h.Payload])
		if h.Version == 4 {
			head[6], head[7] = head[6]&0x40, 0
		} else { // the fragment header is the last
			head = head[:h.Payload-8]
			head[h.NextAt] = h.Proto
		}
		n.parts[key] = head
	}
	so := n.parts[key]
	if so == nil {
		return nil
	}
	so = append(so, p[h.Payload:h.Total]...)
	n.parts[key] = so
	if h.More {
		return nil
	}
	delete(n.parts, key)
	packet.SetLength(so, len(so))
	return so
}

// A Wire is a physical interface of a Network.
type Wire struct {
	// Clear has the packets that arrive and are neither ESP, AH nor IKE on
	// port 4500; full means lost.
	Clear chan []byte

	network *Network
	hooks   wire.Hooks
	inlets  []*Inlet
	done    chan struct{}
	once    sync.Once

	mu    sync.Mutex // guards what follows
	mtu   int
	addrs []netip.Addr
}

type arrival struct {
	packet   []byte
	src, dst netip.AddrPort // of UDP
}

func (w *Wire) arrive(p []byte, h *packet.Header) {
	a := arrival{packet: p}
	switch {
	case h.Proto == packet.ESP || h.Proto == packet.AH:
	case h.Proto == packet.UDP && h.DstPort == klips.EncapPort && h.Total >= h.Payload+packet.UDPLen:
		a.src, a.dst = netip.AddrPortFrom(h.Src, h.SrcPort), netip.AddrPortFrom(h.Dst, h.DstPort)
		data := p[h.Payload+packet.UDPLen : h.Total]
		if len(data) <= 4 {
			return
		}
		if binary.BigEndian.Uint32(data) == 0 {
			if w.hooks.IKE != nil {
				w.hooks.IKE(ike.Message{Local: a.dst, Remote: a.src, Payload: data[4:]})
			}
			return
		}
		outer := packet.Outer{Src: h.Src, Dst: h.Dst, TOS: h.TOS, TTL: h.TTL, Proto: packet.ESP}
		a.packet = make([]byte, outer.Len()+len(data))
		outer.Put(a.packet, len(data))
		copy(a.packet[outer.Len():], data)
	default:
		select {
		case w.Clear <- p:
		default:
		}
		return
	}
	in := w.inlets[0]
	if w.network.Spread != nil {
		in = w.inlets[w.network.Spread(p)%len(w.inlets)]
	}
	select {
	case in.arrived <- a:
	default:
	}
}

// An Inlet is one of those of a Wire.
type Inlet struct {
	wire    *Wire
	arrived chan arrival // full means lost
}

// Inlets implements wire.Wire.
func (w *Wire) Inlets() []*Inlet { return w.inlets }

// ReadBatch implements wire.Inlet.
func (in *Inlet) ReadBatch(bufs []*packet.Buffer) (int, error) {
	select {
	case a := <-in.arrived:
		a.fill(bufs[0])
	case <-in.wire.done:
		return 0, os.ErrClosed
	}
	for i := 1; i < len(bufs); i++ {
		select {
		case a := <-in.arrived:
			a.fill(bufs[i])
		default:
			return i, nil
		}
	}
	return len(bufs), nil
}

func (a *arrival) fill(b *packet.Buffer) {
	b.Set(a.packet)
	b.Encap.Src, b.Encap.Dst = a.src, a.dst
}

// WriteBatch implements wire.Wire.
func (w *Wire) WriteBatch(_ int, bufs []*packet.Buffer) (refused int, last error) {
	for _, b := range bufs {
		for _, p := range cut(b) {
			if len(p) > w.MTU() {
				refused, last = refused+1, syscall.EMSGSIZE
				continue
			}
			w.network.send(p)
		}
	}
	return refused, last
}

// cut returns the packets of a train, or the packet that b is.
func cut(b *packet.Buffer) (list [][]byte) {
	if b.Segment == 0 {
		return [][]byte{b.Bytes()}
	}
	h, err := packet.Parse(b.Bytes())
	if err != nil {
		panic("wiretest: a train without a header")
	}
	data := b.Bytes()[h.Payload+packet.UDPLen:]
	for n := 0; len(data) > 0; n++ {
		size := min(b.Segment, len(data))
		outer := packet.Outer{Src: h.Src, Dst: h.Dst, TOS: h.TOS, TTL: h.TTL, Proto: packet.UDP, ID: uint16(h.ID) + uint16(n), DF: h.DF && h.Version == 4}
		p := make([]byte, h.Payload+packet.UDPLen+size)
		outer.Put(p, packet.UDPLen+size)
		udp := p[h.Payload:]
		binary.BigEndian.PutUint16(udp, h.SrcPort)
		binary.BigEndian.PutUint16(udp[2:], h.DstPort)
		binary.BigEndian.PutUint16(udp[4:], uint16(len(udp)))
		copy(udp[packet.UDPLen:], data[:size])
		if h.Version == 6 {
			packet.FixTransport(p, &packet.Header{Version: 6, Proto: packet.UDP, Payload: h.Payload, Total: len(p)})
		}
		list = append(list, p)
		data = data[size:]
	}
	return list
}

// SendIKE implements wire.Wire.
func (w *Wire) SendIKE(m ike.Message) error {
	if m.Local.Port() != klips.EncapPort {
		return fmt.Errorf("failed to send IKE from %v: %w", m.Local, syscall.EINVAL)
	}
	data := m.Payload
	if len(data) != 1 || data[0] != 0xff {
		data = append(make([]byte, 4), data...)
	}
	w.network.send(UDP(m.Local, m.Remote, data))
	return nil
}

// UDP returns an IP packet with a UDP datagram.
func UDP(src, dst netip.AddrPort, data []byte) []byte {
	outer := packet.Outer{Src: src.Addr(), Dst: dst.Addr(), TTL: 64, Proto: packet.UDP, ID: 7}
	at := outer.Len()
	p := make([]byte, at+packet.UDPLen+len(data))
	outer.Put(p, len(p)-at)
	udp := p[at:]
	binary.BigEndian.PutUint16(udp, src.Port())
	binary.BigEndian.PutUint16(udp[2:], dst.Port())
	binary.BigEndian.PutUint16(udp[4:], uint16(len(udp)))
	udp[6] = 1 // so that there is a checksum to compute
	copy(udp[packet.UDPLen:], data)
	if h, err := packet.Parse(p); err == nil {
		packet.FixTransport(p, &h)
	}
	return p
}

// SetMTU changes the MTU.
func (w *Wire) SetMTU(mtu int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mtu = mtu
}

// MTU implements wire.Wire.
func (w *Wire) MTU() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mtu
}

// Owns implements wire.Wire.
func (w *Wire) Owns(a netip.Addr) bool { return slices.Contains(w.addrs, a) }

// Refresh implements wire.Wire.
func (w *Wire) Refresh() error { return nil }

// Hooks returns what the wire was opened with.
func (w *Wire) Hooks() wire.Hooks { return w.hooks }

// Close implements wire.Wire.
func (w *Wire) Close() error {
	err := errors.New("closed twice")
	w.once.Do(func() {
		close(w.done)
		w.network.mu.Lock()
		w.network.wires = slices.DeleteFunc(w.network.wires, func(other *Wire) bool { return other == w })
		w.network.mu.Unlock()
		err = nil
	})
	return err
}
