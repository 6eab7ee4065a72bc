package engine

import (
	"net/netip"
	"time"

	"ipsec/klips/packet"
)

// assembleTime is how long a fragment waits for the rest of its packet.
const assembleTime = 5 * time.Second

// assembly puts the fragments of this host's own packets together, for
// transport mode, which protects whole ones (RFC 4303, section 3.3.4). They
// come from one kernel by one device, so that those of a packet are in order.
type assembly struct {
	slots [8]struct {
		src, dst netip.Addr
		id       uint32
		proto    uint8
		b        *packet.Buffer // header and data so far
		next     int            // the offset that comes next; 0 for a free slot
		until    time.Time
	}
	turn int
}

// add takes a fragment whose header is h. Of the last it returns the whole
// packet, good until the next call, and true; false where the fragment fits
// nothing, and nil where there is more to come.
func (a *assembly) add(p []byte, h *packet.Header, now time.Time) (*packet.Buffer, bool) {
	at := -1
	for i := range a.slots {
		s := &a.slots[i]
		if s.next > 0 && s.id == h.ID && s.src == h.Src && s.dst == h.Dst && s.proto == h.Proto && now.Before(s.until) {
			at = i
		}
	}
	if at < 0 || h.Offset == 0 {
		if h.Offset > 0 {
			return nil, false
		}
		if at < 0 {
			at = a.turn
			a.turn = (a.turn + 1) % len(a.slots)
		}
		s := &a.slots[at]
		s.src, s.dst, s.id, s.proto, s.next, s.until = h.Src, h.Dst, h.ID, h.Proto, 0, now.Add(assembleTime)
		if s.b == nil {
			s.b = packet.NewBuffer(packet.MaxSize)
		}
		s.b.Set(p[:h.Payload])
		head := s.b.Bytes()
		if h.Version == 4 {
			head[6], head[7] = 0, 0
		} else { // the fragment header is the last, as this kernel has it
			if h.ProtoAt+8 != h.Payload {
				return nil, false
			}
			s.b.Window(0, h.ProtoAt)
			head[h.NextAt] = h.Proto
		}
	}
	s := &a.slots[at]
	data := p[h.Payload:h.Total]
	if h.Offset != s.next || s.b.Len()+len(data) > packet.MaxSize || h.More && len(data) == 0 {
		s.next = 0
		return nil, false
	}
	s.b.Append(data)
	s.next += len(data)
	if h.More {
		return nil, true
	}
	s.next = 0
	packet.SetLength(s.b.Bytes(), s.b.Len())
	return s.b, true
}
