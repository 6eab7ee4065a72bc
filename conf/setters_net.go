package conf

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"ipsec/conf/hostname"
	"ipsec/conf/keyword"
	"ipsec/conf/linkname"
)

// hostWords are the words that may stand for a host.
var hostWords = map[string]HostForm{
	"%any":                HostAny,
	"%any4":               HostAny,
	"%any6":               HostAny,
	"%defaultroute":       HostDefaultRoute,
	"%direct":             HostDirect,
	"%opportunistic":      HostOpportunistic,
	"%group":              HostGroup,
	"%opportunisticgroup": HostOppoGroup,
}

// setHost takes what left= and leftnexthop= take: an address, a name, or one
// of the words. With %NAME a host is that interface's address.
func setHost(field func(target) *Host, allowed ...string) setter {
	return func(k *keyword.Keyword, t target, value string) *valueError {
		h, err := parseHost(value, allowed)
		if err != nil {
			return err
		}
		*field(t) = h
		return nil
	}
}

func parseHost(value string, allowed []string) (Host, *valueError) {
	wrong := func() *valueError {
		return &valueError{text: value, want: "an address, a host name, " + oneOf(allowed), known: allowed}
	}
	for _, word := range allowed {
		if strings.EqualFold(value, word) {
			return Host{Form: hostWords[word], Six: word == "%any6"}, nil
		}
	}
	if strings.HasPrefix(value, "%") {
		name := value[1:]
		if form := hostWords[strings.ToLower(value)]; form != HostUnset || !isInterface(name) || suggest(value, allowed) != "" {
			return Host{}, wrong()
		}
		return Host{Form: HostAny, Name: name}, nil
	}
	if addr, err := netip.ParseAddr(value); err == nil && addr.Zone() == "" {
		if addr = addr.Unmap(); addr.IsUnspecified() {
			return Host{Form: HostAny, Six: addr.Is6()}, nil
		}
		return Host{Form: HostAddr, Addr: addr}, nil
	}
	if !hostname.Valid(value) {
		return Host{}, wrong()
	}
	return Host{Form: HostName, Name: value}, nil
}

// isInterface reports whether text can be the name of a link, or of an old alias of
// one (eth0:1), and is safe to type.
func isInterface(text string) bool {
	if !linkname.Valid(strings.ReplaceAll(text, ":", "_")) || text[0] == '-' {
		return false
	}
	for i := 0; i < len(text); i++ {
		if c := text[i]; !isAlnum(c) && !strings.ContainsRune("_.:@-+", rune(c)) {
			return false
		}
	}
	return true
}

// setAddr takes an address.
func setAddr(field func(target) *netip.Addr) setter {
	return func(_ *keyword.Keyword, t target, value string) *valueError {
		addr, err := netip.ParseAddr(value)
		if err != nil || addr.Zone() != "" {
			return &valueError{text: value, want: "an address such as 192.0.2.1"}
		}
		*field(t) = addr.Unmap()
		return nil
	}
}

// setSourceIP takes an address. The pools of addresses that other dialects
// have here are read and left: see keyword.Essential.
func setSourceIP(_ *keyword.Keyword, t target, value string) *valueError {
	if strings.HasPrefix(value, "%") || strings.ContainsAny(value, "/-,") {
		return nil
	}
	return setAddr(func(t target) *netip.Addr { return &t.end.SourceIP })(nil, t, value)
}

const wantPrefix = "a network such as 192.0.2.0/24"

// parsePrefix reads ADDRESS/BITS, ADDRESS/MASK, a shortened address with bits
// (10/8, as ttosubnet(3) reads it), %default, or an address, which is itself.
func parsePrefix(text string) (p netip.Prefix, hostBits, ok bool) {
	if strings.EqualFold(text, "%default") {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0), false, true
	}
	address, mask, hasMask := strings.Cut(text, "/")
	if hasMask && !strings.Contains(address, ":") {
		if dots := strings.Count(address, "."); dots < 3 && address != "" {
			address += strings.Repeat(".0", 3-dots)
		}
	}
	addr, err := netip.ParseAddr(address)
	if err != nil || addr.Zone() != "" || addr.Is4In6() {
		return p, false, false
	}
	bits := addr.BitLen()
	if hasMask {
		if bits, ok = parseMask(mask, addr.BitLen()); !ok {
			return p, false, false
		}
	}
	p = netip.PrefixFrom(addr, bits)
	return p.Masked(), p.Masked() != p, true
}

