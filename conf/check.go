package conf

import (
	"fmt"
	"slices"
	"strings"

	"ipsec/conf/manualkey"
	"ipsec/conf/secret"
)

// checkAll reports what is wrong between parameters.
func (p *parser) checkAll(c *Config) {
	manual, names := make(map[string]bool), make(map[string]bool, len(c.Conns))
	for _, conn := range c.Conns {
		names[conn.Name] = true
	}
	for _, name := range c.Setup.ManualStart {
		manual[name] = true
		if !names[name] {
			p.errorf(c.Setup.At("manualstart"), "malformed manualstart: there is no conn %s%s", quote(name), suggest(name, p.namesOf("conn")))
		}
	}
	if !c.Setup.Pluto {
		p.withoutPluto(c.Setup.List)
	}
	p.judge(&c.Setup)
	for _, way := range c.Setup.NoOffload {
		if slices.Contains(c.Setup.Offload, way) || way == "all" && len(c.Setup.Offload) > 0 {
			p.errorf(c.Setup.At("offload"), "offload=%s contradicts nooffload=%s: expected one of them", strings.Join(c.Setup.Offload, " "), way)
		}
	}
	for _, conn := range c.Conns {
		diagnostics := conn.checkHosts()
		for _, side := range conn.Missing() {
			if conn.Auto != AutoIgnore && conn.Auto != AutoManual {
				p.warnf(conn.Pos, "conn %s has auto=%s and no %s, and so cannot be loaded", conn.Name, conn.Auto, side)
			}
		}
		if conn.Auto == AutoManual || manual[conn.Name] {
			diagnostics = append(diagnostics, conn.CheckManual()...)
			if enc, auth, _, err := manualkey.ParseESP(conn.ESP); err == nil && auth == "" && !manualkey.IsAEAD(enc) {
				p.errorf(conn.At("esp"), "esp=%s encrypts and does not authenticate, which KLIPS refuses (RFC 8221): expected an authenticator beside it, as in %s-sha1", conn.ESP, conn.ESP)
			}
			if conn.Auto == AutoManual || conn.Auto == AutoIgnore {
				p.keyedByHand(conn)
			}
		} else {
			diagnostics = append(diagnostics, conn.checkKeys()...)
			if conn.Auto == AutoIgnore && conn.hasManualKeying() {
				diagnostics = append(diagnostics, conn.checkAlgorithms()...)
			} else {
				p.checkProposals(conn)
			}
		}
		for _, d := range diagnostics {
			p.add(&p.errors, d)
		}
	}
	p.meantForIKEv1(c)
}

// Missing returns the sides that have no host. Such a conn is there for the
// sake of those that say also=; with auto= it cannot be loaded, which Load
// warns of.
func (c *Conn) Missing() []Side {
	var list []Side
	for _, s := range []Side{Left, Right} {
		if c.End(s).Host.Form == HostUnset {
			list = append(list, s)
		}
	}
	return list
}

// checkHosts checks the ends of a connection against each other.
func (c *Conn) checkHosts() []Diagnostic {
	var list []Diagnostic
	report := func(pos Pos, format string, args ...any) {
		if pos.IsZero() {
			pos = c.Pos
		}
		list = append(list, Diagnostic{Pos: pos, Text: fmt.Sprintf(format, args...)})
	}
	l, r := c.Left.Host, c.Right.Host
	switch {
	case l.Form == HostDefaultRoute && r.Form == HostDefaultRoute:
		report(c.At("right"), "left and right cannot both be %%defaultroute")
	case l.Form == HostAddr && r.Form == HostAddr && l.Addr.Is4() != r.Addr.Is4():
		report(c.At("right"), "left is %s and right is %s: expected both IPv4 or both IPv6", l.Addr, r.Addr)
	case l.Form == HostAddr && l == r:
		report(c.At("right"), "left and right are both %s", l.Addr)
	}
	for _, s := range []Side{Left, Right} {
		if e := c.End(s); e.NextHop.Form == HostAddr && e.NextHop == e.Host {
			report(c.At(s.String()+"nexthop"), "%snexthop and %s are both %s", s, s, e.Host.Addr)
		}
	}
	return list
}

// CheckManual returns what keeps the connection from being brought up with
// manual keying, ipsec_manual(8). Load has checked those with auto=manual and
// those that manualstart names; another must be checked before it is used.
func (c *Conn) CheckManual() []Diagnostic {
	list := c.checkKeys()
	report := func(keyword, format string, args ...any) {
		pos := c.At(keyword)
		if pos.IsZero() {
			pos = c.Pos
		}
		d := Diagnostic{Pos: pos, Text: fmt.Sprintf(format, args...)}
		if !slices.Contains(list, d) {
			list = append(list, d)
		}
	}
	for _, s := range []Side{Left, Right} {
		switch form := c.End(s).Host.Form; form {
		case HostAddr, HostName, HostDefaultRoute:
		case HostUnset:
			report("", "manually keyed conn %s has no %s", c.Name, s)
		default:
			report(s.String(), "manually keyed conn %s needs an address in %s", c.Name, s)
		}
		if virtual := c.End(s).Virtual; virtual != "" {
			report(s.String()+"subnet", "manually keyed conn %s needs the networks themselves in %ssubnet, and not %s", c.Name, s, quote(virtual))
		}
		if c.Type == Transport && len(c.End(s).Subnets) > 0 {
			report(s.String()+"subnet", "%ssubnet does not go with type=transport", s)
		}
	}
	if c.Type != Tunnel && c.Type != Transport {
		if c.ESP != "" || c.AH != "" {
			report("type", "manually keyed conn %s has type=%s: expected neither esp nor ah with it", c.Name, c.Type)
		}
		return list
	}
	switch {
	case c.ESP == "" && c.AH == "":
		report("", "manually keyed conn %s has neither esp nor ah", c.Name)
	case c.SPI != 0 && c.SPIBase != 0:
		report("spibase", "spi and spibase are both given: expected one of them")
	case c.SPI == 0 && c.SPIBase == 0:
		report("", "manually keyed conn %s has neither spi nor spibase", c.Name)
	}
	list = append(list, c.checkAlgorithms()...)
	c.checkMissing(report)
	return list
}

