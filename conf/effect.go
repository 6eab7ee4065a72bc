package conf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipsec/conf/keyword"
)

// Unmet is something that a conn asks for, that is not done here, and without which it would be another
// conn. A conn is not loaded that has one which counts for it, see Counts.
type Unmet struct {
	Diagnostic        // at the value
	Keyword    string // as a file would have it, "rightgroups"

	side       Side // where the keyword is of an end
	of         keyword.Whose
	negotiated bool // Pluto alone would do it
}

// Counts reports whether it matters for a conn that is keyed by hand, or that negotiates nothing, and on a
// host where ours is the end of this host; 0 where that is not known. A demand on the peer counts unless
// it is on our own end, and a demand on us where it is certain that it is.
func (u Unmet) Counts(negotiates bool, ours Side) bool {
	switch {
	case u.negotiated && !negotiates:
		return false
	case u.of == keyword.Peers:
		return u.side != ours
	case u.of == keyword.Ours:
		return u.side == ours
	}
	return true
}

// Refusal returns what to say of a conn that has those, the first of which gives the place; nil for none.
func Refusal(list []Unmet) *Diagnostic {
	if len(list) == 0 {
		return nil
	}
	d := list[0].Diagnostic
	var others []string
	for _, u := range list[1:] {
		if u.Keyword != list[0].Keyword && !slices.Contains(others, u.Keyword+"=") {
			others = append(others, u.Keyword+"=")
		}
	}
	if len(others) > 0 {
		d.Text += "; in its way, too: " + strings.Join(others, ", ")
	}
	return &d
}

// unmet notes what is essential of the parameters in force of a conn and is not done here.
func (c *Conn) unmet(params []param) {
	for i := range params {
		q := &params[i]
		if q.word == nil || q.bad {
			continue
		}
		r := q.word.On(q.value)
		if r.Effect != keyword.Essential || r.Signed && !c.signs() {
			continue
		}
		c.Unmet = append(c.Unmet, Unmet{Diagnostic{Pos: q.pos, Text: q.says(r)}, q.spelling(), q.side, r.Of, q.word.Pluto})
	}
	for _, s := range []Side{Left, Right} {
		if network := slices.IndexFunc(c.End(s).Subnets, func(p netip.Prefix) bool { return !p.IsSingleIP() }); c.Type == Transport && network >= 0 {
			c.Unmet = append(c.Unmet, Unmet{Diagnostic: Diagnostic{Pos: c.At(s.String() + "subnet"), Text: fmt.Sprintf("%ssubnet=%s: with type=transport "+
				"a conn is for the hosts at its ends alone: expected type=tunnel, or no network", s, c.End(s).Subnets[network])}, Keyword: s.String() + "subnet", negotiated: true})
		}
	}
	if c.Type == Tunnel && !c.FullTunnel && AllAddresses(c.Left.Subnets) && AllAddresses(c.Right.Subnets) {
		c.Unmet = append(c.Unmet, Unmet{Diagnostic: Diagnostic{Pos: c.At("rightsubnet"), Text: "both ends have all addresses (0.0.0.0/0), so that every packet of this host " +
			"would be led into the conn, its own connections to whoever administers it, too: expected a network at one end, or fulltunnel=yes"}, Keyword: "rightsubnet"})
	}
}

// Ours returns the end that is this host's whatever host it is; 0 where that depends on its addresses.
func (c *Conn) Ours() Side {
	for _, s := range []Side{Left, Right} {
		other := c.End(s.Other()).Host
		if c.End(s).Host.Form == HostDefaultRoute || other.Form == HostAny && other.Name == "" && c.End(s).Host.Form != HostAny {
			return s
		}
	}
	return 0
}

// AllAddresses reports whether networks have all addresses of a family among them, in one piece or in two halves.
func AllAddresses(networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool {
		other := func(q netip.Prefix) bool {
			return p.Bits() == 1 && q.Bits() == 1 && p != q && p.Addr().Is4() == q.Addr().Is4()
		}
		return p.Bits() == 0 || slices.ContainsFunc(networks, other)
	})
}

