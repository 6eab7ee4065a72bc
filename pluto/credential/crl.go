package credential

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"
)

// CRL is a certificate revocation list, ready to be looked up.
type CRL struct {
	list    *x509.RevocationList
	Source  string // the file, for messages
	revoked map[string]time.Time
	signers sync.Map // of the issuers whose signature it is: DER as string → true
}

// signedBy checks the signature of a CRL, which may be long; once for each issuer that it is of.
func (c *CRL) signedBy(issuer *x509.Certificate) error {
	if _, ok := c.signers.Load(string(issuer.Raw)); ok {
		return nil
	}
	err := c.list.CheckSignatureFrom(issuer)
	if err == nil {
		c.signers.Store(string(issuer.Raw), true)
	}
	return err
}

// errPartialCRL is for critical extensions, which say so (RFC 5280 §5.2).
var errPartialCRL = errors.New("it is only a part of a CRL (a critical extension says so)")

// ParseCRL reads a CRL, DER. Partial ones (delta CRLs, those for some reasons or
// some certificates) are refused.
func ParseCRL(der []byte, source string) (*CRL, error) {
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, err
	}
	for _, e := range list.Extensions {
		if e.Critical {
			return nil, errPartialCRL
		}
	}
	crl := &CRL{list: list, Source: source, revoked: make(map[string]time.Time, len(list.RevokedCertificateEntries))}
	for _, entry := range list.RevokedCertificateEntries {
		for _, e := range entry.Extensions {
			if e.Critical {
				return nil, errPartialCRL
			}
		}
		crl.revoked[serialKey(entry.SerialNumber)] = entry.RevocationTime
	}
	list.RevokedCertificateEntries = nil // they are large, and in crl.revoked now
	//lint:ignore SA1019 the same once more
	list.RevokedCertificates = nil
	return crl, nil
}

func serialKey(n *big.Int) string {
	if n == nil {
		return ""
	}
	return n.Text(62)
}

// revocation looks the certificates of a chain up, from the leaf to the one below the root.
func (s *Store) revocation(chain []*x509.Certificate, now time.Time) ([]string, *Error) {
	var warnings []string
	for i, cert := range chain[:len(chain)-1] {
		warning, err := s.revoked(cert, chain[i+1], now)
		if err != nil {
			return nil, err
		}
		if warning != "" {
			warnings = append(warnings, warning)
		}
	}
	return warnings, nil
}

func (s *Store) revoked(cert, issuer *x509.Certificate, now time.Time) (warning string, failure *Error) {
	const layout = "2006-01-02 15:04:05 UTC"
	valid := false
	var why string
	for _, crl := range s.parts.CRLs {
		if !bytes.Equal(crl.list.RawIssuer, issuer.RawSubject) {
			continue
		}
		if err := crl.signedBy(issuer); err != nil {
			why = fmt.Sprintf("%s is not signed by it (%v)", crl.Source, err)
			continue
		}
		if at, ok := crl.revoked[serialKey(cert.SerialNumber)]; ok {
			return "", fail(Revoked, "look at "+crl.Source, "certificate \"%s\" was revoked on %s", name(cert.RawSubject), at.UTC().Format(layout))
		}
		switch next := crl.list.NextUpdate; {
		case now.Before(crl.list.ThisUpdate):
			why = fmt.Sprintf("%s is not valid before %s", crl.Source, crl.list.ThisUpdate.UTC().Format(layout))
		case !next.IsZero() && now.After(next):
			why = fmt.Sprintf("%s is out of date since %s", crl.Source, next.UTC().Format(layout))
		default:
			valid = true
		}
	}
	if valid {
		return "", nil
	}
	if s.parts.Strict == CRLRequired || s.parts.Strict == CRLIfURI && len(cert.CRLDistributionPoints) > 0 {
		if why == "" {
			why = "there is none"
		}
		return "", fail(NoCRL, "look at ipsec.d/crls and strictcrlpolicy=; CRLs are not fetched",
			"certificate \"%s\" needs a valid CRL of CA \"%s\": %s", name(cert.RawSubject), name(issuer.RawSubject), why)
	}
	if why != "" {
		warning = fmt.Sprintf("CRL of CA %q: %s", name(issuer.RawSubject), why)
	}
	return warning, nil
}
