package credential

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"

	"ipsec/conf/identity"
)

// Own names our end, by its identity or address.
func (c Case) Own() string { return idOr(c.OwnID, c.OwnAddr) }

// Peer names the peer's.
func (c Case) Peer() string { return idOr(c.PeerID, c.PeerAddr) }

// idOr returns an identity as text, or the address that stands for it.
func idOr(id identity.ID, addr netip.Addr) string {
	switch {
	case !id.IsZero():
		return id.String()
	case addr.IsValid():
		return addr.String()
	}
	return "%any"
}

// name returns a DN as text.
func name(raw []byte) string {
	id, err := identity.FromDN(raw)
	if err != nil {
		return "a malformed DN"
	}
	return id.String()
}

// sameDN compares names as RFC 5280 §7.1 does, as far as others care.
func sameDN(a, b []byte) bool {
	x, errX := identity.FromDN(a)
	y, errY := identity.FromDN(b)
	return errX == nil && errY == nil && x.Equal(y)
}

// SubjectID returns the identity that %fromcert stands for: the subject's DN. It is
// the zero ID for a certificate whose subject is no identity: empty, or too long.
func SubjectID(c *x509.Certificate) identity.ID {
	id, err := identity.FromDN(c.RawSubject)
	if err != nil || len(c.Subject.Names) == 0 {
		return identity.ID{}
	}
	return id
}

// speaksFor checks that certificate c speaks for id: by its subject, or by one of
// its subjectAltNames, letter for letter. A wildcard in a certificate speaks
// for nobody.
func speaksFor(c *x509.Certificate, id identity.ID) *Error {
	const hint = "look at leftid= and rightid=, or the certificate"
	var kind string
	var found []string
	switch id.Type {
	case identity.TypeDN:
		if id.Equal(SubjectID(c)) {
			return nil
		}
		return fail(IDMismatch, hint, "ID \"%s\" is not the subject of the certificate, \"%s\"", id, name(c.RawSubject))
	case identity.TypeFQDN:
		kind, found = "DNS name", c.DNSNames
	case identity.TypeUserFQDN:
		kind, found = "email address", c.EmailAddresses
	case identity.TypeIPv4, identity.TypeIPv6:
		kind = "IP address"
		for _, ip := range c.IPAddresses {
			found = append(found, ip.String())
		}
	case identity.TypeKeyID:
		if len(c.SubjectKeyId) > 0 && string(c.SubjectKeyId) == id.Data {
			return nil
		}
		return fail(IDMismatch, hint, "ID \"%s\" is not the subjectKeyIdentifier of certificate \"%s\"", id, name(c.RawSubject))
	default:
		return fail(IDMismatch, hint, "ID \"%s\" is of a kind that no certificate speaks for", id)
	}
	for _, text := range found {
		if sameName(id, text) {
			return nil
		}
	}
	if len(found) == 0 {
		return fail(IDMismatch, hint, "ID \"%s\" is not in certificate \"%s\", which has no subjectAltName of kind %s", id, name(c.RawSubject), kind)
	}
	const shown = 8
	more := ""
	if len(found) > shown {
		found, more = found[:shown], " and more"
	}
	return fail(IDMismatch, hint, "ID \"%s\" is not in certificate \"%s\"; as %s that has %s%s",
		id, name(c.RawSubject), kind, strings.TrimSpace(fmt.Sprintf("%q", found)), more)
}

// sameName compares an identity with a subjectAltName of its kind. Mail addresses
// are compared in any letters, as others do.
func sameName(id identity.ID, text string) bool {
	switch id.Type {
	case identity.TypeFQDN:
		return !strings.Contains(text, "*") && id.Equal(identity.ID{Type: identity.TypeFQDN, Data: text})
	case identity.TypeUserFQDN:
		return strings.EqualFold(id.Data, text)
	}
	addr, err := netip.ParseAddr(text)
	return err == nil && addr == id.Addr()
}
