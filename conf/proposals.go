package conf

import (
	"errors"
	"strings"

	"ipsec/conf/proposal"
)

// proposals is what the parser knows of the values of ike=, esp=, ah= and
// pfsgroup= that it has seen, by keyword and value: many conns have the same.
type proposals map[[2]string]checkedProposal

type checkedProposal struct {
	wrong *proposal.Error
	weak  []string
}

// check reads a value of that keyword.
func (seen proposals) check(keyword, value string) checkedProposal {
	key := [2]string{keyword, value}
	found, ok := seen[key]
	if ok {
		return found
	}
	var list proposal.List
	var err error
	switch keyword {
	case "ike":
		list, err = proposal.ParseIKE(value)
	case "esp":
		list, err = proposal.ParseESP(value)
	case "ah":
		list, err = proposal.ParseAH(value)
	case "pfsgroup":
		var groups []string
		groups, err = proposal.ParseGroup(value)
		for _, g := range groups {
			if proposal.IsWeak(g) {
				list.Weak = append(list.Weak, g)
			}
		}
	}
	found.weak = list.Weak
	errors.As(err, &found.wrong)
	seen[key] = found
	return found
}

// checkProposals checks what an automatically keyed connection offers, and
// warns of what is weak when the connection is to be loaded.
func (p *parser) checkProposals(c *Conn) {
	for _, q := range []struct{ keyword, value string }{{"ike", c.IKE}, {"esp", c.ESP}, {"ah", c.AH}, {"pfsgroup", c.PFSGroup}} {
		if q.value == "" {
			continue
		}
		checked := p.offers.check(q.keyword, q.value)
		at := c.At(q.keyword)
		if e := checked.wrong; e != nil {
			p.errorf(at.right(e.Offset), "malformed %s %s: expected %s%s", q.keyword, quote(e.Word), e.Want, suggest(e.Word, e.Known))
			continue
		}
		if len(checked.weak) > 0 && c.automatic() {
			p.warnf(at, "%s offers what can be broken: %s (RFC 8247)", q.keyword, strings.Join(checked.weak, ", "))
		}
	}
}
