package credential

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"slices"
	"strings"
	"time"
)

// oidIKEIntermediate is the extended key usage of IPsec's end entities in use before
// RFC 4945 did away with all of them.
var oidIKEIntermediate = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 8, 2, 2}

// oidIPsecIKE is id-kp-ipsecIKE (RFC 4945 §5.1.3.12).
var oidIPsecIKE = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 17}

// trust checks that a peer's certificate is its own, valid, and hangs from a CA of ours.
func (s *Store) trust(c Case, leaf *x509.Certificate, others []*x509.Certificate) (Trust, error) {
	t := Trust{Subject: name(leaf.RawSubject)}
	chains, err := s.chains(leaf, others, c.Now)
	if err != nil {
		return t, err
	}
	chains, err = s.underCA(chains, c)
	if err != nil {
		return t, err
	}
	var first *Error
	for _, chain := range chains {
		warnings, err := s.revocation(chain, c.Now)
		if err == nil {
			t.CA = name(chain[len(chain)-1].RawSubject)
			t.Warnings = append(t.Warnings, warnings...)
			for _, cert := range chain {
				t.NotAfter = earliest(t.NotAfter, cert.NotAfter)
			}
			return t, asError(speaksFor(leaf, c.PeerID))
		}
		if first == nil {
			first = err
		}
	}
	return t, asError(first)
}

// chains builds the chains from a leaf up to our CAs.
func (s *Store) chains(leaf *x509.Certificate, others []*x509.Certificate, now time.Time) ([][]*x509.Certificate, *Error) {
	if err := dated(leaf, now); err != nil {
		return nil, err
	}
	if err := fitForIKE(leaf); err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, o := range others {
		pool.AddCert(knownConstraints(o))
	}
	for _, i := range s.intermediates {
		pool.AddCert(knownConstraints(i))
	}
	all, err := knownConstraints(leaf).Verify(x509.VerifyOptions{
		Roots:         s.roots,
		Intermediates: pool,
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, chainError(leaf, others, err, now)
	}
	var chains [][]*x509.Certificate
	var first *Error
	for _, chain := range all {
		err := constrained(chain)
		if err == nil {
			err = forIKE(chain[1:])
		}
		if err == nil {
			chains = append(chains, chain)
		} else if first == nil {
			first = err
		}
	}
	if len(chains) == 0 {
		return nil, first
	}
	return chains, nil
}

// forIKE checks the uses that the CAs below the root name: certificates of one for other purposes are
// not for IKE, whatever they say themselves.
func forIKE(cas []*x509.Certificate) *Error {
	for _, ca := range cas[:max(0, len(cas)-1)] {
		if !usesIKE(ca) {
			return fail(BadCert, "it needs extendedKeyUsage serverAuth, clientAuth or ikeIntermediate, or none at all",
				"CA \"%s\" issues certificates for other uses than IKE", name(ca.RawSubject))
		}
	}
	return nil
}

// chainError says in our words why there is no chain.
func chainError(leaf *x509.Certificate, others []*x509.Certificate, err error, now time.Time) *Error {
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) {
		if invalid.Reason == x509.Expired && invalid.Cert != nil {
			if e := dated(invalid.Cert, now); e != nil {
				return e
			}
		}
		return fail(BadCert, "", "certificate \"%s\" cannot be trusted: %v", name(leaf.RawSubject), err)
	}
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		return fail(BadCert, "", "certificate \"%s\" cannot be trusted: %v", name(leaf.RawSubject), err)
	}
	top := leaf
	for range len(others) {
		i := slices.IndexFunc(others, func(o *x509.Certificate) bool {
			return !selfIssued(top) && bytes.Equal(o.RawSubject, top.RawIssuer)
		})
		if i < 0 {
			break
		}
		top = others[i]
	}
	text := err.Error()
	if strings.Contains(text, "insecure algorithm") {
		return fail(BadCert, "have it issued anew with SHA-2", "certificate \"%s\", or one above it, is signed with MD5 or SHA-1, which no longer proves anything", name(leaf.RawSubject))
	}
	if _, because, ok := strings.Cut(text, "possibly because of "); ok {
		return fail(UnknownCA, "look at ipsec.d/cacerts", "certificate \"%s\" is of CA \"%s\", but cannot be checked with it: %s", name(leaf.RawSubject), name(top.RawIssuer), strings.TrimSuffix(because, ")"))
	}
	return fail(UnknownCA, "put the CA's certificate into ipsec.d/cacerts", "certificate \"%s\" is of an unknown CA, \"%s\"", name(leaf.RawSubject), name(top.RawIssuer))
}

// fitForIKE checks the uses that a certificate names: none, or any of those that other
// implementations accept for IKE (RFC 4945 §5.1.3).
func fitForIKE(c *x509.Certificate) *Error {
	if c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return fail(BadCert, "it needs keyUsage digitalSignature", "certificate \"%s\" may not be used for signatures", name(c.RawSubject))
	}
	if usesIKE(c) {
		return nil
	}
	return fail(BadCert, "it needs extendedKeyUsage serverAuth, clientAuth or ikeIntermediate, or none at all",
		"certificate \"%s\" is not for IKE", name(c.RawSubject))
}

// usesIKE reports whether the extended key usages of a certificate let it be used for IKE.
func usesIKE(c *x509.Certificate) bool {
	if len(c.ExtKeyUsage) == 0 && len(c.UnknownExtKeyUsage) == 0 {
		return true
	}
	for _, use := range c.ExtKeyUsage {
		switch use {
		case x509.ExtKeyUsageAny, x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth,
			x509.ExtKeyUsageIPSECEndSystem, x509.ExtKeyUsageIPSECTunnel, x509.ExtKeyUsageIPSECUser:
			return true
		}
	}
	return slices.ContainsFunc(c.UnknownExtKeyUsage, func(use asn1.ObjectIdentifier) bool { return use.Equal(oidIKEIntermediate) || use.Equal(oidIPsecIKE) })
}

// underCA keeps the chains that hang from the CA that the configuration
// demands of the peer: that very one, by subject and key. Another one below ours may have its name.
func (s *Store) underCA(chains [][]*x509.Certificate, c Case) ([][]*x509.Certificate, *Error) {
	demanded, any, err := s.demandedCAs(c.Conn)
	if err != nil || any {
		return chains, err
	}
	if len(demanded) == 0 {
		return nil, fail(UnknownCA, "put its certificate into ipsec.d/cacerts, or into ipsec.d/certs if it is below another one there",
			"the CA that the conn demands (%s) is not here, and its name alone proves nothing", c.Conn.Remote.CA)
	}
	var kept [][]*x509.Certificate
	for _, chain := range chains {
		if slices.ContainsFunc(chain[1:], func(ca *x509.Certificate) bool {
			return slices.ContainsFunc(demanded, func(d *x509.Certificate) bool {
				return sameKey(d.PublicKey, ca.PublicKey) && sameDN(d.RawSubject, ca.RawSubject)
			})
		}) {
			kept = append(kept, chain)
		}
	}
	if len(kept) == 0 {
		leaf := chains[0][0]
		return nil, fail(UnknownCA, "look at rightca=", "certificate \"%s\" is of CA \"%s\", not of the one that the conn demands (%s)", name(leaf.RawSubject), name(leaf.RawIssuer), c.Conn.Remote.CA)
	}
	return kept, nil
}
