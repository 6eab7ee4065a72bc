// Package esp is the transform of the Encapsulating Security Payload,
// RFC 4303: a payload becomes an ESP packet under the keys of one SA, and back.
// It knows neither IP nor UDP: what it makes starts with the SPI and ends
// with the ICV.
//
//	t, err := esp.New(esp.Params{SPI: 0x200, Enc: "aesgcm16", EncKey: key})
//	var w esp.Scratch // of this goroutine, for all packets of all SAs
//	ivs, err := t.TakeIVs(1)
//	packet, err := t.Seal(&w, &ivs, buf[:0], payload, next, seq)
//	payload, next, err := t.Open(&w, packet, seqHigh)
//
// # Buffers
//
// Nothing is allocated for a packet, so the caller brings the room. Seal
// appends to dst, into its spare capacity. The payload lies either apart
// from what is written, or exactly where its ciphertext goes, HeaderLen bytes
// behind the end of dst: that is sealing in place. A loop that seals in place
// reads its payloads [Headroom] bytes into buffers that have [Tailroom] bytes
// left at the end:
//
//	n, err := tun.Read(buf[esp.Headroom : len(buf)-esp.Tailroom])
//	at := esp.Headroom - t.HeaderLen()
//	packet, err := t.Seal(&w, &ivs, buf[:at], buf[esp.Headroom:][:n], next, seq)
//	packet = packet[at:]
//
// # Sequence numbers
//
// The caller hands them out, starting at 1. On the way in it reads [Seq] and
// asks the replay window for the high half before Open, and marks the number
// after Open succeeded. IVs have a counter of their own: a sequence number
// that is used twice is no catastrophe.
//
// # Concurrency
//
// A Transform is for any number of goroutines at once. What a packet needs for
// the time that it takes is in the [Scratch] of its goroutine, so that an SA of
// AES-GCM or ChaCha20-Poly1305 is no more than its keys. The other algorithms
// keep a state, of which an SA has as many as goroutines have worked on it at
// once ([algorithm.States]).
package esp

import (
	"crypto/aes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"ipsec/klips/algorithm"
	"ipsec/klips/packet"
)

// What Seal may need around a payload, whichever the algorithms, in bytes.
const (
	Headroom              = headerLen + 16 // before it: the ESP header and the longest IV
	Tailroom              = 15 + 2 + 32    // behind it: the longest padding, the trailer, the longest ICV
	headerLen, trailerLen = 8, 2           // SPI and sequence number; pad length and next header
)

// Overhead is how many bytes longer than a packet the one is, at most, that carries
// it in a tunnel of ESP: behind an IPv6 header and UDP (RFC 3948). The MTU of a
// virtual interface is that of its physical one less Overhead.
const Overhead = packet.IPv6Len + packet.UDPLen + Headroom + Tailroom

// The errors of Seal and Open. They say nothing of keys or contents.
var (
	ErrSequence  = errors.New("sequence numbers used up or zero")
	ErrExhausted = errors.New("initialization vectors used up")
	ErrRoom      = errors.New("no room for the ESP packet in the buffer")
	ErrMalformed = errors.New("malformed ESP packet")
	ErrAuth      = errors.New("wrong integrity check value")
)

// Params are what a transform is made of. Names and keys are as in klips.SA.
type Params struct {
	SPI     uint32
	Enc     string // a name of algorithm.Ciphers
	EncKey  []byte
	Auth    string // a name of algorithm.Auths; "" with an AEAD
	AuthKey []byte
	ESN     bool // extended sequence numbers, RFC 4304

	// Rand is where the IVs start: the first value of the counter that is the
	// IV of an AEAD or of CTR, and the key under which those of CBC are drawn.
	// Nil means crypto/rand. A key that outlives the process, as a manual one
	// does, must not meet the same start twice.
	Rand io.Reader
}

