package credential

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"ipsec/pluto/keytest"
)

// pki is a certificate and its key, made for a test.
type pki struct {
	t    *testing.T
	cert *x509.Certificate
	key  crypto.Signer
}

var serial = big.NewInt(1000)

// issue makes a certificate signed by ca, or by itself when ca is nil. It is valid for a
// year around noon; change may change anything.
func issue(t *testing.T, ca *pki, cn string, change func(*x509.Certificate)) *pki {
	t.Helper()
	return issueFor(t, ca, keytest.ECDSA(t, elliptic.P256()), cn, change)
}

func issueFor(t *testing.T, ca *pki, key crypto.Signer, cn string, change func(*x509.Certificate)) *pki {
	t.Helper()
	serial = new(big.Int).Add(serial, big.NewInt(1))
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{Country: []string{"CA"}, Organization: []string{"Example"}, CommonName: cn},
		NotBefore:             noon.AddDate(0, -6, 0),
		NotAfter:              noon.AddDate(0, 6, 0),
		BasicConstraintsValid: true,
	}
	if change != nil {
		change(template)
	}
	parent, signer := template, key
	if ca != nil {
		parent, signer = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &pki{t, cert, key}
}

func asCA(c *x509.Certificate) {
	c.IsCA = true
	c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
}

// names gives an end entity a name of each kind.
func names(c *x509.Certificate) {
	c.DNSNames = []string{"east.example.com", "*.wild.example.com"}
	c.EmailAddresses = []string{"east@example.com"}
	c.IPAddresses = []net.IP{net.ParseIP("192.0.2.2"), net.ParseIP("2001:db8::2")}
}

func both(changes ...func(*x509.Certificate)) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		for _, change := range changes {
			change(c)
		}
	}
}

// crl makes the CRL of a CA that revokes certs.
func (p *pki) crl(this, next time.Time, certs ...*pki) *CRL {
	p.t.Helper()
	crl, err := ParseCRL(p.crlDER(this, next, certs...), p.cert.Subject.CommonName+".crl")
	if err != nil {
		p.t.Fatal(err)
	}
	return crl
}

func (p *pki) crlDER(this, next time.Time, certs ...*pki) []byte {
	p.t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: this, NextUpdate: next}
	for _, c := range certs {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: c.cert.SerialNumber, RevocationTime: this})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, p.cert, p.key)
	if err != nil {
		p.t.Fatal(err)
	}
	return der
}

func held(certs ...*pki) (out []Cert) {
	for _, c := range certs {
		out = append(out, Cert{c.cert, c.cert.Subject.CommonName + ".pem"})
	}
	return out
}

func ders(certs ...*pki) (out [][]byte) {
	for _, c := range certs {
		out = append(out, c.cert.Raw)
	}
	return out
}

var noon = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

func check(t *testing.T, name string, err error, reason Reason) {
	t.Helper()
	if reason == 0 {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return
	}
	e, ok := err.(*Error)
	if !ok || e.Reason != reason {
		t.Errorf("%s: %v, want reason %d", name, err, reason)
		return
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: more than a line: %q", name, err)
	}
}

// trusted returns why a peer is trusted whose signature the key of by verifies, as proofs
// that are made of the Store go through its keys.
func trusted(s *Store, c Case, sent [][]byte, by crypto.PublicKey) (Trust, error) {
	keys, err := s.Peer(c, sent)
	if err != nil {
		return Trust{}, err
	}
	var first error
	for _, k := range keys {
		var trust Trust
		err := asError(fail(BadSignature, "", "the signature is made by another key"))
		if sameKey(k.Key, by) {
			trust, err = k.Trust()
		}
		if err == nil {
			return trust, nil
		}
		if first == nil {
			first = err
		}
	}
	return Trust{}, first
}
