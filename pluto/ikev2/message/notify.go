package message

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Notify is an error or a piece of status (RFC 7296, section 3.10).
type Notify struct {
	Protocol    Protocol // of the SA that SPI names, else ProtocolNone
	SPI         []byte
	MessageType NotifyType
	Data        []byte
}

// Delete tells that SAs of its sender are gone (section 3.11). SPIs holds none
// for ProtocolIKE, which means the IKE SA that carries it, else SPIs of 4 bytes.
type Delete struct {
	Protocol Protocol
	SPIs     [][]byte
}

func (*Notify) Type() PayloadType { return TypeNotify }
func (*Delete) Type() PayloadType { return TypeDelete }

func parseNotify(b []byte) (*Notify, error) {
	f, rest, err := fixed(TypeNotify, b, 4)
	if err != nil {
		return nil, err
	}
	n := int(f[1])
	if n > len(rest) {
		return nil, malformed("N", "SPI of %d bytes, %d are left", n, len(rest))
	}
	return &Notify{
		Protocol:    Protocol(f[0]),
		SPI:         data(rest[:n:n]),
		MessageType: NotifyType(binary.BigEndian.Uint16(f[2:])),
		Data:        data(rest[n:]),
	}, nil
}

func (p *Notify) appendBody(dst []byte) ([]byte, error) {
	if err := fits("bytes of SPI", len(p.SPI)); err != nil {
		return nil, err
	}
	dst = append(dst, byte(p.Protocol), byte(len(p.SPI)))
	dst = binary.BigEndian.AppendUint16(dst, uint16(p.MessageType))
	return append(append(dst, p.SPI...), p.Data...), nil
}

func parseDelete(b []byte) (*Delete, error) {
	f, rest, err := fixed(TypeDelete, b, 4)
	if err != nil {
		return nil, err
	}
	d := &Delete{Protocol: Protocol(f[0])}
	size, count := int(f[1]), int(binary.BigEndian.Uint16(f[2:]))
	switch {
	case d.Protocol == ProtocolIKE && (size != 0 || count != 0):
		return nil, malformed("D", "%d SPIs of %d bytes for IKE, expected none", count, size)
	case (d.Protocol == ProtocolAH || d.Protocol == ProtocolESP) && size != 4:
		return nil, malformed("D", "SPIs of %d bytes for %s, expected 4", size, d.Protocol)
	case size == 0 && count != 0, size*count != len(rest):
		return nil, malformed("D", "%d SPIs of %d bytes announced, %d bytes follow", count, size, len(rest))
	}
	for ; len(rest) > 0; rest = rest[size:] {
		d.SPIs = append(d.SPIs, rest[:size:size])
	}
	return d, nil
}

func (p *Delete) appendBody(dst []byte) ([]byte, error) {
	size := 0
	if len(p.SPIs) > 0 {
		size = len(p.SPIs[0])
	} else if p.Protocol != ProtocolIKE {
		size = 4
	}
	if err := fits("bytes of SPI", size); err != nil {
		return nil, err
	}
	if len(p.SPIs) > math.MaxUint16 {
		return nil, fmt.Errorf("%d SPIs, at most %d fit", len(p.SPIs), math.MaxUint16)
	}
	dst = append(dst, byte(p.Protocol), byte(size))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(p.SPIs)))
	for _, spi := range p.SPIs {
		if len(spi) != size {
			return nil, fmt.Errorf("SPIs of %d and %d bytes in one payload", size, len(spi))
		}
		dst = append(dst, spi...)
	}
	return dst, nil
}
