package engine

import (
	"encoding/binary"
	"net/netip"

	"ipsec/klips/eroute"
	"ipsec/klips/packet"
)

// fragments remembers the ports of first fragments, so that those that follow
// take the same eroute. It forgets the oldest of each slot.
type fragments struct {
	slots [256]struct {
		src, dst         netip.Addr
		id               uint32
		proto            uint8
		srcPort, dstPort uint16
	}
}

// complete fills in the ports of a later fragment where its first has been seen.
func (f *fragments) complete(h *packet.Header, flow *eroute.Flow) {
	if !h.Fragmented() || h.Proto == packet.Fragment {
		return
	}
	dst := h.Dst.As16()
	slot := &f.slots[(h.ID^h.ID>>8^binary.BigEndian.Uint32(dst[12:]))%uint32(len(f.slots))]
	switch {
	case h.Ports:
		slot.src, slot.dst, slot.id, slot.proto = h.Src, h.Dst, h.ID, h.Proto
		slot.srcPort, slot.dstPort = h.SrcPort, h.DstPort
	case h.Offset > 0 && slot.src == h.Src && slot.dst == h.Dst && slot.id == h.ID && slot.proto == h.Proto:
		flow.SrcPort, flow.DstPort, flow.Partial = slot.srcPort, slot.dstPort, false
	}
}
