package conf

import "strings"

// withoutPluto warns of parameters that nobody reads where there is no Pluto.
func (p *parser) withoutPluto(setup []Param) {
	for _, param := range setup {
		if k, _, ok := p.table.Find("config", param.Keyword); ok && k.Pluto && !k.Foreign && param.Value != "" {
			p.warnf(param.Pos, "%s has no effect with pluto=no", quote(param.Keyword))
		}
	}
}

// idleKeywords are those that this Pluto takes and has no use for: it has one
// worker, moves to port 4500 as IKEv2 does, and fetches nothing from the network.
const idleKeywords = " disable_port_floating nhelpers crlcheckinterval ocspuri "

// withPluto warns of parameters that have no effect although there is a Pluto.
func (p *parser) withPluto(setup []Param) {
	for _, param := range setup {
		switch {
		case param.Pos.IsZero():
		case strings.Contains(idleKeywords, " "+param.Keyword+" "):
			p.warnf(param.Pos, "%s has no effect here", quote(param.Keyword))
		case param.Keyword == "nat_traversal" && param.Value == "no":
			p.warnf(param.Pos, "nat_traversal=no has no effect here: IKEv2 always looks for NAT")
		}
	}
}

// checkStack warns of a stack that files of other programs ask for and this one
// does not use: it carries packets with KLIPS, on any kernel.
func (p *parser) checkStack(setup *Setup) {
	if setup.Protostack == "netkey" {
		p.warnf(setup.At("protostack"), "protostack=netkey has no effect: this program carries packets with KLIPS")
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
		if q.word != nil && q.value != "" && q.word.Pluto && !p.unread[q.word] {
			p.unread[q.word] = true
			p.warnf(q.at, "%s has no effect in a manually keyed conn", quote(q.spelling()))
		}
	}
}
