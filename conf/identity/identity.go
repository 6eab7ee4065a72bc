// Package identity says who a peer is: leftid= of ipsec.conf(5) in every form,
// and the ID payload of IKE (RFC 7296, section 3.5).
//
// An ID may come from a hostile peer. It is bounded when it is made, and what
// String returns is printable.
package identity

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Type is the type of an ID payload, or one of a configuration that no payload
// has.
type Type uint8

// The types of an ID payload, and above 250 those that only a configuration
// has.
const (
	TypeNone     Type = 0  // of the zero ID
	TypeIPv4     Type = 1  // four bytes
	TypeFQDN     Type = 2  // a name of the DNS, without a zero byte
	TypeUserFQDN Type = 3  // user@host
	TypeIPv6     Type = 5  // sixteen bytes
	TypeDN       Type = 9  // a distinguished name in DER
	TypeGN       Type = 10 // a general name in DER
	TypeKeyID    Type = 11 // any bytes
	TypeNull     Type = 13 // an anonymous peer, RFC 7619

	TypeAny      Type = 251 // %any: whoever comes
	TypeFromCert Type = 252 // %fromcert: the subject of the certificate
	TypeMyID     Type = 253 // %myid: what myid= of config setup says
)

// ID is an identity. The zero value is none. IDs that are == are the same;
// Equal knows more pairs that are, such as DNs in other letters, and Canonical makes those ==.
type ID struct {
	Type Type
	Data string // the bytes of the payload
}

// Any returns %any, which every identity matches.
func Any() ID { return ID{Type: TypeAny} }

// FromCert returns %fromcert, which stands for the subject of a certificate.
func FromCert() ID { return ID{Type: TypeFromCert} }

// MyID returns %myid, which stands for what myid= of config setup says.
func MyID() ID { return ID{Type: TypeMyID} }

// Limits on the bytes of an identity.
const (
	maxData = 512
	maxDN   = 2048
)

// FromAddr returns the identity of an address; none for the zero Addr.
func FromAddr(a netip.Addr) ID {
	a = a.Unmap().WithZone("")
	switch {
	case a.Is4():
		return ID{TypeIPv4, string(a.AsSlice())}
	case a.Is6():
		return ID{TypeIPv6, string(a.AsSlice())}
	}
	return ID{}
}

// FromDN returns the identity of a distinguished name in DER, such as the
// RawSubject of a certificate.
func FromDN(der []byte) (ID, error) { return FromPayload(uint8(TypeDN), der) }

// FromPayload returns the identity of an ID payload's body. The error shows
// nothing of it.
func FromPayload(kind uint8, body []byte) (ID, error) {
	id := ID{Type(kind), string(body)}
	limit := maxData
	if id.Type == TypeDN {
		limit = maxDN
	}
	if len(body) > limit {
		return ID{}, fmt.Errorf("malformed identity of type %d: expected at most %d bytes, found %d", kind, limit, len(body))
	}
	size := -1
	switch id.Type {
	case TypeIPv4:
		size = 4
	case TypeIPv6:
		size = 16
	case TypeNull:
		size = 0
	case TypeFQDN, TypeUserFQDN, TypeKeyID, TypeGN:
		if len(body) == 0 {
			return ID{}, fmt.Errorf("malformed identity of type %d: it is empty", kind)
		}
	case TypeDN:
		if _, err := parseDER(id.Data); err != nil {
			return ID{}, err
		}
	default:
		return ID{}, fmt.Errorf("unknown type %d of an identity", kind)
	}
	if size >= 0 && len(body) != size {
		return ID{}, fmt.Errorf("malformed identity of type %d: expected %d bytes, found %d", kind, size, len(body))
	}
	return id, nil
}

// Payload returns the type and the body of the ID payload. It is not for the
// zero ID and those that only a configuration has.
func (id ID) Payload() (kind uint8, body []byte) { return uint8(id.Type), []byte(id.Data) }

// IsZero reports whether it is no identity.
func (id ID) IsZero() bool { return id == ID{} }

// OnWire reports whether an ID payload can say it.
func (id ID) OnWire() bool { return id.Type > TypeNone && id.Type < TypeAny }

// Addr returns the address that the identity is; the zero Addr when it is
// none.
func (id ID) Addr() netip.Addr {
	if id.Type != TypeIPv4 && id.Type != TypeIPv6 {
		return netip.Addr{}
	}
	a, _ := netip.AddrFromSlice([]byte(id.Data))
	return a
}

// String returns the identity in its normal form, which Parse reads back:
// printable, on one line and, of what a peer sent, no longer than some
// kilobytes. The zero ID is %none.
func (id ID) String() string {
	text, ok := id.text()
	if ok && plain(text) && text == strings.Trim(text, " \t") {
		if again, err := parse(text); err == nil && again.Equal(id) {
			return text
		}
	}
	for _, p := range prefixes {
		if p.kind == id.Type {
			return p.name + "#" + hex.EncodeToString([]byte(id.Data))
		}
	}
	return text
}

// text returns the form of an identity that one would write, if there is one.
func (id ID) text() (string, bool) {
	switch id.Type {
	case TypeNone:
		return "%none", true
	case TypeAny:
		return "%any", true
	case TypeFromCert:
		return "%fromcert", true
	case TypeMyID:
		return "%myid", true
	case TypeNull:
		return "%null", true
	case TypeIPv4, TypeIPv6:
		return id.Addr().String(), true
	case TypeFQDN:
		return "@" + id.Data, true
	case TypeUserFQDN:
		return id.Data, true
	case TypeKeyID:
		return "@#" + hex.EncodeToString([]byte(id.Data)), true
	case TypeDN:
		name, err := parseDER(id.Data)
		return name.String(), err == nil
	}
	return fmt.Sprintf("type %d", id.Type), false
}

// plain reports whether text is printable, without what a log would have to
// quote.
func plain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}
