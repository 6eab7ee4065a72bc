package credential

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"math/big"
	"strings"
	"time"

	"ipsec/conf/identity"
	"ipsec/conf/rawkey"
	"ipsec/pluto"
)

// listTime is how lists write times, in the zone of the now that they are given.
const listTime = "Jan 02 15:04:05 2006"

// ListCerts returns the lines of whack --listcerts: what ipsec.d/certs holds.
func (s *Store) ListCerts(now time.Time) []string {
	return s.listCerts("List of X.509 End Certificates:", s.parts.Certs, now)
}

// ListCACerts returns the lines of whack --listcacerts: what ipsec.d/cacerts holds.
func (s *Store) ListCACerts(now time.Time) []string {
	return s.listCerts("List of X.509 CA Certificates:", s.parts.CAs, now)
}

// ListAACerts returns the lines of whack --listaacerts: what ipsec.d/aacerts holds.
func (s *Store) ListAACerts(now time.Time) []string {
	return s.listCerts("List of X.509 AA Certificates:", s.parts.AAs, now)
}

func heading(text string) []string { return []string{"", text, ""} }

func (s *Store) listCerts(title string, certs []Cert, now time.Time) []string {
	lines := heading(title)
	for _, c := range certs {
		lines = append(lines,
			fmt.Sprintf("%s, count: 1", c.Source),
			fmt.Sprintf("       subject: '%s'", name(c.RawSubject)),
			fmt.Sprintf("       issuer:  '%s'", name(c.RawIssuer)),
			fmt.Sprintf("       serial:   %s", colons(serialBytes(c.SerialNumber))),
			fmt.Sprintf("       pubkey:   %s%s", keyLabel(c.PublicKey), s.hasPrivate(c.PublicKey)),
			fmt.Sprintf("       validity: not before %s %s", c.NotBefore.In(now.Location()).Format(listTime), begun(c.NotBefore, now)),
			fmt.Sprintf("                 not after  %s %s", c.NotAfter.In(now.Location()).Format(listTime), ends(c.NotAfter, now)))
		if len(c.SubjectKeyId) > 0 {
			lines = append(lines, "       subjkey:  "+colons(c.SubjectKeyId))
		}
		if len(c.AuthorityKeyId) > 0 {
			lines = append(lines, "       authkey:  "+colons(c.AuthorityKeyId))
		}
	}
	return lines
}

// ListCRLs returns the lines of whack --listcrls: what ipsec.d/crls holds.
func (s *Store) ListCRLs(now time.Time) []string {
	lines := heading("List of X.509 CRLs:")
	for _, c := range s.parts.CRLs {
		lines = append(lines,
			fmt.Sprintf("%s, revoked certs: %d", c.Source, len(c.revoked)),
			fmt.Sprintf("       issuer:  '%s'", name(c.list.RawIssuer)),
			fmt.Sprintf("       updates:  this %s", c.list.ThisUpdate.In(now.Location()).Format(listTime)))
		if next := c.list.NextUpdate; !next.IsZero() {
			lines = append(lines, fmt.Sprintf("                 next %s %s", next.In(now.Location()).Format(listTime), ends(next, now)))
		}
		if len(c.list.AuthorityKeyId) > 0 {
			lines = append(lines, "       authkey:  "+colons(c.list.AuthorityKeyId))
		}
	}
	return lines
}

// ListPublicKeys returns the lines of whack --listpubkeys: the raw keys of both ends of the
// connections in force, the certificates that they name, and those of ipsec.d/certs.
func (s *Store) ListPublicKeys(conns []*pluto.Connection, now time.Time) []string {
	lines := heading("List of Public Keys:")
	seen := make(map[string]bool)
	add := func(id identity.ID, key crypto.PublicKey, cert *x509.Certificate) {
		private := s.hasPrivate(key)
		if private == "" {
			private = ", no private key"
		}
		until, issuer := "--- -- --:--:-- ---- ok (expires never)", ""
		if cert != nil {
			until = cert.NotAfter.In(now.Location()).Format(listTime) + " " + ends(cert.NotAfter, now)
			issuer = name(cert.RawIssuer)
		}
		entry := []string{fmt.Sprintf("%s (%s), until %s", keyLabel(key), strings.TrimPrefix(private, ", "), until), fmt.Sprintf("       %s '%s'", idKind(id), id)}
		if issuer != "" {
			entry = append(entry, fmt.Sprintf("       Issuer '%s'", issuer))
		}
		if all := strings.Join(entry, "\n"); !seen[all] {
			seen[all] = true
			lines = append(lines, entry...)
		}
	}
	for _, conn := range conns {
		for _, end := range []pluto.End{conn.Local, conn.Remote} {
			id := end.ID
			if id.IsZero() {
				id = identity.FromAddr(end.Host.Addr)
			}
			keys, _ := parseKeys(end.PublicKeys)
			for _, key := range keys {
				add(id, key, nil)
			}
			if end.Cert == "" {
				continue
			}
			if chain, err := s.certFile(end.Cert); err == nil {
				add(SubjectID(chain[0].Certificate), chain[0].PublicKey, chain[0].Certificate)
			}
		}
	}
	for _, c := range s.parts.Certs {
		if !c.IsCA {
			add(SubjectID(c.Certificate), c.PublicKey, c.Certificate)
		}
	}
	return lines
}

// ListPSKs returns the lines of whack --listpsks: whom the shared keys are for, and where they stand.
func (s *Store) ListPSKs() []string {
	lines := heading("List of Pre-shared secrets (from " + s.source.Secrets + ")")
	if l, ok := s.parts.Secrets.(interface{ list() []string }); ok {
		lines = append(lines, l.list()...)
	}
	return lines
}

func (s *Store) hasPrivate(key crypto.PublicKey) string {
	if _, ok := s.privateKey(key); ok {
		return ", has private key"
	}
	return ""
}

// keyLabel names a key for a list: its kind and size, and its short name.
func keyLabel(key crypto.PublicKey) string {
	if r, ok := key.(*rsa.PublicKey); ok {
		return fmt.Sprintf("%4d RSA Key %s", r.N.BitLen(), rawkey.ID(key))
	}
	return fmt.Sprintf("%s Key %s", DescribeKey(key), rawkey.ID(key))
}

func idKind(id identity.ID) string {
	switch id.Type {
	case identity.TypeIPv4:
		return "ID_IPV4_ADDR"
	case identity.TypeFQDN:
		return "ID_FQDN"
	case identity.TypeUserFQDN:
		return "ID_USER_FQDN"
	case identity.TypeIPv6:
		return "ID_IPV6_ADDR"
	case identity.TypeDN:
		return "ID_DER_ASN1_DN"
	case identity.TypeKeyID:
		return "ID_KEY_ID"
	}
	return "ID_NONE"
}

func begun(notBefore, now time.Time) string {
	if now.Before(notBefore) {
		return "fatal (not valid yet)"
	}
	return "ok"
}

// ends says how near the end of validity is.
func ends(notAfter, now time.Time) string {
	const near = 30 * 24 * time.Hour
	switch left := notAfter.Sub(now); {
	case left < 0:
		return "fatal (expired)"
	case left < near:
		return fmt.Sprintf("warning (expires in %d days)", int(left/(24*time.Hour)))
	}
	return "ok"
}

func serialBytes(n *big.Int) []byte {
	if n == nil || n.Sign() == 0 {
		return []byte{0}
	}
	return n.Bytes()
}

func colons(data []byte) string {
	parts := make([]string, len(data))
	for i, b := range data {
		parts[i] = fmt.Sprintf("%02x", b)
	}
	return strings.Join(parts, ":")
}
