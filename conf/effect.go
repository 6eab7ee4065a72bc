package conf

import "strings"

// plutoKeywords are the keywords of config setup that only Pluto knows.
const plutoKeywords = " plutodebug plutoopts plutostderrlog dumpdir plutowait plutorestartoncrash prepluto postpluto" +
	" uniqueids nocrsend strictcrlpolicy crlcheckinterval ocspuri nat_traversal virtual_private keep_alive" +
	" force_keepalive disable_port_floating nhelpers myid "

// withoutPluto warns of parameters that nobody reads where there is no Pluto.
func (p *parser) withoutPluto(setup []Param) {
	for _, param := range setup {
		if param.Value != "" && strings.Contains(plutoKeywords, " "+param.Keyword+" ") {
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

// negotiationKeywords are the keywords of a conn that only Pluto knows; those
// of an end have "left". An identity is not among them: a command in leftupdown
// is told of it.
const negotiationKeywords = " authby keyexchange ikev2 ike auth pfs pfsgroup ikelifetime keylife rekeymargin rekeyfuzz" +
	" keyingtries rekey aggrmode dpddelay dpdtimeout dpdaction failureshunt negotiationshunt modecfgpull xauthby" +
	" fragmentation reauth esn replay-window leftauth leftikeport" +
	" leftsubnetwithin leftfirewall leftrsasigkey leftrsasigkey2 leftecdsakey leftpubkey leftcert leftca leftsendcert leftgroups leftallowany" +
	" leftxauthserver leftxauthclient leftxauthusername leftmodecfgserver leftmodecfgclient "

// keyedByHand warns of parameters that only Pluto reads in a conn of which it
// never hears. Of those in %default and behind also= nothing is said: they are
// there for the sake of other conns, too.
func (p *parser) keyedByHand(conn *Conn) {
	own := p.sections[sectionKey{"conn", conn.Name}]
	if own == nil {
		return
	}
	for _, q := range own.params {
		if q.word != nil && q.value != "" && strings.Contains(negotiationKeywords, " "+q.word.Name+" ") && !p.unread[q.word] {
			p.unread[q.word] = true
			p.warnf(q.at, "%s has no effect in a manually keyed conn", quote(q.spelling()))
		}
	}
}
