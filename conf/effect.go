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

// checkStack warns of keywords that the chosen stack does not know.
func (p *parser) checkStack(stack string, params *Params, kind string) {
	if stack != "netkey" {
		return
	}
	for _, q := range params.List {
		k, _, ok := p.table.find(kind, q.Keyword)
		if ok && k.Stacks == KLIPS && !q.Pos.IsZero() && !p.unknown[k] {
			p.unknown[k] = true
			p.warnf(q.Pos, "%s has no effect with protostack=netkey", quote(q.Keyword))
		}
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
