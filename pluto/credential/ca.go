package credential

import (
	"bytes"
	"crypto/sha1"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"ipsec/conf/identity"
	"ipsec/pluto"
)

// CertRequest returns the body, after the encoding byte, of the CERTREQ payload (of encoding 4) that asks the
// peer of conn for a certificate: the SHA-1 hashes of the keys of our CAs, or of
// those that the conn demands (RFC 7296 §3.7). It is nil where no certificate is
// wanted: there is none to check it with, or the conn pins a key or knows only shared keys.
func (s *Store) CertRequest(conn *pluto.Connection) []byte {
	if !slices.ContainsFunc(conn.Proofs(&conn.Remote), pluto.AuthMethod.PublicKey) || conn.Remote.Cert != "" {
		return nil
	}
	if raw, err := parseKeys(conn.Remote.PublicKeys); err != nil || len(raw) > 0 {
		return nil
	}
	cas, any, err := s.demandedCAs(conn)
	if err != nil {
		return nil
	}
	if any {
		for _, ca := range s.parts.CAs {
			cas = append(cas, ca.Certificate)
		}
	}
	var body []byte
	for _, ca := range cas {
		body = append(body, keyHash(ca)...)
	}
	return body
}

// keyHash is the SHA-1 of a certificate's SubjectPublicKeyInfo.
func keyHash(c *x509.Certificate) []byte {
	sum := sha1.Sum(c.RawSubjectPublicKeyInfo)
	return sum[:]
}

// askedFor reports whether c hangs from a CA that the peer asked for.
func (s *Store) askedFor(c Cert, requests [][]byte) bool {
	return s.hangsFrom(c, func(issuer *x509.Certificate) bool {
		hash := keyHash(issuer)
		return slices.ContainsFunc(requests, func(body []byte) bool {
			for h := range slices.Chunk(body, sha1.Size) {
				if bytes.Equal(h, hash) {
					return true
				}
			}
			return false
		})
	})
}

// hangsFrom reports whether one of the CAs above c, as far as we hold them, is wanted.
func (s *Store) hangsFrom(c Cert, wanted func(issuer *x509.Certificate) bool) bool {
	at := c.Certificate
	for range MaxCerts {
		issuer := s.issuerOf(at, nil)
		if issuer == nil {
			return false
		}
		if wanted(issuer) {
			return true
		}
		if selfIssued(issuer) {
			return false
		}
		at = issuer
	}
	return false
}

// demandedCAs returns the CAs that we hold of which one must be in the peer's chain; any says
// that each CA of ours will do.
func (s *Store) demandedCAs(conn *pluto.Connection) (cas []*x509.Certificate, any bool, err *Error) {
	text := conn.Remote.CA
	if text == "%same" {
		text = conn.Local.CA
		if text == "" || strings.HasPrefix(text, "%") {
			if conn.Local.Cert == "" {
				return nil, true, nil
			}
			chain, err := s.certFile(conn.Local.Cert)
			if err != nil {
				return nil, false, err
			}
			if issuer := s.issuerOf(chain[0].Certificate, chain[1:]); issuer != nil {
				cas = append(cas, issuer)
			}
			return cas, false, nil
		}
	}
	if text == "" || text == "%any" {
		return nil, true, nil
	}
	dn, err := parseCA(text)
	if err != nil {
		return nil, false, err
	}
	wanted := matches(dn)
	for _, ca := range s.intermediates {
		if wanted(ca.RawSubject) {
			cas = append(cas, ca)
		}
	}
	return cas, false, nil
}

// holdsDemandedCA reports whether we hold a CA that the peer's chain may end in.
func (s *Store) holdsDemandedCA(conn *pluto.Connection) bool {
	cas, any, err := s.demandedCAs(conn)
	return err != nil || any || len(cas) > 0
}

// matches returns the test whether a CA has the name dn, which may have wildcards.
func matches(dn identity.ID) func(rawSubject []byte) bool {
	return func(raw []byte) bool {
		id, err := identity.FromDN(raw)
		return err == nil && id.Matches(dn)
	}
}

// parseCA reads the DN of leftca.
func parseCA(text string) (identity.ID, *Error) {
	dn, err := identity.Parse(text)
	if err == nil && dn.Type != identity.TypeDN {
		err = fmt.Errorf("malformed DN %q: expected one such as C=US, O=Example, CN=x", text)
	}
	if err != nil {
		return dn, fail(UnknownCA, "look at leftca= and rightca=", "CA of the conn: %v", err)
	}
	return dn, nil
}

// OwnID returns the identity of our end of a conn: leftid; the subject of leftcert
// where leftid is %fromcert or not given; or else the zero ID, which stands for our address.
func (s *Store) OwnID(conn *pluto.Connection) (identity.ID, error) {
	id, err := s.endID(conn.Local)
	if err == nil && id.Type == identity.TypeFromCert {
		return id, fail(NoCert, "look at leftcert=", "leftid=%%fromcert needs a certificate of ours with a subject")
	}
	return id, asError(err)
}

// PeerID returns the identity that a conn expects of its peer, by the same rule;
// without rightcert, %fromcert is %any.
func (s *Store) PeerID(conn *pluto.Connection) (identity.ID, error) {
	id, err := s.endID(conn.Remote)
	if err == nil && id.Type == identity.TypeFromCert {
		return identity.Any(), nil
	}
	return id, asError(err)
}

func (s *Store) endID(end pluto.End) (identity.ID, *Error) {
	if !end.ID.IsZero() && end.ID.Type != identity.TypeFromCert || end.Cert == "" {
		return end.ID, nil
	}
	chain, err := s.certFile(end.Cert)
	if err != nil {
		return identity.ID{}, err
	}
	if id := SubjectID(chain[0].Certificate); !id.IsZero() {
		return id, nil
	}
	return end.ID, nil
}