// checkAlgorithms checks that esp= and ah= have the form of manual keying.
func (c *Conn) checkAlgorithms() []Diagnostic {
	var list []Diagnostic
	if _, _, _, err := manualkey.ParseESP(c.ESP); c.ESP != "" && err != nil {
		list = append(list, Diagnostic{Pos: c.At("esp"), Text: err.Error()})
	}
	if _, err := manualkey.ParseAH(c.AH); c.AH != "" && err != nil {
		list = append(list, Diagnostic{Pos: c.At("ah"), Text: err.Error()})
	}
	return list
}

// hasManualKeying reports whether keys or SPIs are given, so that esp= and ah=
// are to be read as manual keying has them.
func (c *Conn) hasManualKeying() bool {
	return c.hasKeys() || c.SPI != 0 || c.SPIBase != 0 ||
		c.Left.ESPSPI != 0 || c.Right.ESPSPI != 0 || c.Left.AHSPI != 0 || c.Right.AHSPI != 0
}

// checkMissing reports the keys that the algorithms need and nothing gives.
func (c *Conn) checkMissing(report func(keyword, format string, args ...any)) {
	cipher, espAuth, _, _ := manualkey.ParseESP(c.ESP)
	ahAuth, _ := manualkey.ParseAH(c.AH)
	for _, s := range []Side{Left, Right} {
		enc, auth, ah := c.Keys(s)
		for _, n := range []struct {
			needed            bool
			key               secret.Text
			keyword, of, name string
		}{
			{cipher != "" && cipher != "null", enc, "espenckey", "esp", c.ESP},
			{espAuth != "", auth, "espauthkey", "esp", c.ESP},
			{ahAuth != "", ah, "ahkey", "ah", c.AH},
		} {
			if n.needed && !n.key.IsSet() {
				report(n.of, "%s=%s needs %s, or both left%s and right%s: there is none for the SA towards %s", n.of, n.name, n.keyword, n.keyword, n.keyword, s)
			}
		}
	}
}

// checkKeys checks the length of each key against its algorithm, where that
// is one for manual keying.
func (c *Conn) checkKeys() []Diagnostic {
	if !c.hasKeys() {
		return nil
	}
	var list []Diagnostic
	check := func(s Side, name string, own, key secret.Text, sizes []int, algorithm string) {
		if !key.IsSet() {
			return
		}
		bytes, err := key.Decode()
		if err != nil || slices.Contains(sizes, len(bytes)) {
			return
		}
		at := c.At(name)
		if own.IsSet() {
			name = s.String() + name
			at = c.At(name)
		}
		d := Diagnostic{Pos: at, Text: fmt.Sprintf("malformed %s: expected %s for %s, found %d bits", name, bitSizes(sizes), algorithm, 8*len(bytes))}
		if !slices.Contains(list, d) {
			list = append(list, d)
		}
	}
	cipher, espAuth, bits, espErr := manualkey.ParseESP(c.ESP)
	ahAuth, ahErr := manualkey.ParseAH(c.AH)
	for _, s := range []Side{Left, Right} {
		enc, auth, ah := c.Keys(s)
		if espErr == nil {
			check(s, "espenckey", c.End(s).ESPEncKey, enc, cipherSizes(cipher, bits), cipher)
			sizes := []int{manualkey.AuthLen(espAuth)}
			if espAuth == "" {
				sizes, espAuth = nil, c.ESP
			}
			check(s, "espauthkey", c.End(s).ESPAuthKey, auth, sizes, espAuth)
		}
		if ahErr == nil {
			check(s, "ahkey", c.End(s).AHKey, ah, []int{manualkey.AuthLen(ahAuth)}, ahAuth)
		}
	}
	return list
}

// hasKeys reports whether any key is given.
func (c *Conn) hasKeys() bool {
	for _, s := range []Side{Left, Right} {
		if enc, auth, ah := c.Keys(s); enc.IsSet() || auth.IsSet() || ah.IsSet() {
			return true
		}
	}
	return false
}

// cipherSizes returns the sizes in bytes of a cipher's key with its salt, of
// those that have bits in the key proper; bits 0 means any.
func cipherSizes(cipher string, bits int) []int {
	if cipher == "null" {
		return nil
	}
	var list []int
	for _, n := range manualkey.CipherLens(cipher) {
		if bits == 0 || 8*(n-manualkey.SaltLen(cipher)) == bits {
			list = append(list, n)
		}
	}
	return list
}

func bitSizes(sizes []int) string {
	if len(sizes) == 0 {
		return "no key"
	}
	var words []string
	for _, n := range sizes {
		words = append(words, fmt.Sprint(8*n))
	}
	return oneOf(words) + " bits"
}