// parseMask reads a number of bits, or a mask of IPv4 whose ones come first.
func parseMask(text string, most int) (bits int, ok bool) {
	if most == 32 && strings.Contains(text, ".") {
		m, err := netip.ParseAddr(text)
		if err != nil || !m.Is4() {
			return 0, false
		}
		b := m.As4()
		mask := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		for bits = 0; mask&(1<<31) != 0; bits++ {
			mask <<= 1
		}
		return bits, mask == 0
	}
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	bits, err := strconv.Atoi(text)
	return bits, err == nil && bits <= most
}

// setSubnets takes networks separated by commas or blanks, in braces or not,
// and adds them to those that are there.
func setSubnets(_ *keyword.Keyword, t target, value string) *valueError {
	if v := strings.ToLower(value); strings.HasPrefix(v, "vhost:") || strings.HasPrefix(v, "vnet:") {
		t.end.Virtual = value
		return nil
	}
	var list []netip.Prefix
	for _, f := range fields(value) {
		if strings.EqualFold(f.text, "%dynamic") {
			continue // the host itself, as when there is no leftsubnet at all
		}
		p, hostBits, ok := parsePrefix(f.text)
		if !ok {
			return &valueError{offset: f.offset, text: f.text, want: wantPrefix, known: []string{"%default", "%dynamic"}}
		}
		if hostBits {
			t.warn(fmt.Sprintf("%s has bits beyond its mask, and is read as %s", quote(f.text), p))
		}
		list = append(list, p)
	}
	for _, p := range list {
		if !contains(t.end.Subnets, p) {
			t.end.Subnets = append(t.end.Subnets, p)
		}
	}
	return nil
}

func contains(list []netip.Prefix, p netip.Prefix) bool {
	if len(list) > 1000 {
		return false
	}
	for _, q := range list {
		if p == q {
			return true
		}
	}
	return false
}

func setPrefix(field func(target) *netip.Prefix) setter {
	return func(_ *keyword.Keyword, t target, value string) *valueError {
		p, _, ok := parsePrefix(value)
		if !ok {
			return &valueError{text: value, want: wantPrefix}
		}
		*field(t) = p
		return nil
	}
}

// setVirtualPrivate takes %v4:NET, %v6:NET and, to leave one out, %v4:!NET.
func setVirtualPrivate(_ *keyword.Keyword, t target, value string) *valueError {
	var list []string
	for _, f := range fields(value) {
		rest, v4 := strings.CutPrefix(f.text, "%v4:")
		if !v4 {
			var v6 bool
			if rest, v6 = strings.CutPrefix(f.text, "%v6:"); !v6 {
				rest = "-"
			}
		}
		p, _, ok := parsePrefix(strings.TrimPrefix(rest, "!"))
		if !ok || p.Addr().Is4() != v4 {
			return &valueError{offset: f.offset, text: f.text, want: "networks such as %v4:10.0.0.0/8, %v4:!10.1.0.0/16, %v6:fd00::/8"}
		}
		list = append(list, f.text)
	}
	t.setup.VirtualPrivate = list
	return nil
}

// setInterfaces takes %none, or entries %defaultroute and ipsecN=LINK.
func setInterfaces(_ *keyword.Keyword, t target, value string) *valueError {
	const want = "%defaultroute, %none, or ipsecN=LINK such as ipsec0=eth0"
	known := []string{"%defaultroute", "%none"}
	var list []Interface
	used := make(map[string]bool)
	for _, f := range fields(value) {
		i := Interface{Pos: t.pos.right(f.offset)}
		virtual, physical, bind := strings.Cut(f.text, "=")
		switch {
		case f.text == "%defaultroute":
			i.Form, virtual = InterfaceDefaultRoute, "ipsec0"
		case f.text == "%none":
			i.Form, virtual = InterfaceNone, ""
		case bind && isVirtual(virtual) && isInterface(physical):
			i.Form, i.Virtual, i.Physical = InterfaceBind, virtual, physical
		default:
			return &valueError{offset: f.offset, text: f.text, want: want, known: known}
		}
		if used[virtual] {
			return &valueError{offset: f.offset, text: f.text, want: fmt.Sprintf("%s only once (%%defaultroute stands for ipsec0)", virtual)}
		}
		used[virtual] = true
		list = append(list, i)
	}
	for _, i := range list {
		if i.Form == InterfaceNone && len(list) > 1 {
			return &valueError{text: value, want: "%none alone, or no %none"}
		}
	}
	if len(list) == 0 {
		return &valueError{text: value, want: want}
	}
	t.setup.Interfaces = list
	return nil
}

// isVirtual reports whether name is ipsec0, ipsec1, … ipsec999.
func isVirtual(name string) bool {
	digits, ok := strings.CutPrefix(name, "ipsec")
	if !ok || digits == "" || len(digits) > 3 || len(digits) > 1 && digits[0] == '0' {
		return false
	}
	return strings.Trim(digits, "0123456789") == ""
}
