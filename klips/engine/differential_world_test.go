package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"

	"ipsec/klips"
	"ipsec/klips/packet"
	"ipsec/klips/said"
	"ipsec/klips/segment"
)

// The host and the network of the differential test, which do what they do to
// packets plainly.

// A plainHost is a device that keeps what it is given, in pieces, cut.
type plainHost struct {
	Device
	joiner segment.Joiner
	got    [][]byte
	pieces int
}

func (h *plainHost) WriteBatch(bufs []*packet.Buffer) (int, error) {
	h.joiner.Join(bufs)
	for i := range h.joiner.Groups {
		g := &h.joiner.Groups[i]
		var header segment.Vnet
		g.Finish()
		header.Put(g)
		p := bytes.Clone(bufs[g.First].Bytes())
		for n := h.joiner.After(g.First); n >= 0; n = h.joiner.After(n) {
			p = append(p, bufs[n].Bytes()[g.Head:]...)
		}
		h.pieces++
		if size := int(binary.NativeEndian.Uint16(header[4:])); size > 0 {
			h.got = append(h.got, hostCut(header[:], p)...)
		} else {
			h.got = append(h.got, p)
		}
	}
	return 0, nil
}

// hostCut is plainCut, for a host that looks at the header and at the sum of the pseudo header.
func hostCut(header, p []byte) [][]byte {
	ip, proto := plainIP(p)
	start, at := int(binary.NativeEndian.Uint16(header[6:])), int(binary.NativeEndian.Uint16(header[8:]))
	sum := plainSum(plainPseudo(p, proto, len(p)-ip))
	if header[0] != 1 || start != ip || binary.BigEndian.Uint16(p[start+at:]) != sum || binary.BigEndian.Uint16(p[2:]) != uint16(len(p)) && p[0]>>4 == 4 {
		panic(fmt.Sprintf("header % x of %x", header, p[:60]))
	}
	return plainCut(p, int(binary.NativeEndian.Uint16(header[4:])))
}

// A line is a wire that keeps what is sent, packet by packet.
type line struct {
	Wire
	sent [][]byte
}

func (l *line) WriteBatch(_ int, bufs []*packet.Buffer) (int, error) {
	for _, b := range bufs {
		if b.Segment == 0 {
			l.sent = append(l.sent, bytes.Clone(b.Bytes()))
			continue
		}
		p := b.Bytes()
		ip, _ := plainIP(p)
		if len(p) > 65535 {
			panic("longer than any datagram")
		}
		if n := (len(p) - ip - 8 + b.Segment - 1) / b.Segment; n > 64 {
			panic("more than the kernel cuts")
		}
		for n, rest := 0, p[ip+8:]; len(rest) > 0; n++ {
			q := append(bytes.Clone(p[:ip+8]), rest[:min(b.Segment, len(rest))]...)
			rest = rest[min(b.Segment, len(rest)):]
			if q[0]>>4 == 4 {
				binary.BigEndian.PutUint16(q[4:], binary.BigEndian.Uint16(p[4:])+uint16(n))
			}
			l.sent = append(l.sent, plainFix(q))
		}
	}
	return 0, nil
}

// A lane is a queue of the sender, and an inlet of the receiver, each with a goroutine.
type lane struct {
	out      *outbound
	wire     *line
	bufs     []*packet.Buffer
	want     []expected
	in       *inbound
	device   *plainHost
	come     [][]byte
	arriving []*packet.Buffer
}

func newLane(west, east *gateway, joiner segment.Joiner) *lane {
	l := &lane{wire: &line{Wire: fakeWire{west.wire}}, device: &plainHost{Device: fakeDevice{east.device}, joiner: joiner}}
	l.out = newOutbound(west.Engine, &attachment{virtual: "ipsec0", wire: l.wire, device: fakeDevice{west.device}}, batch)
	l.in = newInbound(east.Engine, &attachment{wire: fakeWire{east.wire}, device: l.device}, batch/2, packet.MaxSize)
	return l
}

// all has each lane do something at the same time.
func all(lanes []*lane, do func(*lane)) {
	var wait sync.WaitGroup
	for _, l := range lanes {
		wait.Go(func() { do(l) })
	}
	wait.Wait()
}

