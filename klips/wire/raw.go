package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"ipsec/klips/offload"
	"ipsec/klips/packet"
	"ipsec/klips/wire/nexthop"
)

// A rawESP sends what is ESP and not in UDP: as frames where it knows the way,
// all else, and what keeps the kernel informed of the way, by the kernel.
type rawESP struct {
	wire  *Wire
	hops  atomic.Pointer[nexthop.Table] // nil where nothing is sent as frames
	plain *packets                      // nil for none
	shown atomic.Bool                   // nothing is sent as frames for now, so that rules of netfilter see it
	why   string                        // there is none
}

// newRawESP never fails: where frames cannot be sent the kernel sends all packets.
func newRawESP(w *Wire) *rawESP {
	r := &rawESP{wire: w}
	if w.want&offload.Packet == 0 {
		return r
	}
	index := w.state.Load().index
	plain, err := newPackets(index)
	if err == nil {
		err = r.follow(index)
	}
	if err != nil {
		r.why = fmt.Sprintf("the kernel refused: %v", err)
		if plain != nil {
			plain.file.Close()
		}
		return r
	}
	r.plain = plain
	return r
}

// follow changes to an interface of the same name and another index.
func (r *rawESP) follow(index int) error {
	hops, err := nexthop.Open(index)
	if err != nil {
		return err
	}
	if r.plain != nil {
		r.plain.move(index)
	}
	if old := r.hops.Swap(hops); old != nil {
		old.Close()
	}
	return nil
}

// close ends all ways but that of the kernel.
func (r *rawESP) close() error {
	hops := r.hops.Swap(nil)
	if hops == nil {
		return nil
	}
	hops.Close()
	return r.plain.file.Close()
}

// write sends packets of one family that are no trains; out is for those that
// are not sent as frames. It returns what Wire.WriteBatch does.
func (r *rawESP) write(out *sender, bufs []*packet.Buffer) (refused int, last error) {
	hops := r.hops.Load()
	if hops == nil || r.shown.Load() || !hops.Reaches() {
		return out.write(bufs)
	}
	byKernel := func(bufs []*packet.Buffer) {
		if n, err := out.write(bufs); n > 0 {
			refused, last = refused+n, err
		}
	}
	now, mtu := time.Now(), r.wire.MTU()
	for len(bufs) > 0 {
		dst, frame := espTo(bufs[0])
		var path nexthop.Path
		if frame {
			if path, frame = hops.Find(dst, now); frame && path.MTU == 0 {
				path.MTU = mtu
			}
		}
		if !frame {
			n := 1
			for n < len(bufs) {
				if next, ok := espTo(bufs[n]); ok && next != dst {
					break
				}
				n++
			}
			byKernel(bufs[:n])
			bufs = bufs[n:]
			continue
		}
		n := 0
		for n < len(bufs) && bufs[n].Len() <= min(mtu, path.MTU) {
			if next, ok := espTo(bufs[n]); !ok || next != dst {
				break
			}
			n++
		}
		if n == 0 || path.Detour {
			byKernel(bufs[:1])
			bufs, n = bufs[1:], max(n-1, 0)
		}
		sent := r.send(&path.Hop.Header, bufs[:n])
		if bufs = bufs[sent:]; sent < n {
			byKernel(bufs[:1])
			bufs = bufs[1:]
		}
	}
	return refused, last
}

// send sends packets as frames and returns how many.
func (r *rawESP) send(head *header, bufs []*packet.Buffer) (sent int) {
	if len(bufs) == 0 {
		return 0
	}
	for _, way := range []framer{r.wire.express, r.plain} {
		n, _ := way.Send(head, bufs[sent:]) // the way that sends the rest has the error, if there is one
		if sent += n; sent == len(bufs) {
			break
		}
	}
	return sent
}

// espTo returns where a packet goes, if it is ESP behind an IP header without options.
func espTo(b *packet.Buffer) (dst netip.Addr, ok bool) {
	p := b.Bytes()
	switch {
	case len(p) > packet.IPv4Len && p[0] == 0x45:
		fragment := binary.BigEndian.Uint16(p[6:]) & 0x3fff
		return netip.AddrFrom4([4]byte(p[16:])), p[9] == packet.ESP && fragment == 0
	case len(p) > packet.IPv6Len && p[0]>>4 == 6:
		return netip.AddrFrom16([16]byte(p[24:])), p[6] == packet.ESP
	}
	return dst, false
}
