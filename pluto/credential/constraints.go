package credential

import (
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"strings"

	"ipsec/conf/identity"
)

// The name constraints of a CA (RFC 5280 §4.2.1.10) on DNS names, addresses, URIs and the email addresses of
// subjectAltName are crypto/x509's to hold. Here are the others: on directory names, and on the
// email addresses in a subject. They hold whether or not the extension is critical.

var (
	oidNameConstraints = asn1.ObjectIdentifier{2, 5, 29, 30}
	oidSubjectAltName  = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidEmailAddress    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
)

// The tags of GeneralName.
const (
	tagEmail     = 1
	tagDNS       = 2
	tagDirectory = 4
	tagURI       = 6
	tagIP        = 7
)

// subtree is GeneralSubtree. That Minimum and Maximum are not used, RFC 5280 says.
type subtree struct {
	Base    asn1.RawValue
	Minimum int `asn1:"optional,tag:0,default:0"`
	Maximum int `asn1:"optional,tag:1,default:-1"`
}

// constraints are those of one CA.
type constraints struct {
	Permitted []subtree `asn1:"optional,tag:0"`
	Excluded  []subtree `asn1:"optional,tag:1"`
}

// constraintsOf reads the name constraints of a CA; none where it has none.
func constraintsOf(ca *x509.Certificate) (constraints, *Error) {
	var c constraints
	for _, e := range ca.Extensions {
		if !e.Id.Equal(oidNameConstraints) {
			continue
		}
		rest, err := asn1.Unmarshal(e.Value, &c)
		if err != nil || len(rest) > 0 {
			return c, fail(BadCert, "", "CA \"%s\" has malformed name constraints", name(ca.RawSubject))
		}
		for _, s := range slices.Concat(c.Permitted, c.Excluded) {
			if s.Minimum != 0 || s.Maximum != -1 || s.Base.Class != asn1.ClassContextSpecific {
				return c, fail(BadCert, "", "CA \"%s\" has name constraints of a form that RFC 5280 does not have", name(ca.RawSubject))
			}
		}
	}
	return c, nil
}

// knownConstraints returns cert as crypto/x509 is to see it: the name constraints that it does not know, and
// for which it would refuse a critical extension, are held here.
func knownConstraints(cert *x509.Certificate) *x509.Certificate {
	i := slices.IndexFunc(cert.UnhandledCriticalExtensions, oidNameConstraints.Equal)
	if i < 0 {
		return cert
	}
	seen := *cert
	seen.UnhandledCriticalExtensions = slices.Delete(slices.Clone(cert.UnhandledCriticalExtensions), i, i+1)
	return &seen
}

// constrained checks the names of a chain, leaf first, against what each CA above lets those
// below it be called. A CA that has issued itself anew is not called by it (RFC 5280 §6.1.4).
func constrained(chain []*x509.Certificate) *Error {
	for i, ca := range chain[1:] {
		c, err := constraintsOf(ca)
		if err != nil {
			return err
		}
		if len(c.Permitted)+len(c.Excluded) == 0 {
			continue
		}
		for j, below := range chain[:i+1] {
			if j > 0 && selfIssued(below) {
				continue
			}
			names, err := namesOf(below)
			if err != nil {
				return err
			}
			for _, n := range names {
				if !c.allow(n) {
					return fail(BadCert, "look at the name constraints of the CA", "certificate \"%s\" has a name that its CA \"%s\" may not give: %s", name(below.RawSubject), name(ca.RawSubject), n)
				}
			}
		}
	}
	return nil
}

// generalName is a name of a kind that crypto/x509 holds against no constraint.
type generalName struct {
	tag  int
	data string // DER of a directory name, the text of an email address
}

func (n generalName) String() string {
	switch n.tag {
	case tagDirectory:
		return name([]byte(n.data))
	case tagEmail:
		return "email " + printable(n.data)
	}
	return "one of another kind"
}

// printable returns text that may come from a peer, without what does not print.
func printable(text string) string {
	return identity.ID{Type: identity.TypeUserFQDN, Data: text}.String()
}

// namesOf returns the subject and the directory names of a certificate, the email addresses in its subject where
// subjectAltName has none, and a name of each kind that nobody here knows.
func namesOf(c *x509.Certificate) (names []generalName, err *Error) {
	if len(c.Subject.Names) > 0 {
		names = append(names, generalName{tagDirectory, string(c.RawSubject)})
	}
	for _, a := range c.Subject.Names {
		if email, ok := a.Value.(string); ok && a.Type.Equal(oidEmailAddress) && len(c.EmailAddresses) == 0 {
			names = append(names, generalName{tagEmail, email})
		}
	}
	for _, e := range c.Extensions {
		if !e.Id.Equal(oidSubjectAltName) {
			continue
		}
		var list []asn1.RawValue
		if rest, bad := asn1.Unmarshal(e.Value, &list); bad != nil || len(rest) > 0 {
			return nil, fail(BadCert, "", "certificate \"%s\" has a malformed subjectAltName", name(c.RawSubject))
		}
		for _, n := range list {
			switch {
			case n.Class != asn1.ClassContextSpecific || n.Tag == tagEmail || n.Tag == tagDNS || n.Tag == tagURI || n.Tag == tagIP:
			case n.Tag == tagDirectory:
				names = append(names, generalName{tagDirectory, string(n.Bytes)}) // which is tagged explicitly
			default:
				names = append(names, generalName{tag: n.Tag})
			}
		}
	}
	return names, nil
}

// allow reports whether a certificate below may have the name n: it is in no excluded subtree, and where there
// are permitted ones of its kind, in one of them. Of a kind that is not known here, no constraint
// can be met.
func (c constraints) allow(n generalName) bool {
	of := func(list []subtree) (same []subtree) {
		for _, s := range list {
			if s.Base.Tag == n.tag {
				same = append(same, s)
			}
		}
		return same
	}
	within := func(s subtree) bool {
		switch n.tag {
		case tagDirectory:
			return identity.Below([]byte(n.data), s.Base.Bytes)
		case tagEmail:
			return emailWithin(n.data, string(s.Base.Bytes))
		}
		return false
	}
	permitted, excluded := of(c.Permitted), of(c.Excluded)
	known := n.tag == tagDirectory || n.tag == tagEmail
	if !known {
		return len(permitted)+len(excluded) == 0
	}
	return !slices.ContainsFunc(excluded, within) && (len(permitted) == 0 || slices.ContainsFunc(permitted, within))
}

// emailWithin reports whether an address is in a constraint: a mailbox, a host, or with a dot in front all hosts of a
// domain.
func emailWithin(email, base string) bool {
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return false
	}
	host := email[at+1:]
	switch {
	case strings.Contains(base, "@"):
		i := strings.LastIndexByte(base, '@')
		return email[:at] == base[:i] && strings.EqualFold(host, base[i+1:])
	case strings.HasPrefix(base, "."):
		return len(host) > len(base) && strings.EqualFold(host[len(host)-len(base):], base)
	}
	return base == "" || strings.EqualFold(host, base)
}
