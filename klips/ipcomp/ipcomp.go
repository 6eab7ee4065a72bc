// Package ipcomp is the transform of the IP Payload Compression Protocol,
// RFC 3173, with DEFLATE, RFC 2394: a payload becomes a 4-byte header and its
// compressed form, and back. A payload that does not shrink goes as it is,
// without the header; on the way in, such a packet is one whose protocol is
// not [Protocol].
//
//	t := ipcomp.New(cpi)
//	packet, ok := t.Compress(dst, payload, next) // !ok: send the payload as it is
//	payload, next, err := t.Decompress(dst, packet)
//
// A Transform keeps its compressor, of about 650 KB, and its decompressor, of
// about 45 KB, from packet to packet. Each is made when it is first used. To
// compress allocates nothing then; to decompress allocates the tables of long
// Huffman codes, where a packet has them. Goroutines that use a Transform at
// once wait for each other.
package ipcomp

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

const (
	// Protocol is the IP protocol number of IPCOMP.
	Protocol = 108
	// Deflate is the CPI that stands for DEFLATE where none was negotiated:
	// RFC 3173, section 3.3.
	Deflate = 2
	// HeaderLen is the length of the header in bytes.
	HeaderLen = 4
	// Threshold is the length in bytes below which a payload is not worth
	// trying. RFC 3173, section 2.2, wants one and leaves the figure open.
	Threshold = 90
)

// The errors of Decompress.
var (
	ErrMalformed = errors.New("malformed IPCOMP packet")
	ErrTooBig    = errors.New("IPCOMP packet decompresses to more than there is room for")
)

// A Transform compresses and decompresses the packets of one SA.
type Transform struct {
	cpi uint16

	mu     sync.Mutex // guards what follows
	writer *flate.Writer
	out    bounded
	reader io.ReadCloser
	in     bytes.Reader
	extra  [1]byte
}

// New returns the transform of an SA.
func New(cpi uint16) *Transform { return &Transform{cpi: cpi} }

// Compress appends to dst, into its spare capacity, the IPCOMP packet that
// carries payload, whose protocol is next, and returns the extended dst. It
// reports false, and nothing is to be sent but the payload as it is, where the
// packet would not be shorter than the payload or does not fit dst. The two
// must not overlap.
func (t *Transform) Compress(dst, payload []byte, next uint8) ([]byte, bool) {
	at := len(dst)
	// One byte less than the payload at most, header included.
	room := min(cap(dst)-at, len(payload)-1)
	if len(payload) < Threshold || room <= HeaderLen {
		return nil, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.out = bounded{buf: dst[at : at+HeaderLen : at+room]}
	if t.writer == nil {
		t.writer, _ = flate.NewWriter(&t.out, flate.BestSpeed) // fails for unknown levels only
	} else {
		t.writer.Reset(&t.out)
	}
	if _, err := t.writer.Write(payload); err != nil {
		return nil, false
	}
	if err := t.writer.Close(); err != nil {
		return nil, false
	}
	packet := t.out.buf
	packet[0], packet[1] = next, 0
	binary.BigEndian.PutUint16(packet[2:], t.cpi)
	return dst[:at+len(packet)], true
}

// CPI returns the CPI of an IPCOMP packet, and 0, which is none, where the
// packet is too short to have one.
func CPI(packet []byte) uint16 {
	if len(packet) < HeaderLen {
		return 0
	}
	return binary.BigEndian.Uint16(packet[2:])
}

// Decompress appends to dst, into its spare capacity, the payload of packet, which starts
// with the IPCOMP header, and returns the extended dst and the payload's
// protocol. The capacity bounds what a packet can grow to: ErrTooBig says that
// it is not enough. The CPI is not compared: it is how the packet found its SA. The
// two must not overlap.
func (t *Transform) Decompress(dst, packet []byte) ([]byte, uint8, error) {
	if len(packet) < HeaderLen {
		return nil, 0, ErrMalformed
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.in.Reset(packet[HeaderLen:])
	if t.reader == nil {
		t.reader = flate.NewReader(&t.in)
	} else if err := t.reader.(flate.Resetter).Reset(&t.in, nil); err != nil {
		return nil, 0, ErrMalformed
	}
	at, end := len(dst), len(dst)
	for dst = dst[:cap(dst)]; ; {
		room := dst[end:]
		if len(room) == 0 {
			room = t.extra[:] // to see whether there is more
		}
		n, err := t.reader.Read(room)
		if n > 0 && end == len(dst) {
			return nil, 0, ErrTooBig
		}
		end += n
		if err == io.EOF && end > at {
			return dst[:end], packet[0], nil
		}
		if err != nil {
			return nil, 0, ErrMalformed
		}
	}
}

// bounded appends to buf and fails where its capacity ends.
type bounded struct{ buf []byte }

var errFull = errors.New("buffer full")

func (b *bounded) Write(p []byte) (int, error) {
	if len(b.buf)+len(p) > cap(b.buf) {
		return 0, errFull
	}
	b.buf = append(b.buf, p...)
	return len(p), nil
}
