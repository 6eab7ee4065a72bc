// Package ah is the transform of the Authentication Header, RFC 4302: it puts a
// header with an ICV between the IP header and what follows it, and takes it
// out again. The ICV covers the IP header, less the fields that change on the
// way, and everything behind it.
//
//	t, err := ah.New(ah.Params{SPI: 0x300, Auth: "sha2_256-128", AuthKey: key})
//	packet, err := t.Protect(buf, at, seq)       // an IP packet at buf[at:]
//	spi, seqLow, err := ah.Find(packet)
//	packet, err = t.Verify(packet, seqHigh)
//
// It is the same in transport and in tunnel mode: for a tunnel the caller has
// put the outer header there before Protect, and takes it off after Verify.
//
// # Buffers
//
// Nothing is allocated for a packet. Protect moves the IP header ahead of where it was,
// into HeaderLen bytes, at most [Headroom], that the caller left free before
// the packet. Verify moves it back, so the packet that it returns starts further on in the
// same buffer.
//
// # What it does not do
//
// A fragment must be put together before Verify, and Protect comes before
// fragmenting. A packet that still has a source route to follow is refused
// both ways: the address that the ICV would cover is not the one it has now.
// Destination options are taken for a part of the payload when they follow AH,
// and are covered as they are.
//
// A Transform is for any number of goroutines. Each works with a MAC of its own, of
// which an SA has as many as goroutines have worked on it at once.
package ah

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"

	"ipsec/klips/algorithm"
)

// Headroom is what Protect may need before a packet, whichever the
// authenticator and the family, in bytes.
const Headroom = fixedLen + 32 + 4

// Protocol is the IP protocol number of AH.
const Protocol = 51

const fixedLen = 12 // the header without the ICV

// The errors of Protect, Find and Verify. They say nothing of keys or contents.
var (
	ErrSequence  = errors.New("sequence numbers used up or zero")
	ErrRoom      = errors.New("no room for the AH before the packet")
	ErrMalformed = errors.New("malformed IP packet or AH")
	ErrRouted    = errors.New("packet has a source route still to follow")
	ErrFragment  = errors.New("packet is a fragment")
	ErrTooBig    = errors.New("packet too long with an AH")
	ErrAuth      = errors.New("wrong integrity check value")
)

// Params are what a transform is made of. Names and keys are as in klips.SA.
type Params struct {
	SPI     uint32
	Auth    string // a name of algorithm.Auths
	AuthKey []byte
	ESN     bool // extended sequence numbers, RFC 4304
}

// A Transform protects and verifies the packets of one SA. It is for any number of
// goroutines.
type Transform struct {
	spi    uint32
	esn    bool
	icv    int // length
	states *algorithm.States[*state]
}

// A state is what one packet at a time needs.
type state struct {
	mac    *algorithm.MAC
	header []byte // the IP header as the ICV covers it
}

// New returns the transform of an SA. The errors say which names or lengths
// were expected.
func New(p Params) (*Transform, error) {
	mac, err := algorithm.NewMAC(p.Auth, p.AuthKey)
	if err != nil {
		return nil, err
	}
	p.AuthKey = bytes.Clone(p.AuthKey)
	another := func() *state {
		mac, err := algorithm.NewMAC(p.Auth, p.AuthKey)
		if err != nil {
			panic("ah: parameters that were good are not: " + err.Error())
		}
		return &state{mac: mac}
	}
	return &Transform{spi: p.SPI, esn: p.ESN, icv: mac.Size(), states: algorithm.NewStates(&state{mac: mac}, another)}, nil
}

// HeaderLen returns how many bytes Protect adds to an IPv4 or an IPv6 packet. The
// header is padded to a multiple of 4 or 8 bytes: RFC 4302, section 2.6.
func (t *Transform) HeaderLen(ipv6 bool) int {
	align := 4
	if ipv6 {
		align = 8
	}
	return (fixedLen + t.icv + align - 1) / align * align
}

