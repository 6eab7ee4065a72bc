// Package said names security associations: the SAID of RFC 2367, which is a
// destination address, an SPI and a protocol, in the text form of
// ipsec_ttosa(3) that people type and that the tables print.
package said

import (
	"fmt"
	"net/netip"
)

// Proto is the protocol of a security association.
type Proto uint8

// The protocols of a SAID, by their IP protocol numbers. INT is the pseudo
// protocol 61 under which the shunts (%pass and the like) are named.
const (
	IPIP Proto = 4   // "tun"
	ESP  Proto = 50  // "esp"
	INT  Proto = 61  // "int" and the shunts
	AH   Proto = 51  // "ah"
	COMP Proto = 108 // "comp"
)

// String returns the prefix of p in a SAID: esp, ah, tun, comp or int.
func (p Proto) String() string {
	switch p {
	case IPIP:
		return "tun"
	case ESP:
		return "esp"
	case AH:
		return "ah"
	case COMP:
		return "comp"
	case INT:
		return "int"
	}
	return fmt.Sprintf("proto%d", uint8(p))
}

// The SPIs of protocol INT that stand for shunts, as ipsec_ttosa(3) has them.
const (
	SPIPass   = 256
	SPIDrop   = 257
	SPIReject = 258
	SPIHold   = 259
	SPITrap   = 260
)

// SAID identifies a security association. The zero value is invalid.
type SAID struct {
	Dst   netip.Addr // the address that its packets are sent to; unspecified for a shunt
	SPI   uint32     // in host order
	Proto Proto
}
