package engine

import (
	"ipsec/klips"
	"ipsec/klips/ah"
	"ipsec/klips/eroute"
	"ipsec/klips/esp"
	"ipsec/klips/ipcomp"
	"ipsec/klips/packet"
	"ipsec/klips/sadb"
	"ipsec/klips/said"
)

// verify verifies an AH and removes it.
func (i *inbound) verify(p *incoming) klips.DropReason {
	spi, seq, err := ah.Find(p.b.Bytes())
	if err != nil {
		return klips.DropMalformed
	}
	sa, r := i.find(p, said.AH, spi)
	if sa == nil {
		return r
	}
	size := p.b.Len()
	bare, state, err := sa.Verify(p.b.Bytes(), seq, i.now)
	i.e.debug.transform(klips.TopicAH, sa.Config.ID, "verified", size, err)
	if err != nil {
		return why(err)
	}
	p.b.Window(size-len(bare), size)
	i.through(p, sa, state)
	outer := p.h.TOS
	if p.h, err = packet.Parse(p.b.Bytes()); err != nil {
		return klips.DropMalformed
	}
	p.h.TOS = outer
	return delivered
}

// open authenticates and decrypts ESP.
func (i *inbound) open(p *incoming) klips.DropReason {
	sa, r := i.find(p, said.ESP, esp.SPI(p.b.Bytes()))
	if sa == nil {
		return r
	}
	payload, next, state, err := sa.Open(&i.scratch, p.b.Bytes(), i.now)
	i.e.debug.transform(klips.TopicESP, sa.Config.ID, "opened", p.b.Len(), err)
	if err != nil {
		return why(err)
	}
	at := sa.HeaderLen()
	p.b.Window(at, at+len(payload))
	p.next = next
	i.through(p, sa, state)
	i.moves(p, sa)
	return delivered
}

// decompress expands what the COMP of the group has compressed.
func (i *inbound) decompress(p *incoming) klips.DropReason {
	sa := member(p.sas[0].Group, said.COMP)
	if sa == nil || sa.Config.ID.SPI != uint32(ipcomp.CPI(p.b.Bytes())) {
		p.sas[0].PolicyError()
		return klips.DropPolicy
	}
	larger := i.take()
	payload, next, state, err := sa.Decompress(larger.Space()[:0], p.b.Bytes(), i.now)
	i.e.debug.transform(klips.TopicIPCOMP, sa.Config.ID, "expanded", p.b.Len(), err)
	if err != nil {
		return klips.DropMalformed
	}
	larger.SetLen(len(payload))
	larger.Encap = p.b.Encap
	p.b, p.next, p.piece = larger, next, false
	i.through(p, sa, state)
	return delivered
}

// take returns a spare buffer; each packet may have one.
func (i *inbound) take() *packet.Buffer {
	if i.spare[i.used] == nil { // most are never wanted
		i.spare[i.used] = packet.NewBuffer(packet.MaxSize)
	}
	b := i.spare[i.used]
	i.used++
	b.Reset()
	return b
}

// member returns the SA of that protocol in a group, or nil.
func member(group []*sadb.SA, proto said.Proto) *sadb.SA {
	for _, sa := range group {
		if sa.Config.ID.Proto == proto {
			return sa
		}
	}
	return nil
}

// leaveTunnel delivers the packet inside.
func (i *inbound) leaveTunnel(p *incoming) klips.DropReason {
	tunnel := member(p.sas[0].Group, said.IPIP)
	if tunnel == nil || p.n == len(p.sas) {
		p.sas[0].PolicyError()
		return klips.DropPolicy
	}
	if !p.b.Encap.Src.IsValid() && tunnel.Config.TunnelSrc != p.h.Src {
		tunnel.PolicyError()
		return klips.DropPolicy
	}
	inner, err := packet.Parse(p.b.Bytes())
	if err != nil || (inner.Version == 4) != (p.next == packet.IPv4) {
		return klips.DropMalformed
	}
	p.b.Window(0, inner.Total) // behind it is padding against traffic analysis
	state := tunnel.Pass(inner.Total, i.now)
	if state == sadb.Dead {
		return klips.DropNoSA
	}
	i.through(p, tunnel, state)
	if r := i.allowed(p, eroute.FlowOf(&inner)); r >= 0 {
		return r
	}
	tos, ok := packet.InnerTOS(inner.TOS, p.h.TOS)
	if !ok {
		return klips.DropCongestion
	}
	if tos != inner.TOS {
		packet.SetTOS(p.b.Bytes(), tos)
	}
	i.out = append(i.out, p.b)
	return delivered
}

// leaveTransport puts the IP header back before its payload and delivers that.
func (i *inbound) leaveTransport(p *incoming, head []byte) klips.DropReason {
	size := p.b.Len()
	if size+len(head) > packet.MaxSize {
		return klips.DropMalformed
	}
	if p.piece {
		b := i.take()
		b.Set(p.b.Bytes())
		b.Encap = p.b.Encap
		p.b = b
	}
	front := p.b.Prepend(len(head))
	copy(front, head)
	front[p.h.ProtoAt] = p.next
	packet.SetLength(front, len(head)+size)
	inner, err := packet.Parse(p.b.Bytes())
	if err != nil {
		return klips.DropMalformed
	}
	if r := i.allow(p, eroute.FlowOf(&inner)); r >= 0 {
		return r
	}
	if p.b.Encap.Src.IsValid() {
		packet.FixTransport(p.b.Bytes(), &inner)
	}
	i.out = append(i.out, p.b)
	return delivered
}