// Protect puts an AH with sequence number seq into the IP packet at buf[at:]
// and returns the packet, which then starts HeaderLen bytes earlier in buf. The
// total length, the protocol and the IPv4 checksum are set anew. The packet is
// left alone when there is an error: ErrSequence for a seq of zero or, without
// ESN, above 2³²-1; ErrRoom where at is less than HeaderLen; ErrTooBig above
// 65,535 bytes; ErrFragment, ErrRouted and ErrMalformed as the package comment
// says.
func (t *Transform) Protect(buf []byte, at int, seq uint64) ([]byte, error) {
	if seq == 0 || seq > math.MaxUint32 && !t.esn {
		return nil, ErrSequence
	}
	ip, err := parse(buf[at:])
	if err != nil {
		return nil, err
	}
	size := t.HeaderLen(ip.ipv6)
	if at < size {
		return nil, ErrRoom
	}
	if len(buf)-at+size > ip.longest() {
		return nil, ErrTooBig
	}
	s := t.states.Get()
	defer t.states.Put(s)
	if err := s.mute(ip, buf[at:]); err != nil {
		return nil, err
	}
	packet := buf[at-size:]
	copy(packet, packet[size:size+ip.len])
	header := packet[ip.len : ip.len+size]
	clear(header)
	header[0] = packet[ip.next]
	header[1] = uint8(size/4 - 2)
	binary.BigEndian.PutUint32(header[4:], t.spi)
	binary.BigEndian.PutUint32(header[8:], uint32(seq))
	ip.set(packet, Protocol)
	ip.announce(s.header, Protocol, len(packet))
	t.digest(s, packet, ip, size, uint32(seq>>32))
	s.mac.Sum(header[fixedLen:][:t.icv])
	return packet, nil
}

// Find returns the SPI and the low half of the sequence number of the AH in an
// IP packet, for the caller to look up the SA and its replay window.
func Find(packet []byte) (spi, seq uint32, err error) {
	_, header, err := find(packet)
	if err != nil {
		return 0, 0, err
	}
	return binary.BigEndian.Uint32(header[4:]), binary.BigEndian.Uint32(header[8:]), nil
}

// Verify checks the ICV of the AH in an IP packet and returns the packet without
// the AH, in the same buffer. seqHigh is the high half of the sequence number, from the
// replay window, 0 without ESN. The SPI is not compared: it is how the packet
// found its SA. The packet is left alone when there is an error: ErrAuth for a
// wrong ICV; ErrFragment, ErrRouted and ErrMalformed as the package comment
// says.
func (t *Transform) Verify(packet []byte, seqHigh uint32) ([]byte, error) {
	ip, header, err := find(packet)
	if err != nil {
		return nil, err
	}
	// Some peers pad to 8 bytes in IPv4 too; more padding than that is malformed.
	size := len(header)
	if short := t.HeaderLen(ip.ipv6); size < short || size > t.HeaderLen(true) {
		return nil, ErrMalformed
	}
	s := t.states.Get()
	defer t.states.Put(s)
	if err := s.mute(ip, packet); err != nil {
		return nil, err
	}
	t.digest(s, packet, ip, size, seqHigh)
	if !s.mac.Verify(header[fixedLen:][:t.icv]) {
		return nil, ErrAuth
	}
	next := header[0]
	copy(packet[size:], packet[:ip.len])
	packet = packet[size:]
	ip.set(packet, next)
	return packet, nil
}

// mute keeps the header ip of packet, less what changes on the way.
func (s *state) mute(ip ipHeader, packet []byte) error {
	s.header = append(s.header[:0], packet[:ip.len]...)
	return ip.mute(s.header)
}

// digest feeds the MAC with packet, whose AH of size bytes is behind the IP
// header ip: the header as mute kept it, the AH with an ICV of zeros, the rest
// as it is, and the high half of the sequence number with ESN (RFC 4302,
// section 3.3.3).
func (t *Transform) digest(s *state, packet []byte, ip ipHeader, size int, high uint32) {
	header := packet[ip.len : ip.len+size]
	s.mac.Reset()
	s.mac.Write(s.header)
	s.mac.Write(header[:fixedLen])
	s.mac.WriteZeros(t.icv)
	s.mac.Write(header[fixedLen+t.icv:])
	s.mac.Write(packet[ip.len+size:])
	if t.esn {
		s.mac.WriteUint32(high)
	}
}

// find returns the IP header of packet and the AH that follows it.
func find(packet []byte) (ipHeader, []byte, error) {
	ip, err := parse(packet)
	if err != nil {
		return ip, nil, err
	}
	if packet[ip.next] != Protocol || len(packet) < ip.len+fixedLen {
		return ip, nil, ErrMalformed
	}
	size := (int(packet[ip.len+1]) + 2) * 4
	if size < fixedLen || len(packet) < ip.len+size {
		return ip, nil, ErrMalformed
	}
	return ip, packet[ip.len:][:size], nil
}
