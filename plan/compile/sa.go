package compile

import (
	"net/netip"
	"strings"

	"ipsec/conf"
	"ipsec/conf/manualkey"
	"ipsec/klips"
	"ipsec/klips/chain"
	"ipsec/klips/said"
	"ipsec/plan"
)

// bundle is the SAs of one direction of a manual conn.
type bundle struct {
	ids  []said.SAID // innermost first
	adds []plan.Op
}

// Replay windows of manual conns that give none.
const defaultReplayWindow = 64

// target is what the eroute of m leads to: its first outbound SA, or the shunt
// of its type.
func (m *manualConn) target() said.SAID {
	switch m.conn.Type {
	case conf.Passthrough:
		return said.Shunt(said.SPIPass)
	case conf.Drop:
		return said.Shunt(said.SPIDrop)
	case conf.Reject:
		return said.Shunt(said.SPIReject)
	}
	return m.out.ids[0]
}

// counterMode reports whether the cipher of m fails when a counter repeats
// under one key.
func (m *manualConn) counterMode() bool {
	return strings.HasPrefix(m.cipher, "aesgcm") || strings.HasPrefix(m.cipher, "aesccm") || m.cipher == "aesctr" || m.cipher == "chacha20poly1305"
}

// spis are the SPIs of one direction, 0 where it has no such SA.
type spis struct{ tun, comp, esp, ah uint32 }

// bundles fills in the SAs of both directions. The diagnostic says what of
// the configuration stands in the way. Algorithms and keys have been checked
// by conf.Conn.CheckManual.
func (c *resolver) bundles(m *manualConn) *conf.Diagnostic {
	conn := m.conn
	if isShunt(conn) {
		return nil
	}
	if conn.ESP == "" && conn.AH == "" {
		return remark(conn.Pos, "neither esp= nor ah= is given; a manually keyed conn needs one of them")
	}
	cipher, known := c.ciphers[conn.ESP]
	if !known {
		cipher, _, _, _ = manualkey.ParseESP(conn.ESP)
		c.ciphers[conn.ESP] = cipher
	}
	m.cipher = cipher
	out, in := number(conn, m.us.name == "left")
	if m.them.end.ESPSPI != 0 {
		out.esp = m.them.end.ESPSPI
	}
	if m.them.end.AHSPI != 0 {
		out.ah = m.them.end.AHSPI
	}
	if m.us.end.ESPSPI != 0 {
		in.esp = m.us.end.ESPSPI
	}
	if m.us.end.AHSPI != 0 {
		in.ah = m.us.end.AHSPI
	}
	var bad *conf.Diagnostic
	if m.out, bad = c.bundle(conn, m.us.addr, m.them.addr, out); bad != nil {
		return bad
	}
	m.in, bad = c.bundle(conn, m.them.addr, m.us.addr, in)
	return bad
}

// number assigns SPIs to the SAs of conn, as ipsec_manual(8) has it: spi=
// serves them all, since each protocol and address has numbers of its own; of
// spibase= the last digit counts up by two, even from left to right and odd
// from right to left, over tun, esp and ah, those that there are.
func number(conn *conf.Conn, weAreLeft bool) (out, in spis) {
	even, odd := conn.SPIBase, conn.SPIBase+1
	next := func() (uint32, uint32) {
		a, b := even, odd
		if conn.SPIBase == 0 {
			return conn.SPI, conn.SPI
		}
		even, odd = even+2, odd+2
		if weAreLeft {
			return a, b
		}
		return b, a
	}
	if conn.Type == conf.Tunnel || conn.Type == "" {
		out.tun, in.tun = next()
	}
	if conn.ESP != "" {
		out.esp, in.esp = next()
	}
	if conn.AH != "" {
		out.ah, in.ah = next()
	}
	if conn.Compress {
		out.comp, in.comp = next()
	}
	return out, in
}

// bundle returns the SAs from src to dst, in the order of KLIPS, innermost first.
func (c *resolver) bundle(conn *conf.Conn, src, dst netip.Addr, n spis) (bundle, *conf.Diagnostic) {
	var b bundle
	var bad *conf.Diagnostic
	add := func(proto said.Proto, spi uint32, op func(said.SAID) plan.Op) {
		id := said.SAID{Dst: dst, SPI: spi, Proto: proto}
		switch other, taken := c.saids[id]; {
		case bad != nil:
		case spi == 0:
			bad = remark(conn.Pos, "neither spi= nor spibase= is given; a manually keyed conn needs one of them")
		case taken:
			bad = remark(posOr(posOr(conn.At("spi"), conn.At("spibase")), conn.Pos), "%s is already an SA of conn %q; choose another spi", id, other)
		}
		b.ids, b.adds = append(b.ids, id), append(b.adds, op(id))
	}
	window := func(n int) int {
		if n < 0 {
			return defaultReplayWindow
		}
		return n
	}
	for _, proto := range chain.Order() {
		switch {
		case proto == said.IPIP && (conn.Type == conf.Tunnel || conn.Type == ""):
			add(proto, n.tun, func(id said.SAID) plan.Op { return plan.AddTunnel{SAID: id, Src: src, Dst: dst} })
		case proto == said.COMP && conn.Compress:
			if n.comp > 0xffff {
				return b, remark(posOr(conn.At("compress"), conn.Pos), "compress=yes with an SPI of 0x%x: IPCOMP numbers its SAs with 16 bits; choose an spi of at most 0xffff", n.comp)
			}
			add(proto, n.comp, func(id said.SAID) plan.Op { return plan.AddComp{SAID: id, Src: src} })
		case proto == said.ESP && conn.ESP != "":
			add(proto, n.esp, func(id said.SAID) plan.Op {
				sa := plan.AddSA{SAID: id, Src: src, Algorithm: conn.ESP, ReplayWindow: window(conn.ESPReplayWindow), KeysOf: conn.Name}
				if conn.ForceEncaps {
					sa.EncapSrc, sa.EncapDst = klips.EncapPort, klips.EncapPort
				}
				return sa
			})
		case proto == said.AH && conn.AH != "":
			add(proto, n.ah, func(id said.SAID) plan.Op {
				return plan.AddSA{SAID: id, Src: src, Algorithm: conn.AH, ReplayWindow: window(conn.AHReplayWindow), KeysOf: conn.Name}
			})
		}
	}
	if bad == nil {
		for _, id := range b.ids {
			c.saids[id] = conn.Name
		}
	}
	return b, bad
}
