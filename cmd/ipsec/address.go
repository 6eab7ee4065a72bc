package main

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

	"ipsec/klips/said"
)

// resolver turns what a person writes for an address, a service or a protocol
// into numbers. Numbers never leave the process.
type resolver struct {
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
	open   func(name string) (*os.File, error)
}

// systemResolver asks DNS and reads /etc/services and /etc/protocols.
func systemResolver() resolver {
	return resolver{lookup: net.DefaultResolver.LookupNetIP, open: os.Open}
}

// lookupTimeout is how long a tool waits for a name before it gives up.
const lookupTimeout = 10 * time.Second

// family is the value of --af and --eraf: "inet", "inet6", or "" for either.
type family string

func (f family) check(option string) error {
	switch f {
	case "", "inet", "inet6":
		return nil
	}
	return usageError(fmt.Sprintf("%s=%s: expected inet or inet6", option, string(f)))
}

// holds reports whether addr is of this family.
func (f family) holds(addr netip.Addr) bool {
	return f == "" || f == familyOf(addr)
}

func familyOf(addr netip.Addr) family {
	if addr.Is4() {
		return "inet"
	}
	return "inet6"
}

// addr reads an address or, by DNS, the name of a host that has exactly one
// address of the family.
func (r resolver) addr(option, text string, f family) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	if err == nil {
		switch {
		case addr.Zone() != "" || addr.Is4In6():
			return netip.Addr{}, usageError(fmt.Sprintf("%s=%s: expected a plain IPv4 or IPv6 address", option, text))
		case !f.holds(addr):
			return netip.Addr{}, usageError(fmt.Sprintf("%s=%s: expected an address of family %s", option, text, string(f)))
		}
		return addr, nil
	}
	if !isHostName(text) {
		return netip.Addr{}, usageError(fmt.Sprintf("%s=%s: expected an address, like 192.0.2.1 or 2001:db8::1, or the name of a host", option, text))
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	found, err := r.lookup(ctx, map[family]string{"": "ip", "inet": "ip4", "inet6": "ip6"}[f], text)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("failed to find the address of %s=%s: %w", option, text, err)
	}
	if len(found) != 1 {
		return netip.Addr{}, fmt.Errorf("%s=%s: the name has %d addresses, and one is needed: write the address instead", option, text, len(found))
	}
	return found[0].Unmap(), nil
}

// isHostName reports whether text may be the name of a host: letters, a digit
// or a dot or a hyphen between them, and a letter in it.
func isHostName(text string) bool {
	letter := false
	for _, c := range text {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			letter = true
		case '0' <= c && c <= '9', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}
	return letter && text[0] != '-' && text[0] != '.'
}

// prefix reads ADDRESS/BITS, ADDRESS/MASK or ADDRESS alone, which is a host.
// Bits beyond the mask are cleared, as ipsec_ttosubnet(3) does.
func (r resolver) prefix(option, text string, f family) (netip.Prefix, error) {
	host, mask, masked := strings.Cut(text, "/")
	addr, err := r.addr(option, host, f)
	if err != nil {
		return netip.Prefix{}, err
	}
	bits := addr.BitLen()
	if masked {
		if bits, err = maskBits(mask, addr); err != nil {
			return netip.Prefix{}, usageError(fmt.Sprintf("%s=%s: %v", option, text, err))
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

// protocol reads --transport-proto: a number, or a name of /etc/protocols.
func (r resolver) protocol(text string) (uint8, error) {
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
	return 0, usageError(fmt.Sprintf("--transport-proto=%s: expected a number from 0 to 255 or a name of /etc/protocols", text))
}

// port reads --src-port or --dst-port: a number, or a name of /etc/services.
func (r resolver) port(option, text string, proto uint8) (uint16, error) {
	if n, ok := number(text, 16); ok {
		return uint16(n), nil
	}
	if n, ok := r.entry("/etc/services", text, map[uint8]string{6: "tcp", 17: "udp"}[proto]); ok {
		return uint16(n), nil
	}
	return 0, usageError(fmt.Sprintf("%s=%s: expected a number from 0 to 65535 or a name of /etc/services", option, text))
}

// entry finds name, or an alias, in a file of lines "name number[/kind] alias…".
func (r resolver) entry(file, name, kind string) (uint64, bool) {
	f, err := r.open(file)
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

// saidFlags name an SA in either way of the man pages: as one text, or in parts.
type saidFlags struct {
	Said  string `placeholder:"SAID" help:"The SA, like esp0x200@192.0.2.1 or tun.201@192.0.2.1."`
	Af    family `placeholder:"inet|inet6" help:"In place of --said: the address family of the SA."`
	Edst  string `placeholder:"ADDR" help:"… its effective destination,"`
	Spi   string `placeholder:"SPI" help:"… its security parameters index, like 0x200,"`
	Proto string `placeholder:"PROTO" help:"… and its protocol: ah, esp, comp or tun."`
}

func (s saidFlags) given() bool { return s.Said != "" || s.Edst != "" || s.Spi != "" || s.Proto != "" }

// read returns the SAID that the flags name.
func (s saidFlags) read(r resolver) (said.SAID, error) {
	if err := s.Af.check("--af"); err != nil {
		return said.SAID{}, err
	}
	if s.Said != "" {
		if s.Af != "" || s.Edst != "" || s.Spi != "" || s.Proto != "" {
			return said.SAID{}, usageError("--said names the SA alone: leave out --af, --edst, --spi and --proto")
		}
		return r.said("--said", s.Said)
	}
	if s.Edst == "" || s.Spi == "" || s.Proto == "" {
		return said.SAID{}, usageError("expected --said SAID, or --af, --edst, --spi and --proto together, to name the SA")
	}
	return r.saidParts(s.Af, s.Edst, s.Spi, s.Proto)
}

// said reads a SAID, whose address may be the name of a host.
func (r resolver) said(option, text string) (said.SAID, error) {
	head, host, ok := strings.Cut(text, "@")
	if ok && isHostName(host) {
		f := family("")
		switch {
		case strings.Contains(head, "."):
			f = "inet"
		case strings.Contains(head, ":"):
			f = "inet6"
		}
		addr, err := r.addr(option, host, f)
		if err != nil {
			return said.SAID{}, err
		}
		text = head + "@" + addr.String()
	}
	id, err := said.Parse(text)
	if err != nil {
		return said.SAID{}, usageError(err.Error())
	}
	return id, nil
}

// saidParts reads a SAID that is written in parts.
func (r resolver) saidParts(f family, edst, spi, proto string) (said.SAID, error) {
	dst, err := r.addr("--edst", edst, f)
	if err != nil {
		return said.SAID{}, err
	}
	n, ok := number(spi, 32)
	if !ok {
		return said.SAID{}, usageError(fmt.Sprintf("--spi=%s: expected a number of 32 bits, like 0x200", spi))
	}
	for _, p := range []said.Proto{said.AH, said.ESP, said.COMP, said.IPIP, said.INT} {
		if p.String() == proto {
			return said.SAID{Dst: dst, SPI: uint32(n), Proto: p}, nil
		}
	}
	return said.SAID{}, usageError(fmt.Sprintf("--proto=%s: expected ah, esp, comp or tun", proto))
}
