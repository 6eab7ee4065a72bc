package planjson

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ipsec/conf/proposal"
	"ipsec/plan"
	"ipsec/pluto"
	"ipsec/pluto/whack/cmdline"
)

// Connection is what an AddConn loads, in fields that a rule of a reviewer can ask for. Empty texts and
// lists stand for what is not given, durations are seconds.
type Connection struct {
	Name             string     `json:"name"`
	Alias            string     `json:"alias"`
	Type             string     `json:"type"`     // as type= has it
	Protocol         string     `json:"protocol"` // esp or ah
	IKEVersions      []int      `json:"ike_versions"`
	Left             End        `json:"left"`
	Right            End        `json:"right"`
	AuthBy           []string   `json:"authby"`
	IKE              []Proposed `json:"ike"`
	Child            []Proposed `json:"child"`
	PFS              bool       `json:"pfs"`
	PFSGroup         string     `json:"pfsgroup"`
	Compress         bool       `json:"compress"`
	ForceEncaps      bool       `json:"forceencaps"`
	IKELifetime      int        `json:"ike_lifetime"`
	ChildLifetime    int        `json:"child_lifetime"`
	RekeyMargin      int        `json:"rekey_margin"`
	RekeyFuzz        int        `json:"rekey_fuzz"`
	KeyingTries      int        `json:"keying_tries"` // 0: without end
	Rekey            bool       `json:"rekey"`
	Reauth           bool       `json:"reauth"`
	DPDAction        string     `json:"dpd_action"`
	DPDDelay         int        `json:"dpd_delay"` // 0: never
	DPDTimeout       int        `json:"dpd_timeout"`
	FailureShunt     string     `json:"failure_shunt"`     // what packets meet after a failure: trap, pass, drop or reject
	NegotiationShunt string     `json:"negotiation_shunt"` // and while it negotiates: drop or pass
}

// End is left or right.
type End struct {
	Host       string   `json:"host"` // an address, a name, or %any
	ID         string   `json:"id"`
	Subnets    []string `json:"subnets"` // none: the host itself
	Within     string   `json:"within"`  // rightsubnetwithin=
	Virtual    string   `json:"virtual"` // vhost:… or vnet:…
	Proto      int      `json:"proto"`   // of the traffic; 0: any
	Port       int      `json:"port"`    // 0: any
	Auth       string   `json:"auth"`    // how this end proves itself, where the ends differ in that
	Cert       string   `json:"cert"`
	CA         string   `json:"ca"`
	PublicKeys []string `json:"public_keys"`
	NextHop    string   `json:"nexthop"`
	SourceIP   string   `json:"sourceip"`
	Updown     string   `json:"updown"` // a command of the user; empty: the routes are KLIPS's
}

// Proposed is a proposal: each list in order of preference.
type Proposed struct {
	Encryption []Cipher `json:"encryption"`
	Integrity  []string `json:"integrity"` // none with a cipher that authenticates by itself
	PRF        []string `json:"prf"`
	Groups     []string `json:"groups"`
	Weak       bool     `json:"weak"` // it has an algorithm or group that is no longer fit for use (RFC 8221, 8247)
}

// Cipher is an encryption algorithm; key_bits is 0 where it has but one length.
type Cipher struct {
	Name    string `json:"name"`
	KeyBits int    `json:"key_bits"`
}

// ConnectionOf returns what op loads; nil where Pluto would not understand its words.
func ConnectionOf(op plan.AddConn) *Connection {
	request, err := cmdline.Parse(append([]string{"--name", op.Name}, op.Args...))
	if err != nil || request.Add == nil {
		return nil
	}
	c := request.Add
	doc := &Connection{
		Name: c.Name, Alias: c.Alias, Type: c.Type(), Protocol: "esp", IKEVersions: []int{},
		Left: endOf(&c.Local), Right: endOf(&c.Remote), AuthBy: texts(c.AuthBy),
		IKE: proposals(c.IKE), Child: proposals(c.ESP), PFS: c.PFS, PFSGroup: c.PFSGroup, Compress: c.Compress, ForceEncaps: c.ForceEncaps,
		IKELifetime: seconds(c.IKELifetime), ChildLifetime: seconds(c.ChildLifetime), RekeyMargin: seconds(c.RekeyMargin), RekeyFuzz: c.RekeyFuzz,
		KeyingTries: c.KeyingTries, Rekey: c.Rekey, Reauth: c.Reauth,
		DPDAction: c.DPD.Action.String(), DPDDelay: seconds(c.DPD.Delay), DPDTimeout: seconds(c.DPD.Timeout),
		FailureShunt: c.FailureShunt.String(), NegotiationShunt: c.NegotiationShunt.String(),
	}
	if c.Protocol == pluto.AH {
		doc.Protocol = "ah"
	}
	for version, allowed := range []bool{c.Versions.IKEv1, c.Versions.IKEv2} {
		if allowed && c.Shunt == pluto.ShuntNone {
			doc.IKEVersions = append(doc.IKEVersions, version+1)
		}
	}
	return doc
}

func endOf(e *pluto.End) End {
	doc := End{
		Host: e.Host.String(), Subnets: []string{}, Virtual: e.Virtual, Proto: int(e.Proto), Port: int(e.Port), Auth: string(e.Auth),
		Cert: e.Cert, CA: e.CA, PublicKeys: texts(e.PublicKeys), NextHop: address(e.NextHop), SourceIP: address(e.SourceIP), Updown: e.Updown,
	}
	if !e.ID.IsZero() {
		doc.ID = e.ID.String()
	}
	for _, client := range e.Clients {
		doc.Subnets = append(doc.Subnets, client.String())
	}
	if e.Within.IsValid() {
		doc.Within = e.Within.String()
	}
	return doc
}

func proposals(list proposal.List) []Proposed {
	docs := []Proposed{}
	for _, p := range list.Proposals {
		doc := Proposed{Encryption: []Cipher{}, Integrity: texts(p.Integrity), PRF: texts(p.PRF), Groups: texts(p.Groups)}
		for _, e := range p.Encryption {
			doc.Encryption = append(doc.Encryption, Cipher(e))
			doc.Weak = doc.Weak || proposal.IsWeak(e.Name)
		}
		doc.Weak = doc.Weak || slices.ContainsFunc(slices.Concat(p.Integrity, p.PRF, p.Groups), proposal.IsWeak)
		docs = append(docs, doc)
	}
	return docs
}

// texts returns a list that is never null.
func texts[T ~string](list []T) []string {
	out := []string{}
	for _, v := range list {
		out = append(out, string(v))
	}
	return out
}

func seconds(d time.Duration) int { return int(d / time.Second) }

func address(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return fmt.Sprint(a)
}
