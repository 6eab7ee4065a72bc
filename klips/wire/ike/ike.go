// Package ike passes IKE messages between the owner of UDP port 4500, which is
// KLIPS, and Pluto, over a unix socket of type SOCK_SEQPACKET, with the
// addresses of both ends.
//
// A message on the socket is one record: the local address in 16 bytes (an
// IPv4 one as ::ffff:a.b.c.d), the local port in 2, the remote address and port
// in the same form, and then the IKE message, without the non-ESP marker of
// RFC 3948. A message of the one byte 0xff is a NAT keepalive and travels
// without a marker.
package ike

import (
	"encoding/binary"
	"errors"
	"net/netip"
)

// HeaderLen is the length in bytes of what precedes the IKE message in a record.
const HeaderLen = 36

// MaxLen is the length in bytes of the longest record.
const MaxLen = HeaderLen + 65535

// A Message is an IKE message between two UDP ports, of which Local is ours.
type Message struct {
	Local, Remote netip.AddrPort
	Payload       []byte
}

// ErrMalformed refuses a record that holds no message.
var ErrMalformed = errors.New("malformed IKE record")

// Append appends the record of m to b.
func (m Message) Append(b []byte) []byte {
	for _, end := range []netip.AddrPort{m.Local, m.Remote} {
		a := end.Addr().As16()
		b = binary.BigEndian.AppendUint16(append(b, a[:]...), end.Port())
	}
	return append(b, m.Payload...)
}

// Parse reads a record. The payload is within b.
func Parse(b []byte) (Message, error) {
	if len(b) <= HeaderLen {
		return Message{}, ErrMalformed
	}
	end := func(b []byte) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b)).Unmap(), binary.BigEndian.Uint16(b[16:]))
	}
	m := Message{Local: end(b), Remote: end(b[18:]), Payload: b[HeaderLen:]}
	if m.Local.Addr().Is4() != m.Remote.Addr().Is4() || m.Remote.Port() == 0 {
		return Message{}, ErrMalformed
	}
	return m, nil
}
