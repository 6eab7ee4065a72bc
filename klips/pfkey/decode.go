package pfkey

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"syscall"

	"ipsec/klips"
	"ipsec/klips/offload"
	"ipsec/klips/said"
)

// maxKey is the longest key in bytes.
const maxKey = 256

// Decode reads one message, which is all of b. It fails with EINVAL on bytes
// that are not one, on an extension of unknown kind and on two of the same.
// The message shares no memory with b.
func Decode(b []byte) (*Message, error) {
	if len(b) < headerSize || len(b) > MaxMessage || len(b)%8 != 0 || int(host.Uint16(b[4:]))*8 != len(b) {
		return nil, invalid("malformed PF_KEY message of %d bytes", len(b))
	}
	if b[0] != Version {
		return nil, invalid("malformed PF_KEY message: version %d, not %d", b[0], Version)
	}
	m := &Message{Type: Type(b[1]), Errno: syscall.Errno(b[2]), SAType: SAType(b[3]), Seq: host.Uint32(b[8:]), PID: host.Uint32(b[12:])}
	var seen [KindGroups + 1]bool
	for b = b[headerSize:]; len(b) > 0; {
		n, kind := int(host.Uint16(b))*8, Kind(host.Uint16(b[2:]))
		if n == 0 || n > len(b) {
			return nil, invalid("malformed PF_KEY message: an extension of kind %d claims %d of %d bytes", kind, n, len(b))
		}
		if int(kind) >= len(seen) {
			return nil, invalid("malformed PF_KEY message: an extension of kind %d", kind)
		}
		if seen[kind] {
			return nil, invalid("malformed PF_KEY message: two extensions of kind %d", kind)
		}
		seen[kind] = true
		e, ok := decodeExt(kind, b[4:n])
		if !ok {
			return nil, invalid("malformed PF_KEY message: an extension of kind %d and %d bytes", kind, n)
		}
		m.Exts = append(m.Exts, e)
		b = b[n:]
	}
	return m, nil
}

// HeaderOf returns the header of what may not be a message, for the answer to
// it. Bytes that are missing count as zero.
func HeaderOf(b []byte) *Message {
	var h [headerSize]byte
	copy(h[:], b)
	return &Message{Type: Type(h[1]), SAType: SAType(h[3]), Seq: host.Uint32(h[8:]), PID: host.Uint32(h[12:])}
}

// decodeExt reads what follows length and kind: 4 bytes and any number of
// 64-bit words.
func decodeExt(kind Kind, b []byte) (Ext, bool) {
	switch kind {
	case KindSA:
		if len(b) != 12 {
			return nil, false
		}
		return Association{SPI: binary.BigEndian.Uint32(b), Replay: b[4], State: b[5], Auth: b[6], Encrypt: b[7], Flags: host.Uint32(b[8:])}, true
	case KindCurrent, KindHard, KindSoft:
		if len(b) != 36 && len(b) != 28 { // with packets, and as the RFC has it
			return nil, false
		}
		w := readWords(b[4:])
		return Lifetime{kind, host.Uint32(b), w[0], w[1], w[2], w[3]}, true
	case KindSrc, KindDst, KindSrcFlow, KindDstFlow, KindTunnelSrc, KindTunnelDst, KindTrapSrc, KindTrapDst, KindNewDst:
		return decodeAddress(kind, b)
	case KindKeyAuth, KindKeyEncrypt:
		bits := int(host.Uint16(b))
		if bits == 0 || bits%8 != 0 || bits/8 > maxKey || padded(4+4+bits/8) != 4+len(b) {
			return nil, false
		}
		return Key{kind, bytes.Clone(b[4 : 4+bits/8])}, true
	case KindIdentSrc, KindIdentDst:
		if len(b) < 12 {
			return nil, false
		}
		s, ok := readText(b[12:])
		return Identity{kind, s}, ok
	case KindSPIRange:
		if len(b) != 12 {
			return nil, false
		}
		return SPIRange{host.Uint32(b), host.Uint32(b[4:])}, true
	case KindEncapSrcPort, KindEncapDstPort:
		return Port{kind, binary.BigEndian.Uint16(b)}, len(b) == 4
	case KindReplay:
		if len(b) != 12 {
			return nil, false
		}
		return Replay{host.Uint32(b), b[4] != 0}, true
	case KindUsage:
		if len(b) != 4+6*8 {
			return nil, false
		}
		w := readWords(b[4:])
		return Usage{w[0], w[1], w[2], w[3], w[4], w[5]}, true
	case KindGroup:
		return decodeGroup(b[4:])
	case KindGroups:
		return decodeGroups(b[4:])
	case KindInflow:
		return decodeInflow(b[4:])
	case KindAttachment:
		if len(b) < 4+2*nameSize+8 || b[0] > byte(offload.Off) {
			return nil, false
		}
		use := offload.Use(b[0])
		v, ok1 := readText(b[4 : 4+nameSize])
		p, ok2 := readText(b[4+nameSize : 4+2*nameSize])
		b = b[4+2*nameSize:]
		offloads, ok3 := readText(b[8:])
		a := klips.Attachment{Virtual: v, Physical: p, XDP: use, MTU: int(host.Uint32(b)), PhysicalMTU: int(host.Uint32(b[4:])), Offloads: offloads}
		if ok3 {
			a.Watcher, _ = readText(b[8+len(offloads)+1:]) // an older KLIPS says nothing of it
		}
		return Attachment{a}, ok1 && ok2 && ok3
	case KindDrop:
		if len(b) < 12 {
			return nil, false
		}
		s, ok := readText(b[12:])
		r, known := klips.ParseDropReason(s)
		return Drop{klips.Drop{Reason: r, Packets: host.Uint64(b[4:])}}, ok && known
	case KindSettings:
		return Switches{b[0] != 0, b[1] != 0}, len(b) == 4
	case KindDebug, KindError:
		s, ok := readText(b[4:])
		return Text{kind, s}, ok
	}
	return nil, false
}

