package plan

import (
	"fmt"
	"net/netip"
	"strings"
)

// hook is the updown command of a conn for one pair of subnets.
type hook struct {
	conn    string
	suffix  string // "-client", "-host", with "-v6" for IPv6: what follows the verb
	command string
	env     []string // but for PLUTO_VERB
}

// updown returns the op that runs the command for a verb: prepare, route, up,
// down or unroute.
func (h hook) updown(verb string) Updown {
	return Updown{Command: h.command, Env: append([]string{"PLUTO_VERB=" + verb + h.suffix}, h.env...)}
}

// String returns h as ipsec.info has it: words with a blank between them; a
// blank or % within a word is written as in a URL.
func (h hook) String() string {
	words := append([]string{h.conn, h.suffix, h.command}, h.env...)
	for i, w := range words {
		words[i] = escaper.Replace(w)
	}
	return strings.Join(words, " ")
}

// Read-only, and safe for concurrent use.
var (
	escaper   = strings.NewReplacer("%", "%25", " ", "%20")
	unescaper = strings.NewReplacer("%25", "%", "%20", " ")
)

func parseHook(words []string) (hook, bool) {
	if len(words) < 3 {
		return hook{}, false
	}
	for i, w := range words {
		words[i] = unescaper.Replace(w)
	}
	for _, e := range words[3:] {
		if name, _, ok := strings.Cut(e, "="); !ok || !strings.HasPrefix(name, "PLUTO_") {
			return hook{}, false
		}
	}
	return hook{conn: words[0], suffix: words[1], command: words[2], env: words[3:]}, true
}

// newHooks returns the hooks of m, one for each flow, with the environment
// that pluto(8) documents.
func (m *manualConn) newHooks() []hook {
	var list []hook
	for _, f := range m.flows {
		suffix := "-host"
		if len(m.us.end.Subnets) > 0 {
			suffix = "-client"
		}
		if f.Dst.Addr().Is6() {
			suffix += "-v6"
		}
		h := hook{conn: m.conn.Name, suffix: suffix, command: m.us.customUpdown()}
		set := func(name, value string) { h.env = append(h.env, "PLUTO_"+name+"="+value) }
		nexthop := m.nexthop
		if !nexthop.IsValid() {
			nexthop = m.them.addr
		}
		set("VERSION", "1.1")
		set("CONNECTION", m.conn.Name)
		set("NEXT_HOP", nexthop.String())
		set("INTERFACE", m.virtual)
		set("ME", m.us.addr.String())
		set("MY_ID", idText(m.us))
		setClient(set, "MY_CLIENT", f.Src)
		set("MY_PROTOCOL", fmt.Sprint(f.Proto))
		set("MY_PORT", fmt.Sprint(f.SrcPort))
		if src := m.us.end.SourceIP; src.IsValid() {
			set("MY_SOURCEIP", src.String())
		}
		set("PEER", m.them.addr.String())
		set("PEER_ID", idText(m.them))
		setClient(set, "PEER_CLIENT", f.Dst)
		set("PEER_PROTOCOL", fmt.Sprint(f.Proto))
		set("PEER_PORT", fmt.Sprint(f.DstPort))
		list = append(list, h)
	}
	return list
}

func setClient(set func(name, value string), name string, p netip.Prefix) {
	set(name, p.String())
	set(name+"_NET", p.Addr().String())
	set(name+"_MASK", mask(p).String())
}

func idText(s side) string {
	if s.end.ID != "" {
		return s.end.ID
	}
	return s.addr.String()
}

// mask returns the netmask of p.
func mask(p netip.Prefix) netip.Addr {
	b := make([]byte, p.Addr().BitLen()/8)
	for i := range p.Bits() {
		b[i/8] |= 0x80 >> (i % 8)
	}
	addr, _ := netip.AddrFromSlice(b)
	return addr
}
