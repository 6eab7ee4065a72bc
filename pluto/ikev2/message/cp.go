package message

import (
	"encoding/binary"
	"fmt"
	"math"
)

// CP asks for configuration or gives it (RFC 7296, section 3.15).
type CP struct {
	CFGType    CFGType
	Attributes []ConfigAttribute
}

// A ConfigAttribute is one piece of configuration, kept as it came. In a request
// its value may be empty.
type ConfigAttribute struct {
	Kind  uint16 // of 15 bits
	Value []byte
}

// CFGType says which way a CP goes.
type CFGType uint8

const (
	CFGRequest CFGType = 1
	CFGReply   CFGType = 2
	CFGSet     CFGType = 3
	CFGAck     CFGType = 4
)

const kindMask = 0x7fff // the top bit of an attribute's kind is reserved

func (*CP) Type() PayloadType { return TypeCP }

func parseCP(b []byte) (*CP, error) {
	f, rest, err := fixed(TypeCP, b, 4)
	if err != nil {
		return nil, err
	}
	cp := &CP{CFGType: CFGType(f[0])}
	for len(rest) > 0 {
		if len(cp.Attributes) == MaxAttributes {
			return nil, malformed("CP", "more than %d attributes", MaxAttributes)
		}
		if len(rest) < 4 {
			return nil, malformed("CP", "attribute cut off: %d bytes left, it has 4 or more", len(rest))
		}
		n := 4 + int(binary.BigEndian.Uint16(rest[2:]))
		if n > len(rest) {
			return nil, malformed("CP", "attribute of %d bytes, %d are left", n, len(rest))
		}
		kind := binary.BigEndian.Uint16(rest) & kindMask
		cp.Attributes = append(cp.Attributes, ConfigAttribute{kind, data(rest[4:n:n])})
		rest = rest[n:]
	}
	return cp, nil
}

func (p *CP) appendBody(dst []byte) ([]byte, error) {
	dst = append(dst, byte(p.CFGType), 0, 0, 0)
	for _, a := range p.Attributes {
		if a.Kind > kindMask {
			return nil, fmt.Errorf("attribute %d, at most %d fits", a.Kind, kindMask)
		}
		if len(a.Value) > math.MaxUint16 {
			return nil, fmt.Errorf("attribute of %d bytes, at most %d fit", len(a.Value), math.MaxUint16)
		}
		dst = binary.BigEndian.AppendUint16(dst, a.Kind)
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(a.Value)))
		dst = append(dst, a.Value...)
	}
	return dst, nil
}
