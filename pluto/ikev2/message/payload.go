package message

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A PayloadType is the number that says what a payload is.
type PayloadType uint8

// The payloads of RFC 7296, section 3.2, and RFC 7383.
const (
	TypeNone              PayloadType = 0
	TypeSA                PayloadType = 33
	TypeKE                PayloadType = 34
	TypeIDi               PayloadType = 35
	TypeIDr               PayloadType = 36
	TypeCert              PayloadType = 37
	TypeCertReq           PayloadType = 38
	TypeAuth              PayloadType = 39
	TypeNonce             PayloadType = 40
	TypeNotify            PayloadType = 41
	TypeDelete            PayloadType = 42
	TypeVendorID          PayloadType = 43
	TypeTSi               PayloadType = 44
	TypeTSr               PayloadType = 45
	TypeEncrypted         PayloadType = 46
	TypeCP                PayloadType = 47
	TypeEAP               PayloadType = 48
	TypeEncryptedFragment PayloadType = 53
)

// String is the name that RFC 7296 writes exchanges with.
func (t PayloadType) String() string {
	switch t {
	case TypeSA:
		return "SA"
	case TypeKE:
		return "KE"
	case TypeIDi:
		return "IDi"
	case TypeIDr:
		return "IDr"
	case TypeCert:
		return "CERT"
	case TypeCertReq:
		return "CERTREQ"
	case TypeAuth:
		return "AUTH"
	case TypeNonce:
		return "Nonce"
	case TypeNotify:
		return "N"
	case TypeDelete:
		return "D"
	case TypeVendorID:
		return "V"
	case TypeTSi:
		return "TSi"
	case TypeTSr:
		return "TSr"
	case TypeEncrypted:
		return "SK"
	case TypeCP:
		return "CP"
	case TypeEAP:
		return "EAP"
	case TypeEncryptedFragment:
		return "SKF"
	}
	return fmt.Sprintf("payload %d", uint8(t))
}

// single tells whether a message has at most one payload of the type, in every
// exchange there is.
func (t PayloadType) single() bool {
	switch t {
	case TypeSA, TypeKE, TypeIDi, TypeIDr, TypeAuth, TypeNonce, TypeTSi, TypeTSr, TypeEAP:
		return true
	}
	return false
}

// A Payload is one part of a message: a pointer to one of the structs of this
// package.
type Payload interface {
	Type() PayloadType
	// appendBody appends what follows the generic header. It fails when a value
	// does not fit into its field.
	appendBody(dst []byte) ([]byte, error)
}

// Unknown is a payload of a type that is not known here.
type Unknown struct {
	Number   PayloadType
	Critical bool // never in what Parse returns
	Data     []byte
}

func (p *Unknown) Type() PayloadType                     { return p.Number }
func (p *Unknown) appendBody(dst []byte) ([]byte, error) { return append(dst, p.Data...), nil }

// genericLen is the length of the generic header of a payload.
const genericLen = 4

const criticalBit = 0x80

// parsePayloads reads the chain of payloads that starts at message[at] and ends
// with message. What comes before it is kept by an encrypted payload, to be
// authenticated with it.
func parsePayloads(message []byte, at int, next PayloadType) ([]Payload, error) {
	var payloads []Payload
	var seen [256]bool
	for next != TypeNone {
		t, rest := next, message[at:]
		if len(payloads) == MaxPayloads {
			return nil, malformed("message", "more than %d payloads", MaxPayloads)
		}
		if len(rest) < genericLen {
			return nil, malformed(t.String(), "cut off: %d bytes left, its header has %d", len(rest), genericLen)
		}
		n := int(binary.BigEndian.Uint16(rest[2:]))
		if n < genericLen || n > len(rest) {
			return nil, malformed(t.String(), "its header says %d bytes, %d are left", n, len(rest))
		}
		if seen[t] && t.single() {
			return nil, malformed("message", "two %s payloads", t)
		}
		seen[t] = true
		following, critical := PayloadType(rest[0]), rest[1]&criticalBit != 0
		body := rest[genericLen:n:n]
		var p Payload
		var err error
		switch t {
		case TypeEncrypted:
			p = &Encrypted{First: following, Body: body, prefix: message[: at+genericLen : at+genericLen]}
			following = TypeNone
		case TypeEncryptedFragment:
			p, err = parseFragment(body, following, message, at+genericLen)
			following = TypeNone
		default:
			p, err = parsePayload(t, critical, body)
		}
		if err != nil {
			return nil, err
		}
		payloads = append(payloads, p)
		at += n
		next = following
	}
	if at != len(message) {
		return nil, malformed("message", "%d bytes follow its last payload", len(message)-at)
	}
	return payloads, nil
}

// prefix is what comes before the body of an encrypted payload.
func prefix(message []byte, n int) []byte { return message[:n:n] }

func parsePayload(t PayloadType, critical bool, body []byte) (Payload, error) {
	switch t {
	case TypeSA:
		return parseSA(body)
	case TypeKE:
		return parseKE(body)
	case TypeIDi, TypeIDr:
		return parseID(t, body)
	case TypeCert:
		return parseCert(body)
	case TypeCertReq:
		return parseCertReq(body)
	case TypeAuth:
		return parseAuth(body)
	case TypeNonce:
		return parseNonce(body)
	case TypeNotify:
		return parseNotify(body)
	case TypeDelete:
		return parseDelete(body)
	case TypeVendorID:
		return &VendorID{data(body)}, nil
	case TypeTSi, TypeTSr:
		return parseTS(t, body)
	case TypeCP:
		return parseCP(body)
	case TypeEAP:
		return parseEAP(body)
	}
	if critical {
		return nil, &CriticalError{t}
	}
	return &Unknown{Number: t, Data: data(body)}, nil
}

// data is what is left of a body; nil for nothing, so that a parsed value equals
// the one that was sent.
func data(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// firstType is what the field before payloads says.
func firstType(payloads []Payload) PayloadType {
	if len(payloads) == 0 {
		return TypeNone
	}
	return payloads[0].Type()
}

// appendPayloads appends a chain of payloads.
func appendPayloads(dst []byte, payloads []Payload) ([]byte, error) {
	for i, p := range payloads {
		start := len(dst)
		next, flags := firstType(payloads[i+1:]), byte(0)
		last := false
		switch p := p.(type) {
		case *Unknown:
			if p.Critical {
				flags = criticalBit
			}
		case *Encrypted:
			next, last = p.First, true
		case *EncryptedFragment:
			next, last = p.First, true
		}
		if last && i < len(payloads)-1 {
			return nil, fmt.Errorf("failed to encode %s: it is not the last payload", p.Type())
		}
		var err error
		if dst, err = p.appendBody(append(dst, byte(next), flags, 0, 0)); err != nil {
			return nil, fmt.Errorf("failed to encode %s: %w", p.Type(), err)
		}
		n := len(dst) - start
		if n > math.MaxUint16 {
			return nil, fmt.Errorf("failed to encode %s: %d bytes, at most %d fit", p.Type(), n, math.MaxUint16)
		}
		binary.BigEndian.PutUint16(dst[start+2:], uint16(n))
	}
	return dst, nil
}

// fits fails when a length does not fit into a field of one byte.
func fits(what string, n int) error {
	if n > math.MaxUint8 {
		return fmt.Errorf("%d %s, at most %d fit", n, what, math.MaxUint8)
	}
	return nil
}
