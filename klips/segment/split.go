package segment

import (
	"encoding/binary"

	"ipsec/klips/packet"
)

// A Splitter cuts one packet after another, in place. Its zero value has
// nothing to cut.
type Splitter struct {
	b       []byte
	size    int // of what is behind the headers of a packet
	at      int // where the data of the next packet starts; len(b) at the end
	head    [maxHead]byte
	headLen int
	ip      int // length of the IP header
	v6, tcp bool
	id      uint16
	seq     uint32
	flags   uint8
	sum     uint16 // of the fixed part of the pseudo header
	n       int
}

// Start begins with packet b, whose header is h, to be cut into packets of size
// bytes of data each. It is false where b is nothing that can be cut.
func (s *Splitter) Start(b []byte, h *packet.Header, size int) bool {
	*s = Splitter{b: b[:h.Total], size: size, ip: h.Payload, v6: h.Version == 6, tcp: h.Proto == packet.TCP, id: uint16(h.ID)}
	head := packet.UDPLen
	if s.tcp {
		head = tcpHead(s.b, h.Payload)
	}
	s.headLen = h.Payload + head
	if size <= 0 || head == 0 || s.headLen > len(s.b) || s.headLen > maxHead || h.Fragmented() || !s.tcp && h.Proto != packet.UDP {
		*s = Splitter{}
		return false
	}
	copy(s.head[:], s.b[:s.headLen])
	s.at = s.headLen
	upper := s.head[s.ip:]
	if s.tcp {
		s.seq, s.flags = binary.BigEndian.Uint32(upper[seqAt:]), upper[flagsAt]
	}
	s.sum = packet.Pseudo(s.b, h.Proto, 0)
	return true
}

// More reports whether there is another packet, and Len how long it will be.
func (s *Splitter) More() bool { return s.n == 0 && s.b != nil || s.at < len(s.b) }

// Len returns how long the next packet will be.
func (s *Splitter) Len() int { return s.headLen + min(s.size, len(s.b)-s.at) }

// Pieces are packets of one length in bytes, but for the last, which may be shorter.
type Pieces struct{ Count, Size, Last int }

// Left returns the packets that are still to come; there must be one.
func (s *Splitter) Left() Pieces {
	rest := len(s.b) - s.at
	n := max(1, (rest+s.size-1)/s.size)
	return Pieces{n, s.Len(), s.headLen + rest - (n-1)*s.size}
}

// Next returns the next packet, with its headers and checksums. It is good until
// the one after that, whose headers are written over its end.
func (s *Splitter) Next() []byte {
	data := min(s.size, len(s.b)-s.at)
	p := s.b[s.at-s.headLen : s.at+data]
	copy(p, s.head[:s.headLen])
	s.at += data
	last := s.at == len(s.b)
	if !s.v6 {
		binary.BigEndian.PutUint16(p[4:], s.id+uint16(s.n))
	}
	packet.SetLength(p[:s.ip], len(p))
	upper := p[s.ip:]
	sum := packet.Add(s.sum, uint16(len(upper)))
	if s.tcp {
		binary.BigEndian.PutUint32(upper[seqAt:], s.seq+uint32(s.n*s.size))
		flags := s.flags
		if s.n > 0 {
			flags &^= cwr
		}
		if !last {
			flags &^= fin | psh
		}
		upper[flagsAt] = flags
		upper[sumAt], upper[sumAt+1] = 0, 0
		binary.BigEndian.PutUint16(upper[sumAt:], ^packet.Sum(upper, sum))
	} else {
		binary.BigEndian.PutUint16(upper[lenUDP:], uint16(len(upper)))
		upper[sumUDP], upper[sumUDP+1] = 0, 0
		sum = ^packet.Sum(upper, sum)
		if sum == 0 {
			sum = 0xffff
		}
		binary.BigEndian.PutUint16(upper[sumUDP:], sum)
	}
	s.n++
	return p
}
