package credential

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net/netip"
	"strings"

	"ipsec/pluto/identity"
)

// Types of ID payloads (RFC 7296 §3.5).
const (
	idIPv4  = 1
	idFQDN  = 2
	idEmail = 3
	idIPv6  = 5
	idDN    = 9
	idKeyID = 11
)

// idOr returns an identity as text, or the address that stands for it.
func idOr(id identity.ID, addr netip.Addr) string {
	if id.Type == 0 && addr.IsValid() {
		return addr.String()
	}
	return idText(id)
}

// name returns a DN as text.
func name(raw []byte) string {
	var rdns pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &rdns); err != nil || len(rest) > 0 {
		return fmt.Sprintf("malformed DN %x", raw)
	}
	return rdns.String()
}

// SubjectID returns the identity of leftid=%fromcert: the subject's DN.
func SubjectID(c *x509.Certificate) identity.ID {
	return identity.ID{Type: idDN, Data: string(c.RawSubject)}
}

// speaksFor checks that certificate c speaks for id: by its subject, or by one of
// its subjectAltNames, letter for letter. A wildcard in a certificate speaks
// for nobody.
func speaksFor(c *x509.Certificate, id identity.ID) *Error {
	text := id.Data
	var held []string
	switch id.Type {
	case idDN:
		if id.Data == string(c.RawSubject) || sameDN([]byte(id.Data), c.RawSubject) {
			return nil
		}
		return fail(IDMismatch, "look at the peer's leftid= or its certificate", "peer's ID %q is not the subject of its certificate, %q", idText(id), name(c.RawSubject))
	case idFQDN:
		for _, dns := range c.DNSNames {
			if strings.EqualFold(dns, text) && !strings.Contains(dns, "*") {
				return nil
			}
		}
		held = c.DNSNames
	case idEmail:
		for _, mail := range c.EmailAddresses {
			if strings.EqualFold(mail, text) {
				return nil
			}
		}
		held = c.EmailAddresses
	case idIPv4, idIPv6:
		addr, ok := netip.AddrFromSlice([]byte(id.Data))
		for _, ip := range c.IPAddresses {
			if a, valid := netip.AddrFromSlice(ip); ok && valid && a.Unmap() == addr {
				return nil
			}
			held = append(held, ip.String())
		}
	case idKeyID:
		if len(c.SubjectKeyId) > 0 && string(c.SubjectKeyId) == id.Data {
			return nil
		}
	}
	names := "none of this kind"
	if len(held) > 0 {
		names = strings.Join(held[:min(len(held), 8)], ", ")
	}
	return fail(IDMismatch, "look at the peer's leftid= or its certificate",
		"peer's ID %q is not among the subjectAltNames of its certificate %q (%s)", idText(id), name(c.RawSubject), names)
}

// sameDN compares names by their attributes, so that the string type of a value
// and the case of its letters make no difference.
func sameDN(a, b []byte) bool {
	var x, y pkix.RDNSequence
	if rest, err := asn1.Unmarshal(a, &x); err != nil || len(rest) > 0 {
		return false
	}
	if rest, err := asn1.Unmarshal(b, &y); err != nil || len(rest) > 0 {
		return false
	}
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if len(x[i]) != len(y[i]) {
			return false
		}
		for j := range x[i] {
			if !x[i][j].Type.Equal(y[i][j].Type) || !sameValue(x[i][j].Value, y[i][j].Value) {
				return false
			}
		}
	}
	return true
}

func sameValue(a, b any) bool {
	x, ok := a.(string)
	y, both := b.(string)
	return ok && both && strings.EqualFold(strings.Join(strings.Fields(x), " "), strings.Join(strings.Fields(y), " "))
}

// idText returns the identity as leftid writes it.
func idText(id identity.ID) string {
	switch id.Type {
	case 0:
		return "%any"
	case idIPv4, idIPv6:
		if addr, ok := netip.AddrFromSlice([]byte(id.Data)); ok {
			return addr.String()
		}
	case idFQDN:
		return "@" + id.Data
	case idEmail:
		return id.Data
	case idDN:
		return name([]byte(id.Data))
	}
	return fmt.Sprintf("identity of type %d (%x)", id.Type, id.Data)
}