// padding is 1, 2, 3, …: RFC 4303, section 2.4.
const padding = "" +
	"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10" +
	"\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20" +
	"\x21\x22\x23\x24\x25\x26\x27\x28\x29\x2a\x2b\x2c\x2d\x2e\x2f\x30" +
	"\x31\x32\x33\x34\x35\x36\x37\x38\x39\x3a\x3b\x3c\x3d\x3e\x3f\x40" +
	"\x41\x42\x43\x44\x45\x46\x47\x48\x49\x4a\x4b\x4c\x4d\x4e\x4f\x50" +
	"\x51\x52\x53\x54\x55\x56\x57\x58\x59\x5a\x5b\x5c\x5d\x5e\x5f\x60" +
	"\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f\x70" +
	"\x71\x72\x73\x74\x75\x76\x77\x78\x79\x7a\x7b\x7c\x7d\x7e\x7f\x80" +
	"\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90" +
	"\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f\xa0" +
	"\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf\xb0" +
	"\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe\xbf\xc0" +
	"\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xcb\xcc\xcd\xce\xcf\xd0" +
	"\xd1\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xdb\xdc\xdd\xde\xdf\xe0" +
	"\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xeb\xec\xed\xee\xef\xf0" +
	"\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff\x00"

// A Transform seals and opens the packets of one SA. It is for any number of
// goroutines.
type Transform struct {
	suite suite
	ivs   ivSource
	spi   uint32
	esn   bool

	iv, icv, align uint8
}

// A Scratch is what it takes to work on a packet, of whichever SA. The zero value
// is ready. It is for one goroutine at a time.
type Scratch struct {
	iv       [aes.BlockSize]byte
	nonce    [12]byte
	aad      [12]byte
	borrowed [Tailroom]byte // what a trailer is written over
}

// A suite encrypts and authenticates; packet is a whole one, header and IV
// filled in, and high the high half of the sequence number.
type suite interface {
	// seal encrypts plain into its place in packet and fills in the ICV.
	seal(w *Scratch, packet, plain []byte, high uint32)
	// open decrypts in place and reports whether the ICV was right. Where it
	// was not, what packet contains afterwards is undefined.
	open(w *Scratch, packet []byte, high uint32) bool
}

// New returns the transform of an SA. The errors say which names or lengths
// were expected. Encryption without authentication is refused, and so is
// neither (RFC 8221, section 4). It keeps no reference to the keys.
func New(p Params) (*Transform, error) {
	c, err := algorithm.FindCipher(p.Enc)
	if err != nil {
		return nil, err
	}
	if err := c.CheckKey(p.EncKey); err != nil {
		return nil, err
	}
	t := &Transform{spi: p.SPI, esn: p.ESN, iv: uint8(c.IV), align: uint8(c.Align)}
	var icv int
	if t.suite, icv, err = newSuite(c, p); err != nil {
		return nil, err
	}
	t.icv = uint8(icv)
	if err := t.ivs.init(c, p.Rand); err != nil {
		return nil, fmt.Errorf("failed to read randomness for %s: %w", p.Enc, err)
	}
	return t, nil
}

// TakeIVs sets IVs aside for n packets, which nobody else gets. ErrExhausted says
// that there are not as many left.
func (t *Transform) TakeIVs(n int) (IVs, error) {
	ivs, ok := t.ivs.take(n)
	if !ok {
		return IVs{}, ErrExhausted
	}
	return ivs, nil
}

// HeaderLen returns how many bytes of an ESP packet precede its ciphertext: the
// header and the IV, at most [Headroom].
func (t *Transform) HeaderLen() int { return headerLen + int(t.iv) }

// Len returns how long the ESP packet of a payload of n bytes is.
func (t *Transform) Len(n int) int {
	return t.HeaderLen() + roundUp(n+trailerLen, int(t.align)) + int(t.icv)
}

// MaxPayload returns the length of the longest payload whose ESP packet fits
// room bytes, or a negative number where none does.
func (t *Transform) MaxPayload(room int) int {
	room -= t.HeaderLen() + int(t.icv)
	if room < 0 {
		return -1
	}
	return room/int(t.align)*int(t.align) - trailerLen
}

