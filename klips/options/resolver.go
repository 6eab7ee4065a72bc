// Package options reads the values of the options that KLIPS's tools share:
// addresses, networks, protocols and ports by number or by name, SAIDs, UDP
// ports of encapsulation, lifetimes. What makes no sense is Malformed.
package options

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"ipsec/conf/hostname"
)

// Malformed is a value that makes no sense, whatever the host: the mistake of whoever
// wrote it. It says what was expected.
type Malformed string

// Error returns what is wrong.
func (m Malformed) Error() string { return string(m) }

func malformed(format string, args ...any) Malformed { return Malformed(fmt.Sprintf(format, args...)) }

// Resolver turns what a person writes for an address, a service or a protocol
// into numbers. Numbers never leave the process.
type Resolver struct {
	Lookup func(ctx context.Context, network, host string) ([]netip.Addr, error) // like net.Resolver.LookupNetIP
	Open   func(name string) (*os.File, error)                                   // like os.Open
}

// System returns the Resolver that asks DNS and reads /etc/services and
// /etc/protocols.
func System() Resolver {
	return Resolver{Lookup: net.DefaultResolver.LookupNetIP, Open: os.Open}
}

// lookupTimeout is how long a tool waits for a name before it gives up.
const lookupTimeout = 10 * time.Second

// Family is the value of --af and --eraf: "inet", "inet6", or "" for either.
type Family string

// Check fails where f is none of them. option is its name.
func (f Family) Check(option string) error {
	switch f {
	case "", "inet", "inet6":
		return nil
	}
	return malformed("%s=%s: expected inet or inet6", option, string(f))
}

// holds reports whether addr is of this family.
func (f Family) holds(addr netip.Addr) bool {
	return f == "" || f == FamilyOf(addr)
}

// FamilyOf returns the family of an address.
func FamilyOf(addr netip.Addr) Family {
	if addr.Is4() {
		return "inet"
	}
	return "inet6"
}

// Addr reads an address or, by DNS, the name of a host that has exactly one
// address of the family. As everywhere here, option names in errors what is read.
func (r Resolver) Addr(option, text string, f Family) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	if err == nil {
		switch {
		case addr.Zone() != "" || addr.Is4In6():
			return netip.Addr{}, malformed("%s=%s: expected a plain IPv4 or IPv6 address", option, text)
		case !f.holds(addr):
			return netip.Addr{}, malformed("%s=%s: expected an address of family %s", option, text, string(f))
		}
		return addr, nil
	}
	if !hostname.Valid(text) {
		return netip.Addr{}, malformed("%s=%s: expected an address, like 192.0.2.1 or 2001:db8::1, or the name of a host", option, text)
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	found, err := r.Lookup(ctx, map[Family]string{"": "ip", "inet": "ip4", "inet6": "ip6"}[f], text)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("failed to find the address of %s=%s: %w", option, text, err)
	}
	if len(found) != 1 {
		return netip.Addr{}, fmt.Errorf("%s=%s: the name has %d addresses, and one is needed: write the address instead", option, text, len(found))
	}
	return found[0].Unmap(), nil
}

// Prefix reads ADDRESS/BITS, ADDRESS/MASK or ADDRESS alone, which is a host.
// Bits beyond the mask are cleared, as ipsec_ttosubnet(3) does.
func (r Resolver) Prefix(option, text string, f Family) (netip.Prefix, error) {
	host, mask, masked := strings.Cut(text, "/")
	addr, err := r.Addr(option, host, f)
	if err != nil {
		return netip.Prefix{}, err
	}
	bits := addr.BitLen()
	if masked {
		if bits, err = maskBits(mask, addr); err != nil {
			return netip.Prefix{}, malformed("%s=%s: %v", option, text, err)
		}
	}
	return netip.PrefixFrom(addr, bits).Masked(), nil
}

// maskBits reads a number of bits, or an IPv4 mask like 255.255.255.0.
func maskBits(mask string, addr netip.Addr) (int, error) {
	if m, err := netip.ParseAddr(mask); err == nil && m.Is4() && addr.Is4() {
		raw := m.As4()
		ones, _ := net.IPv4Mask(raw[0], raw[1], raw[2], raw[3]).Size()
		if ones == 0 && !m.IsUnspecified() {
			return 0, fmt.Errorf("the mask %s has ones after zeros", mask)
		}
		return ones, nil
	}
	bits, err := strconv.ParseUint(mask, 10, 8)
	if err != nil || int(bits) > addr.BitLen() {
		return 0, fmt.Errorf("expected a mask of 0 to %d bits after the /", addr.BitLen())
	}
	return int(bits), nil
}

// number reads a decimal, hexadecimal (0x…) or octal (0…) number of at most
// size bits, which is how ipsec_eroute(8) takes protocols and ports.
func number(text string, size int) (uint64, bool) {
	if strings.HasPrefix(text, "0b") || strings.HasPrefix(text, "0B") || strings.ContainsAny(text, "_") {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 0, size)
	return n, err == nil
}

// Protocol reads --transport-proto: a number, or a name of /etc/protocols.
func (r Resolver) Protocol(text string) (uint8, error) {
	if n, ok := number(text, 8); ok {
		return uint8(n), nil
	}
	switch text { // for hosts without the file
	case "tcp":
		return 6, nil
	case "udp":
		return 17, nil
	case "icmp":
		return 1, nil
	case "ipv6-icmp", "icmp6", "icmpv6":
		return 58, nil
	}
	if n, ok := r.entry("/etc/protocols", text, ""); ok && n <= 255 {
		return uint8(n), nil
	}
	return 0, malformed("--transport-proto=%s: expected a number from 0 to 255 or a name of /etc/protocols", text)
}

// Port reads, for a protocol, --src-port or --dst-port: a number, or a name of /etc/services.
func (r Resolver) Port(option, text string, proto uint8) (uint16, error) {
	if n, ok := number(text, 16); ok {
		return uint16(n), nil
	}
	if n, ok := r.entry("/etc/services", text, map[uint8]string{6: "tcp", 17: "udp"}[proto]); ok {
		return uint16(n), nil
	}
	return 0, malformed("%s=%s: expected a number from 0 to 65535 or a name of /etc/services", option, text)
}

// entry finds name, or an alias, in a file of lines "name number[/kind] alias…".
func (r Resolver) entry(file, name, kind string) (uint64, bool) {
	f, err := r.Open(file)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		text, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(text)
		if len(words) < 2 {
			continue
		}
		value, of, _ := strings.Cut(words[1], "/")
		if kind != "" && of != kind {
			continue
		}
		for _, word := range append(words[:1:1], words[2:]...) {
			if n, err := strconv.ParseUint(value, 10, 16); word == name && err == nil {
				return n, true
			}
		}
	}
	return 0, false
}
