package engine

import (
	"encoding/binary"
	"net/netip"
	"time"

	"ipsec/klips/eroute"
	"ipsec/klips/packet"
)

// fragments remembers protocol and ports of first fragments, so that those that
// follow take the same eroute. It forgets the oldest of each slot.
type fragments struct {
	slots [256]struct {
		src, dst         netip.Addr
		id               uint32
		proto            uint8
		srcPort, dstPort uint16
		until            time.Time // after which another packet may have that id
	}
}

// complete fills in protocol and ports of a later fragment where its first has
// been seen. It is false where that has not been and the fragment does not even
// show its protocol, so that no eroute can be told.
func (f *fragments) complete(h *packet.Header, flow *eroute.Flow, now time.Time) bool {
	if h.Offset == 0 && !h.Ports && packet.HasPorts(h.Proto) {
		flow.Partial = true // cut off before them
		return true
	}
	if !h.Fragmented() {
		return true
	}
	dst := h.Dst.As16()
	slot := &f.slots[(h.ID^h.ID>>8^binary.BigEndian.Uint32(dst[12:]))%uint32(len(f.slots))]
	if h.Offset == 0 {
		slot.src, slot.dst, slot.id, slot.proto = h.Src, h.Dst, h.ID, h.Proto
		slot.srcPort, slot.dstPort, slot.until = h.SrcPort, h.DstPort, now.Add(assembleTime)
		return true
	}
	// What a later fragment of IPv6 says comes next does not count: RFC 8200, section 4.5.
	if slot.src == h.Src && slot.dst == h.Dst && slot.id == h.ID && now.Before(slot.until) && (slot.proto == h.Proto || h.Version == 6) {
		flow.Proto, flow.SrcPort, flow.DstPort, flow.Partial = slot.proto, slot.srcPort, slot.dstPort, false
		return true
	}
	switch h.Proto {
	case packet.HopByHop, packet.Routing, packet.Fragment, packet.DstOpts:
		return h.Version == 4
	}
	return true
}