func decodeAddress(kind Kind, b []byte) (Ext, bool) {
	if len(b) != 20 && len(b) != 36 {
		return nil, false
	}
	e := Address{Of: kind, Proto: b[0], Bits: b[1], Port: binary.BigEndian.Uint16(b[6:])}
	switch fam := host.Uint16(b[4:]); {
	case fam == afINET && len(b) == 20:
		e.Addr = netip.AddrFrom4([4]byte(b[8:12]))
	case fam == afINET6 && len(b) == 36:
		e.Addr = netip.AddrFrom16([16]byte(b[12:28]))
	}
	return e, plain(e.Addr) && int(e.Bits) <= e.Addr.BitLen()
}

func decodeGroup(b []byte) (Ext, bool) {
	var e SAIDs
	if len(b)%saidSize != 0 {
		return nil, false
	}
	for ; len(b) > 0; b = b[saidSize:] {
		a, ok := readAddr(b, b[20])
		id := said.SAID{Dst: a, SPI: binary.BigEndian.Uint32(b[16:]), Proto: said.Proto(b[21])}
		if !ok || SATypeOf(id.Proto) == Unspec {
			return nil, false
		}
		e.IDs = append(e.IDs, id)
	}
	return e, true
}

func decodeGroups(b []byte) (Ext, bool) {
	var e Groups
	for len(b) > 0 {
		if len(b) < headerSize || Type(b[1]) != Add {
			return nil, false
		}
		n := int(host.Uint16(b[4:])) * 8
		if n < headerSize || n > len(b) {
			return nil, false
		}
		m, err := Decode(b[:n])
		if err != nil {
			return nil, false
		}
		if _, nested := find[Groups](m, KindGroups); nested {
			return nil, false
		}
		e.Messages = append(e.Messages, m)
		b = b[n:]
	}
	return e, true
}

func decodeInflow(b []byte) (Ext, bool) {
	var e Inflow
	if len(b)%selectorSize != 0 || len(b)/selectorSize > MaxFlows {
		return nil, false
	}
	for ; len(b) > 0; b = b[selectorSize:] {
		src, ok1 := readAddr(b, b[32])
		dst, ok2 := readAddr(b[16:], b[32])
		if !ok1 || !ok2 || int(b[34]) > src.BitLen() || int(b[35]) > dst.BitLen() {
			return nil, false
		}
		e.Flows = append(e.Flows, klips.Selector{
			Src: netip.PrefixFrom(src, int(b[34])), Dst: netip.PrefixFrom(dst, int(b[35])), Proto: b[33],
			SrcPort: binary.BigEndian.Uint16(b[36:]), DstPort: binary.BigEndian.Uint16(b[38:]),
		})
	}
	return e, true
}

func readAddr(b []byte, fam byte) (a netip.Addr, ok bool) {
	switch fam {
	case afINET:
		return netip.AddrFrom4([4]byte(b)), true
	case afINET6:
		a = netip.AddrFrom16([16]byte(b))
	}
	return a, plain(a)
}

// readText returns the text before the NUL that ends it.
func readText(b []byte) (string, bool) {
	before, _, ok := bytes.Cut(b, []byte{0})
	return string(before), ok
}

// readWords returns the first words of b, and zeros after its end.
func readWords(b []byte) (w [6]uint64) {
	for i := range w {
		if len(b) < 8 {
			break
		}
		w[i], b = host.Uint64(b), b[8:]
	}
	return w
}

// padded rounds up to whole 64-bit words.
func padded(n int) int { return (n + 7) &^ 7 }
