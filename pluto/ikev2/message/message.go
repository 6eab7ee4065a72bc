// Package message is the codec of IKEv2: bytes to values and back, as RFC 7296,
// section 3, and RFC 7383 lay them out. It keeps no state but what a Reassembler
// holds, and knows nothing of what a message means.
//
// Every byte that comes in is hostile. Parsing costs time and memory in
// proportion to the input, keeps to the limits below, and never panics. Parsed
// values alias the input: whoever keeps them longer than the buffer copies them.
package message

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// Limits of what is parsed, far above what peers are known to send.
const (
	MaxMessage    = 65535 // bytes of a message, and of the payloads inside one, put together from fragments or not
	MaxPayloads   = 128   // payloads in a message, counted inside and outside its encrypted payload apart
	MaxProposals  = 64    // proposals in an SA payload; a proposal counts its transforms in one byte
	MaxFragments  = 256   // fragments that make one message
	MaxAttributes = 256   // attributes in a configuration payload
)

// HeaderLen is the length of the fixed header of every message.
const HeaderLen = 28

// Version2 is IKE version 2.0 as the header says it: major in the upper half,
// minor in the lower.
const Version2 = 0x20

// An SPI is one end's name for an IKE SA.
type SPI [8]byte

// IsZero tells whether the SPI is the one of a responder that has not answered.
func (s SPI) IsZero() bool { return s == SPI{} }

// String is the SPI in hexadecimal digits, as strongSwan and Libreswan log it.
func (s SPI) String() string { return hex.EncodeToString(s[:]) }

// An ExchangeType says which exchange a message is part of.
type ExchangeType uint8

// The exchanges of RFC 7296 and RFC 9242.
const (
	IKESAInit       ExchangeType = 34
	IKEAuth         ExchangeType = 35
	CreateChildSA   ExchangeType = 36
	Informational   ExchangeType = 37
	IKEIntermediate ExchangeType = 43
)

func (t ExchangeType) String() string {
	switch t {
	case IKESAInit:
		return "IKE_SA_INIT"
	case IKEAuth:
		return "IKE_AUTH"
	case CreateChildSA:
		return "CREATE_CHILD_SA"
	case Informational:
		return "INFORMATIONAL"
	case IKEIntermediate:
		return "IKE_INTERMEDIATE"
	}
	return fmt.Sprintf("exchange %d", uint8(t))
}

// Flags are the flags of the header.
type Flags uint8

const (
	FlagInitiator Flags = 0x08 // sent by the end that initiated the IKE SA
	FlagVersion   Flags = 0x10 // the sender could speak a higher major version
	FlagResponse  Flags = 0x20 // answers the message of the same ID
)

// A Header is what every message starts with, but for what follows from the
// rest: its length and the type of its first payload.
type Header struct {
	InitiatorSPI SPI
	ResponderSPI SPI
	Version      uint8 // zero is sent as Version2
	Exchange     ExchangeType
	Flags        Flags
	MessageID    uint32
}

// Major is the major version: 1 for IKEv1 (whose header is laid out alike), 2 for
// IKEv2.
func (h Header) Major() uint8 { return h.Version >> 4 }

// FromInitiator tells whether the initiator of the IKE SA sent the message.
func (h Header) FromInitiator() bool { return h.Flags&FlagInitiator != 0 }

// IsResponse tells whether the message answers a request.
func (h Header) IsResponse() bool { return h.Flags&FlagResponse != 0 }

// String says which message it is, in one line of a log.
func (h Header) String() string {
	kind := "request"
	if h.IsResponse() {
		kind = "response"
	}
	return fmt.Sprintf("%s %s %d", h.Exchange, kind, h.MessageID)
}

// append appends the header with the type of the first payload, and a length that
// is to be put in by setLength.
func (h Header) append(dst []byte, first PayloadType) []byte {
	if h.Version == 0 {
		h.Version = Version2
	}
	dst = append(dst, h.InitiatorSPI[:]...)
	dst = append(dst, h.ResponderSPI[:]...)
	dst = append(dst, byte(first), h.Version, byte(h.Exchange), byte(h.Flags))
	dst = binary.BigEndian.AppendUint32(dst, h.MessageID)
	return append(dst, 0, 0, 0, 0)
}

// setLength writes the length of a message into its header.
func setLength(message []byte, n int) { binary.BigEndian.PutUint32(message[24:], uint32(n)) }

// A Message is a header and its payloads. A message whose last payload is an
// *Encrypted or an *EncryptedFragment keeps the others inside of that; payloads
// before it prove nothing.
type Message struct {
	Header
	Payloads []Payload
}

// ParseHeader reads the header alone, of any version, to find out whom a datagram
// is for. It looks at nothing after it.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderLen {
		return Header{}, malformed("message", "%d bytes, a header has %d", len(b), HeaderLen)
	}
	return Header{
		InitiatorSPI: SPI(b),
		ResponderSPI: SPI(b[8:]),
		Version:      b[17],
		Exchange:     ExchangeType(b[18]),
		Flags:        Flags(b[19]),
		MessageID:    binary.BigEndian.Uint32(b[20:]),
	}, nil
}

// Parse reads a whole message of IKEv2, whose payloads alias b. Its errors are a
// *VersionError, a *CriticalError or a *SyntaxError. With a *CriticalError, the
// header can be had from ParseHeader.
func Parse(b []byte) (*Message, error) {
	h, err := ParseHeader(b)
	if err != nil {
		return nil, err
	}
	if h.Major() != 2 {
		return nil, &VersionError{h.Version}
	}
	if n := binary.BigEndian.Uint32(b[24:]); uint64(n) != uint64(len(b)) {
		return nil, malformed("message", "its header says %d bytes, %d came", n, len(b))
	}
	if len(b) > MaxMessage {
		return nil, malformed("message", "%d bytes, at most %d are taken", len(b), MaxMessage)
	}
	payloads, err := parsePayloads(b, HeaderLen, PayloadType(b[16]))
	if err != nil {
		return nil, err
	}
	return &Message{h, payloads}, nil
}

// Append appends the message in wire form. It fails when a value does not fit
// into its field.
func (m *Message) Append(dst []byte) ([]byte, error) {
	start := len(dst)
	dst, err := appendPayloads(m.Header.append(dst, firstType(m.Payloads)), m.Payloads)
	if err != nil {
		return nil, err
	}
	n := len(dst) - start
	if n > MaxMessage {
		return nil, fmt.Errorf("failed to encode message: %d bytes, at most %d can be sent", n, MaxMessage)
	}
	setLength(dst[start:], n)
	return dst, nil
}

// Marshal is Append to nothing.
func (m *Message) Marshal() ([]byte, error) { return m.Append(nil) }
