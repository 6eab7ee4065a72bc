package credential

import (
	"crypto"
	"crypto/x509"
	"strings"
	"time"

	"ipsec/pluto"
)

// Verify checks a peer's proof. Errors are of type *[Error].
func (s *Store) Verify(c Claim) (Result, error) {
	result, err := s.verify(c)
	return result, asError(err)
}

func (s *Store) verify(c Claim) (Result, *Error) {
	ways := c.Conn.Proofs(&c.Conn.Remote)
	policy := ParsePolicy(ways)
	switch c.Method {
	case MethodPSK:
		if !policy.PSK {
			return Result{}, wrongMethod("a shared key", ways)
		}
		secret, place, err := s.shared(c.OwnID, c.PeerID, c.OwnAddr, c.PeerAddr)
		if err != nil {
			return Result{}, err
		}
		if !pskMatches(c.PRF, secret, c.Octets, c.Data) {
			return Result{}, fail(WrongSecret, "look at "+place+" and the peer's own",
				"the peer's shared key for %s and %s is not the same as ours", idOr(c.OwnID, c.OwnAddr), idOr(c.PeerID, c.PeerAddr))
		}
		return Result{Method: pluto.AuthPSK, How: "shared key"}, nil
	case MethodNull:
		return Result{}, wrongMethod("nothing (NULL authentication)", ways)
	}
	scheme, signature, err := schemeOf(c.Method, c.Data)
	if err != nil {
		return Result{}, err
	}
	if !policy.permits(scheme, c.Hashes != nil) {
		if scheme.hash == crypto.SHA1 && policy.SHA1Fallback {
			return Result{}, fail(WrongMethod, "have the peer sign with SHA-2 (RFC 7427), or permit it by authby=rsa-sha1",
				"peer signed with SHA-1, though it knows better")
		}
		return Result{}, wrongMethod(scheme.name, ways)
	}
	candidates, err := s.peerKeys(c)
	if err != nil {
		return Result{}, err
	}
	var first *Error
	for _, k := range candidates {
		err := scheme.verify(k.key, c.Octets, signature)
		if err == nil && k.trust != nil {
			err = k.trust(&k.result)
		}
		if err == nil {
			k.result.Method, k.result.How, k.result.Key = scheme.kind(), scheme.name, describeKey(k.key)
			if weak := weakness(k.key); weak != "" {
				k.result.Warnings = append(k.result.Warnings, "peer's key is "+weak)
			}
			return k.result, nil
		}
		if first == nil {
			first = err
		}
	}
	return Result{}, first
}

func wrongMethod(what string, words []pluto.AuthMethod) *Error {
	return fail(WrongMethod, "look at authby= of both ends", "peer proved itself by %s, but authby=%s", what, joinWords(words))
}

func joinWords(words []pluto.AuthMethod) string {
	var out []string
	for _, w := range words {
		out = append(out, string(w))
	}
	return strings.Join(out, ",")
}

// schemeOf tells by which scheme an AUTH payload was signed.
func schemeOf(method uint8, data []byte) (scheme, []byte, *Error) {
	if method == MethodSignature {
		return splitSignature(data)
	}
	for _, s := range methodSchemes {
		if s.method == method {
			return s, data, nil
		}
	}
	return scheme{}, nil, fail(BadAlgorithm, "", "peer proved itself by authentication method %d, which we do not know", method)
}

// candidate is a public key that may be the peer's.
type candidate struct {
	key    crypto.PublicKey
	result Result
	trust  func(*Result) *Error // checks that it is, once the signature verifies; nil: it is
}

// peerKeys finds the keys that a peer's signature may be checked with. A
// certificate or raw key in the configuration rules out whatever the peer sends.
func (s *Store) peerKeys(c Claim) ([]candidate, *Error) {
	if c.Conn.Remote.Cert != "" {
		chain, err := s.certFile(c.Conn.Remote.Cert)
		if err != nil {
			return nil, err
		}
		return []candidate{{key: chain[0].PublicKey, trust: func(r *Result) *Error { return s.trustPinned(c, chain, r) }}}, nil
	}
	raw, err := parseKeys(c.Conn.Remote.PublicKeys)
	if err != nil {
		return nil, err
	}
	var out []candidate
	for _, key := range raw {
		out = append(out, candidate{key: key})
	}
	if len(out) > 0 {
		return out, nil
	}
	certs, err := parseCerts(c.Certs)
	if err != nil {
		return nil, err
	}
	if len(certs) > 0 {
		return []candidate{s.certCandidate(c, certs[0], certs[1:])}, nil
	}
	for _, held := range s.parts.Certs {
		if speaksFor(held.Certificate, c.PeerID) == nil {
			out = append(out, s.certCandidate(c, held.Certificate, nil))
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

func (s *Store) certCandidate(c Claim, leaf *x509.Certificate, others []*x509.Certificate) candidate {
	return candidate{key: leaf.PublicKey, trust: func(r *Result) *Error {
		return s.trust(c, leaf, others, r)
	}}
}

// trustPinned checks the certificate that rightcert names. It needs no CA, and it speaks for
// whatever rightid says; without one, for its own names.
func (s *Store) trustPinned(c Claim, chain []Cert, r *Result) *Error {
	leaf := chain[0].Certificate
	r.Subject, r.NotAfter = name(leaf.RawSubject), leaf.NotAfter
	if err := dated(leaf, c.Now); err != nil {
		return err
	}
	if issuer := s.issuerOf(leaf, chain[1:]); issuer != nil && !selfIssued(leaf) {
		warning, err := s.revoked(leaf, issuer, c.Now)
		if err != nil {
			return err
		}
		if warning != "" {
			r.Warnings = append(r.Warnings, warning)
		}
	}
	if c.PeerID.Equal(c.Conn.Remote.ID) {
		return nil
	}
	return speaksFor(leaf, c.PeerID)
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
		if err := checkKey(cert.PublicKey); err != nil {
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