// Seal appends to dst the ESP packet that carries payload, whose protocol is
// next, under sequence number seq and the next of ivs, which are of TakeIVs of this
// Transform, and returns the extended dst. It does not
// allocate: dst must have capacity for Len(len(payload)) more bytes and payload
// for Tailroom more, of which what lies behind the payload is restored unless
// the packet itself is there; otherwise the error is ErrRoom. The package
// comment says where payload may lie; anywhere else is a mistake that panics or
// garbles. ErrSequence refuses a seq of zero or, without ESN, above 2³²-1;
// ErrExhausted ivs of which none is left. The payload is left alone when
// there is an error.
func (t *Transform) Seal(w *Scratch, ivs *IVs, dst, payload []byte, next uint8, seq uint64) ([]byte, error) {
	if seq == 0 || seq > math.MaxUint32 && !t.esn {
		return nil, ErrSequence
	}
	at, total := len(dst), t.Len(len(payload))
	header, icv := t.HeaderLen(), int(t.icv)
	tail := total - header - len(payload) - icv
	if cap(dst)-at < total || cap(payload)-len(payload) < tail {
		return nil, ErrRoom
	}
	if ivs.next == ivs.end {
		return nil, ErrExhausted
	}
	packet := dst[at : at+total : at+total]
	plain := payload[:len(payload)+tail]
	trailer := plain[len(payload):]
	apart := &plain[0] != &packet[header]

	t.ivs.put(packet[headerLen:header], ivs.next, w)
	ivs.next++
	binary.BigEndian.PutUint32(packet, t.spi)
	binary.BigEndian.PutUint32(packet[4:], uint32(seq))
	if apart {
		copy(w.borrowed[:], trailer)
	}
	copy(trailer, padding[:tail-trailerLen])
	trailer[tail-2], trailer[tail-1] = uint8(tail-trailerLen), next
	t.suite.seal(w, packet, plain, uint32(seq>>32))
	if apart {
		copy(trailer, w.borrowed[:])
	}
	return dst[:at+total], nil
}

// Open authenticates packet, which starts with the SPI, decrypts it in place and
// returns the payload inside and its protocol. seqHigh is the high half of the
// sequence number, from the replay window, 0 without ESN. The SPI is not
// compared: it is how the packet found its SA. ErrMalformed refuses lengths and
// padding that RFC 4303 does not allow, ErrAuth a wrong ICV. What packet holds
// after an error is undefined. Padding for traffic flow confidentiality is
// part of the payload, behind the inner packet (RFC 4303, section 2.7).
func (t *Transform) Open(w *Scratch, packet []byte, seqHigh uint32) (payload []byte, next uint8, err error) {
	header, icv := t.HeaderLen(), int(t.icv)
	size := len(packet) - header - icv
	if size < trailerLen || size%int(t.align) != 0 {
		return nil, 0, ErrMalformed
	}
	if !t.esn {
		seqHigh = 0
	}
	if !t.suite.open(w, packet, seqHigh) {
		return nil, 0, ErrAuth
	}
	plain := packet[header : len(packet)-icv]
	pad, next := int(plain[size-2]), plain[size-1]
	end := size - trailerLen - pad
	if end < 0 || string(plain[end:size-trailerLen]) != padding[:pad] {
		return nil, 0, ErrMalformed
	}
	return plain[:end], next, nil
}

// SPI returns the SPI of an ESP packet, in host order, and 0, which is no
// SPI, where the packet is too short to have one.
func SPI(packet []byte) uint32 {
	if len(packet) < headerLen {
		return 0
	}
	return binary.BigEndian.Uint32(packet)
}

// Seq returns the low half of the sequence number of an ESP packet, and 0,
// which is never sent, where the packet is too short to have one.
func Seq(packet []byte) uint32 {
	if len(packet) < headerLen {
		return 0
	}
	return binary.BigEndian.Uint32(packet[4:])
}

func roundUp(n, align int) int { return (n + align - 1) / align * align }
