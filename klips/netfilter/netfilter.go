// Package netfilter tells whether a rule of netfilter could look at the raw ESP that
// a link carries. What goes past netfilter, by AF_XDP or AF_PACKET, must not do so
// where one could: the rule would count and drop nothing, and nobody would know.
//
// It errs to one side: a rule that is not understood could look at ESP.
package netfilter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Own is the table that KLIPS's own guard has in the family inet. It knows of KLIPS,
// so that it is no reason for anything.
const Own = "ipsec_guard"

// A Ruleset is what the rules of a network namespace need of a packet, as far as it
// matters for ESP that begins or ends on this host.
type Ruleset struct {
	Unread string // why it is not known, for a person; "" where it is
	Chains []Chain
}

// A Hook is where in the kernel a chain sees packets.
type Hook uint8

// The hooks that see packets of this host's own.
const (
	None Hook = iota // of a chain that others jump to, or that sees what is forwarded
	Ingress
	Prerouting
	Input
	Output
	Postrouting
	Egress
)

// String returns the name that nft(8) has for it.
func (h Hook) String() string {
	return [...]string{"none", "ingress", "prerouting", "input", "output", "postrouting", "egress"}[h]
}

// A Family is a version of IP, or any.
type Family uint8

// The families.
const (
	Any  Family = 0
	IPv4 Family = 4
	IPv6 Family = 6
)

// A Chain is a list of rules.
type Chain struct {
	Table   string // as a person names it, such as "inet filter"; chains of one table jump to each other
	Name    string
	Family  Family // of the packets that it sees
	Hook    Hook
	Devices []string // the links that a chain of Ingress or Egress is for; none: all
	Drops   bool     // its policy is to drop
	Rules   []Rule
}

// A Rule does something with the packets that have all that it needs.
type Rule struct {
	Handle uint64 // by which nft(8) names it, or its number in the chain
	Needs  []Need
	Jumps  string // the chain of the same table where such packets go; "" for none
	Acts   bool   // it does more with them than to let them jump, or it is not known what
}

// A Field is something about a packet.
type Field uint8

// The fields that ESP and its link decide.
const (
	Version   Field = iota + 1 // of IP: Value is 4 or 6
	Protocol                   // behind all headers of IP: Value
	Protocol4                  // of the header of IPv4, which says nothing of IPv6: Value
	Protocol6                  // the next header of the header of IPv6: Value
	InIndex                    // the link that it came in by: Value
	OutIndex                   // the link that it leaves by: Value
	InName                     // the name of the former: Name
	OutName                    // the name of the latter: Name
)

// A Need is what a packet must have, or with Not must not have, to meet a rule.
type Need struct {
	Field  Field
	Not    bool
	Value  uint32
	Name   string // of a link
	Prefix bool   // the name of the link begins with Name
}

// A Link is a physical interface.
type Link struct {
	Name  string
	Index int
	// Master is the name of the device that rules may see in place of it, as that of
	// a VRF; "" for none, and MasterIndex is its index.
	Master      string
	MasterIndex int
}

// A Verdict names the rules that could look at raw ESP, for a person; "" for none.
type Verdict struct {
	In     string // what comes in: by ingress, prerouting or input
	Out    string // what leaves, in the kernel's stack: by output or postrouting
	Egress string // and on the link: by egress
}

// First returns the first of the rules; "" where there is none.
func (v Verdict) First() string {
	for _, rule := range []string{v.In, v.Out, v.Egress} {
		if rule != "" {
			return rule
		}
	}
	return ""
}

// Of returns which rules could look at raw ESP that comes in by a link, or leaves by it.
func (r *Ruleset) Of(l Link) Verdict {
	if r.Unread != "" {
		why := "netfilter's rules, which are not known (" + r.Unread + "),"
		return Verdict{In: why, Out: why, Egress: why}
	}
	named := make(map[[2]string]*Chain, len(r.Chains))
	for i := range r.Chains {
		named[[2]string{r.Chains[i].Table, r.Chains[i].Name}] = &r.Chains[i]
	}
	in, out := walk{rules: r, named: named, link: l, inbound: true}, walk{rules: r, named: named, link: l}
	return Verdict{In: in.first(Ingress, Prerouting, Input), Out: out.first(Output, Postrouting), Egress: out.first(Egress)}
}

// espProtocol is the number of ESP in headers of IP, RFC 4303.
const espProtocol = 50

// A walk goes through the chains for the packets of one direction.
type walk struct {
	rules   *Ruleset
	named   map[[2]string]*Chain // by table and name
	link    Link
	inbound bool
	been    map[*Chain]bool // where no rule has been found
}

// first returns the first rule, or policy, in the chains of those hooks.
func (w *walk) first(hooks ...Hook) string {
	w.been = map[*Chain]bool{}
	for i := range w.rules.Chains {
		c := &w.rules.Chains[i]
		if !slices.Contains(hooks, c.Hook) || len(c.Devices) > 0 && !slices.Contains(c.Devices, w.link.Name) {
			continue
		}
		if found := w.in(c, c.Hook); found != "" {
			return found
		}
		if c.Drops {
			return "the policy of " + c.place(c.Hook)
		}
	}
	return ""
}

func (w *walk) in(c *Chain, from Hook) string {
	if w.been[c] {
		return ""
	}
	w.been[c] = true
	for _, r := range c.Rules {
		if !w.meets(c, r) {
			continue
		}
		if r.Acts {
			return fmt.Sprintf("rule %d of %s", r.Handle, c.place(from))
		}
		if next := w.named[[2]string{c.Table, r.Jumps}]; next != nil {
			if found := w.in(next, from); found != "" {
				return found
			}
		}
	}
	return ""
}

// place names the chain, as a part of the way of packets from a hook, for a person.
func (c *Chain) place(from Hook) string {
	return fmt.Sprintf("the chain %s (%s) in table %s", printable(c.Name), from, printable(c.Table))
}

// printable returns a name as it is, or quoted where a terminal would not print it so:
// the kernel takes any bytes.
func printable(name string) string {
	if quoted := strconv.Quote(name); quoted[1:len(quoted)-1] != name {
		return quoted
	}
	return name
}

// meets reports whether a packet of ESP, in either version of IP, could meet the rule.
func (w *walk) meets(c *Chain, r Rule) bool {
	for _, version := range []Family{IPv4, IPv6} {
		if c.Family != Any && c.Family != version {
			continue
		}
		if !slices.ContainsFunc(r.Needs, func(n Need) bool { return !w.could(n, version) }) {
			return true
		}
	}
	return false
}

// could reports whether ESP of that version of IP could have what is needed.
func (w *walk) could(n Need, version Family) bool {
	is := func(same bool) bool { return same != n.Not }
	switch n.Field {
	case Version:
		return is(n.Value == uint32(version))
	case Protocol:
		return is(n.Value == espProtocol)
	case Protocol4:
		return version != IPv4 || is(n.Value == espProtocol)
	case Protocol6:
		return version != IPv6 || is(n.Value == espProtocol)
	case InIndex, OutIndex:
		if w.inbound != (n.Field == InIndex) {
			return true
		}
		return is(n.Value == uint32(w.link.Index)) || w.link.Master != "" && is(n.Value == uint32(w.link.MasterIndex))
	case InName, OutName:
		if w.inbound != (n.Field == InName) {
			return true
		}
		return is(n.names(w.link.Name)) || w.link.Master != "" && is(n.names(w.link.Master))
	}
	return true
}

func (n Need) names(link string) bool {
	return n.Name == link || n.Prefix && strings.HasPrefix(link, n.Name)
}