// signs reports whether an end may prove itself by a signature.
func (c *Conn) signs() bool {
	methods := []string{c.Left.Auth, c.Right.Auth}
	if c.Left.Auth == "" || c.Right.Auth == "" {
		methods = append(methods, strings.Split(c.AuthBy, "|")...)
	}
	return slices.ContainsFunc(methods, func(m string) bool { return m != "" && m != "secret" && m != "null" && m != "never" })
}

// says returns what there is to say of a value.
func (p *param) says(r keyword.Ruling) string {
	shown := p.value
	if len(shown) > maxShown {
		shown = "…"
	}
	return fmt.Sprintf("%s=%s: %s", p.spelling(), shown, r.Why)
}

// maxShown bounds a value that is shown in a message.
const maxShown = 40

// judge says of each parameter of the files what becomes of it, where it does not act: once for each
// keyword and reason. Of what is essential to a conn, the conns tell.
func (p *parser) judge(setup *Setup) {
	for _, s := range p.order {
		for i := range s.params {
			q := &s.params[i]
			if q.word == nil || q.bad || q.value == "" || q.at.IsZero() {
				continue
			}
			r := q.word.On(q.value)
			switch once := (said{q.word, r.Why}); {
			case r.Effect == keyword.Acts, s.kind == "config" && q.word.Pluto && !setup.Pluto:
			case r.Effect == keyword.Essential && s.kind == "config":
				p.errorf(q.pos, "%s", q.says(r))
			case r.Effect == keyword.Essential, p.said[once]:
			default:
				p.said[once] = true
				list := &p.warnings
				if r.Effect == keyword.Harmless {
					list = &p.harmless
				}
				in := ""
				if s.kind == "ca" {
					in = s.String() + ": "
				}
				p.add(list, Diagnostic{Pos: q.at, Text: in + q.says(r)})
			}
		}
	}
}

// said is what has been said of a keyword.
type said struct {
	word *keyword.Keyword
	why  string
}

// Remarks returns what a person is told who has a configuration used: its warnings, and in one line which
// values have no effect and are not missed either. The details of those are Harmless.
func (c *Config) Remarks() []Diagnostic {
	list := slices.Clone(c.Warnings)
	if len(c.Harmless) == 0 {
		return list
	}
	const most = 3
	var words []string
	for _, d := range c.Harmless {
		word, _, _ := strings.Cut(d.Text, "=")
		if word += "="; !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	what := strings.Join(words, ", ")
	if n := len(words); n > most+1 {
		what = fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), n-most)
	}
	return append(list, Diagnostic{Pos: c.Harmless[0].Pos, Text: what + ": without effect here, and nothing depends on it; ipsec verify says why"})
}

// withoutPluto warns of parameters that nobody reads where there is no Pluto.
func (p *parser) withoutPluto(setup []Param) {
	for _, param := range setup {
		if k, _, ok := p.table.Find("config", param.Keyword); ok && k.Pluto && param.Value != "" {
			p.warnf(param.Pos, "%s has no effect with pluto=no", quote(param.Keyword))
		}
	}
}

// keyedByHand warns of parameters that only Pluto reads in a conn of which it
// never hears. Of those in %default and behind also= nothing is said: they are
// there for the sake of other conns, too.
func (p *parser) keyedByHand(conn *Conn) {
	own := p.sections[sectionKey{"conn", conn.Name}]
	if own == nil {
		return
	}
	for _, q := range own.params {
		if q.word != nil && q.value != "" && q.word.Pluto && !p.unread[q.word] && (q.word.Effect == keyword.Acts || q.word.Effect == keyword.Essential) {
			p.unread[q.word] = true
			p.warnf(q.at, "%s has no effect in a manually keyed conn", quote(q.spelling()))
		}
	}
}
