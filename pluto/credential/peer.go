package credential

import (
	"crypto/x509"
	"time"
)

// Peer finds the keys that a peer's signature may be checked with; sent are the certificates
// that it has sent. The error is of type *[Error]. A
// certificate or raw key in the configuration rules out whatever the peer sends.
func (s *Store) Peer(c Case, sent [][]byte) ([]PeerKey, error) {
	list, err := s.peerKeys(c, sent)
	return list, asError(err)
}

func (s *Store) peerKeys(c Case, sent [][]byte) ([]PeerKey, *Error) {
	if c.Conn.Remote.Cert != "" {
		chain, err := s.certFile(c.Conn.Remote.Cert)
		if err != nil {
			return nil, err
		}
		return []PeerKey{{chain[0].PublicKey, func() (Trust, error) { return s.trustPinned(c, chain) }}}, nil
	}
	raw, err := parseKeys(c.Conn.Remote.PublicKeys)
	if err != nil {
		return nil, err
	}
	var out []PeerKey
	for _, key := range raw {
		out = append(out, PeerKey{key, func() (Trust, error) { return Trust{}, nil }})
	}
	if len(out) > 0 {
		return out, nil
	}
	certs, err := parseCerts(sent)
	if err != nil {
		return nil, err
	}
	if len(certs) > 0 {
		return []PeerKey{s.certKey(c, certs[0], certs[1:])}, nil
	}
	for _, held := range s.parts.Certs {
		if speaksFor(held.Certificate, c.PeerID) == nil {
			out = append(out, s.certKey(c, held.Certificate, nil))
		}
	}
	if len(out) == 0 && !s.holdsDemandedCA(c.Conn) {
		return nil, fail(UnknownCA, "look at rightca= and ipsec.d/cacerts",
			"no certificate of the CA that the conn demands (%s) is here, so the peer was not asked for its own", c.Conn.Remote.CA)
	}
	if len(out) == 0 {
		return nil, fail(NoPublicKey, "look at rightcert=, rightrsasigkey=, ipsec.d/certs, or the peer's leftsendcert=",
			"no public key to check the signature of \"%s\" with, and the peer sent no certificate", idOr(c.PeerID, c.PeerAddr))
	}
	return out, nil
}

func (s *Store) certKey(c Case, leaf *x509.Certificate, others []*x509.Certificate) PeerKey {
	return PeerKey{leaf.PublicKey, func() (Trust, error) { return s.trust(c, leaf, others) }}
}

// trustPinned checks the certificate that rightcert names. It needs no CA, and it speaks for
// whatever rightid says; without one, for its own names.
func (s *Store) trustPinned(c Case, chain []Cert) (Trust, error) {
	leaf := chain[0].Certificate
	t := Trust{Subject: name(leaf.RawSubject), NotAfter: leaf.NotAfter}
	if err := dated(leaf, c.Now); err != nil {
		return t, err
	}
	if issuer := s.issuerOf(leaf, chain[1:]); issuer != nil && !selfIssued(leaf) {
		warning, err := s.revoked(leaf, issuer, c.Now)
		if err != nil {
			return t, err
		}
		if warning != "" {
			t.Warnings = append(t.Warnings, warning)
		}
	}
	if c.PeerID.Equal(c.Conn.Remote.ID) {
		return t, nil
	}
	return t, asError(speaksFor(leaf, c.PeerID))
}

// parseCerts reads a peer's CERT payloads.
func parseCerts(ders [][]byte) ([]*x509.Certificate, *Error) {
	if len(ders) > MaxCerts {
		return nil, fail(TooMany, "", "peer sent %d certificates, at most %d are read", len(ders), MaxCerts)
	}
	total := 0
	var certs []*x509.Certificate
	for i, der := range ders {
		if total += len(der); total > MaxCertBytes {
			return nil, fail(TooMany, "", "peer sent more than %d bytes of certificates", MaxCertBytes)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fail(BadCert, "", "certificate %d of the peer is malformed: %v", i+1, err)
		}
		if err := CheckKey(cert.PublicKey); err != nil {
			return nil, fail(BadKey, "", "certificate \"%s\" of the peer has %v", name(cert.RawSubject), err)
		}
		certs = append(certs, cert)
	}
	return certs, nil
}

// earliest keeps the first end of validity.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