// tunnels are the SAs of the test: of each the inner networks differ in their
// second number, and what is in it differs.
func tunnels() []conn {
	var list []conn
	for i, sa := range []klips.SA{
		{Enc: "aesgcm16", EncKey: key(20, 1), ReplayWindow: 4096},
		{Enc: "aesgcm16", EncKey: key(36, 2), ReplayWindow: 4096, ESN: true},
		{Enc: "chacha20poly1305", EncKey: key(36, 3), ReplayWindow: 4096},
		{Enc: "aes", EncKey: key(16, 4), Auth: "sha2_256-128", AuthKey: key(32, 5), ReplayWindow: 4096},
	} {
		for _, encap := range []bool{true, false} {
			for _, six := range []bool{false, true} {
				c := conn{src: "192.1.2.23", dst: "192.1.2.45", protos: []said.Proto{said.IPIP, said.ESP}, sa: sa, encap: encap}
				n := len(list) + 1
				c.srcNet, c.dstNet = fmt.Sprintf("10.%d.0.0/17", n), fmt.Sprintf("10.%d.128.0/17", n)
				if six {
					c.srcNet, c.dstNet = fmt.Sprintf("fd01:%d:1::/48", n), fmt.Sprintf("fd01:%d:2::/48", n)
				}
				if i%2 == 1 {
					c.src, c.dst = "2001:db8:1::23", "2001:db8:1::45"
				}
				list = append(list, c)
			}
		}
	}
	return list
}

// An item is what the host sends: a packet, or one that is to be cut.
type item struct {
	p    []byte
	size int
}

// A flow sends items.
type talker struct {
	r      *rand.Rand
	tunnel int
	c      conn
	tcp    bool
	port   uint16
	seq    uint32
	id     uint16
	df     bool
	size   int // that it prefers
}

func sizes() []int { return []int{1, 7, 64, 536, 1300, 1340} }

// item draws the next of a flow.
func (s *talker) item() item {
	r := s.r
	size := s.size
	if r.IntN(4) == 0 {
		size = sizes()[r.IntN(len(sizes()))]
	}
	data := size
	if r.IntN(4) == 0 {
		data = r.IntN(size) + 1
	}
	cut := r.IntN(4) == 0
	if cut {
		data = size + 1 + r.IntN(min(60000-size, size*63-1))
	}
	head := 8
	if s.tcp {
		head = 20 + 12*(r.IntN(6)&1)
	}
	src, dst := netip.MustParsePrefix(s.c.srcNet).Addr().Next(), netip.MustParsePrefix(s.c.dstNet).Addr().Next()
	tos := []uint8{0, 0, 0, 0, 0, 0, 2, 0xb9}[r.IntN(8)]
	outer := packet.Outer{Src: src, Dst: dst, TOS: tos, TTL: 60, Proto: 17, ID: s.id, DF: s.df && src.Is4()}
	if s.tcp {
		outer.Proto = 6
	}
	ip := outer.Len()
	p := make([]byte, ip+head+data)
	outer.Put(p, head+data)
	upper := p[ip:]
	for i := range upper[head:] {
		upper[head+i] = byte(r.Uint32())
	}
	binary.BigEndian.PutUint16(upper, s.port)
	binary.BigEndian.PutUint16(upper[2:], 443)
	if s.tcp {
		binary.BigEndian.PutUint32(upper[4:], s.seq)
		upper[12], upper[13] = byte(head/4)<<4, []byte{0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x18, 0x11, 0xd0, 0x50, 0x12, 0x30}[r.IntN(12)]
		binary.BigEndian.PutUint16(upper[14:], 512)
		if head == 32 {
			copy(upper[20:], []byte{1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, byte(r.IntN(5) / 4)})
		}
		s.seq += uint32(data)
	}
	count := uint16(1)
	if cut {
		count = uint16((data + size - 1) / size)
	} else {
		size = 0
	}
	if s.id += count; r.IntN(8) == 0 {
		s.id++
	}
	p = plainFix(p)
	if !cut && r.IntN(8) == 0 {
		p[len(p)-1] ^= 1 // the checksum is wrong, and has to stay so
	}
	return item{p, size}
}

func (it item) cut() [][]byte {
	if it.size == 0 {
		return [][]byte{it.p}
	}
	return plainCut(it.p, it.size)
}
