package said

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Shunt returns the SAID of the shunt with that SPI: protocol INT, and 0.0.0.0
// for the destination that a shunt does not have.
func Shunt(spi uint32) SAID {
	return SAID{Dst: netip.IPv4Unspecified(), SPI: spi, Proto: INT}
}

// Passthrough is the SAID that %passthrough stands for: the tunnel that does nothing.
func Passthrough() SAID {
	return SAID{Dst: netip.IPv4Unspecified(), Proto: IPIP}
}

var magic = []struct {
	name string
	id   SAID
}{
	{"%pass", Shunt(SPIPass)},
	{"%drop", Shunt(SPIDrop)},
	{"%reject", Shunt(SPIReject)},
	{"%hold", Shunt(SPIHold)},
	{"%trap", Shunt(SPITrap)},
	{"%passthrough", Passthrough()},
}

// protos is in the order in which a prefix is looked for; none begins another.
var protos = []Proto{ESP, AH, IPIP, COMP, INT}

// Parse reads a SAID in any form of ipsec_ttosa(3): protocol, SPI, "@",
// address. The SPI is hexadecimal after "0x" and after "." (which says that
// the address is IPv4) or ":" (IPv6), and decimal otherwise:
//
//	esp0x200@192.1.2.45  esp.200@192.1.2.45  esp512@192.1.2.45  tun:201@2001:db8::1
//
// The magic %pass, %drop, %reject, %hold and %trap name shunts, and
// %passthrough is tun0x0@0.0.0.0. An address has no zone and is not an IPv4
// address within IPv6. A SAID of protocol INT that has an unspecified IPv6
// address is the same as one with 0.0.0.0.
func Parse(s string) (SAID, error) {
	if strings.HasPrefix(s, "%") {
		for _, m := range magic {
			if m.name == s {
				return m.id, nil
			}
		}
		return SAID{}, malformed(s, "the magic ones are %pass, %drop, %reject, %hold, %trap and %passthrough")
	}
	head, addr, ok := strings.Cut(s, "@")
	if !ok {
		return SAID{}, malformed(s, `there is no "@" before an address`)
	}
	var id SAID
	for _, p := range protos {
		if rest, ok := strings.CutPrefix(head, p.String()); ok {
			id.Proto, head = p, rest
			break
		}
	}
	if id.Proto == 0 {
		return SAID{}, malformed(s, "it begins with none of esp, ah, tun, comp, int")
	}
	digits, base, family := head, 10, byte(0)
	switch {
	case strings.HasPrefix(head, "0x"), strings.HasPrefix(head, "0X"):
		digits, base = head[2:], 16
	case strings.HasPrefix(head, "."), strings.HasPrefix(head, ":"):
		digits, base, family = head[1:], 16, head[0]
	case len(head) > 1 && head[0] == '0':
		return SAID{}, malformed(s, "an SPI that begins with 0 is written in hexadecimal, as 0x…")
	}
	spi, err := strconv.ParseUint(digits, base, 32)
	if err != nil || digits[0] == '+' {
		return SAID{}, malformed(s, "the SPI is not a number of 32 bits")
	}
	id.SPI = uint32(spi)
	id.Dst, err = netip.ParseAddr(addr)
	switch {
	case err != nil:
		return SAID{}, malformed(s, "what follows the @ is not an address")
	case id.Dst.Zone() != "" || id.Dst.Is4In6():
		return SAID{}, malformed(s, "the address is neither plain IPv4 nor plain IPv6")
	case family == '.' && !id.Dst.Is4():
		return SAID{}, malformed(s, `"." goes with an IPv4 address`)
	case family == ':' && !id.Dst.Is6():
		return SAID{}, malformed(s, `":" goes with an IPv6 address`)
	}
	if id.Proto == INT && id.Dst.IsUnspecified() {
		id.Dst = netip.IPv4Unspecified()
	}
	return id, nil
}

func malformed(s, why string) error {
	return fmt.Errorf("malformed SAID %q: %s; a SAID is like esp0x200@192.1.2.45", s, why)
}

// String returns the canonical form, as the tables print it:
// esp0x200@192.1.2.45, or the magic name. Parse reads it back. Of the zero
// value it is "", which Parse refuses.
func (id SAID) String() string {
	b, _ := id.AppendText(nil)
	return string(b)
}

// AppendText appends what String returns to b. It never fails.
func (id SAID) AppendText(b []byte) ([]byte, error) {
	if id == (SAID{}) {
		return b, nil
	}
	for _, m := range magic {
		if m.id == id {
			return append(b, m.name...), nil
		}
	}
	b = append(b, id.Proto.String()...)
	b = append(b, "0x"...)
	b = strconv.AppendUint(b, uint64(id.SPI), 16)
	b = append(b, '@')
	return id.Dst.AppendTo(b), nil
}

// MarshalText returns what String returns. It never fails.
func (id SAID) MarshalText() ([]byte, error) { return id.AppendText(nil) }

// UnmarshalText reads what Parse reads, and the empty text of the zero value.
func (id *SAID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = SAID{}
		return nil
	}
	v, err := Parse(string(text))
	if err != nil {
		return err
	}
	*id = v
	return nil
}

// Compare orders SAIDs by destination, then protocol, then SPI.
func (id SAID) Compare(other SAID) int {
	if c := id.Dst.Compare(other.Dst); c != 0 {
		return c
	}
	if id.Proto != other.Proto {
		return int(id.Proto) - int(other.Proto)
	}
	switch {
	case id.SPI < other.SPI:
		return -1
	case id.SPI > other.SPI:
		return 1
	}
	return 0
}
