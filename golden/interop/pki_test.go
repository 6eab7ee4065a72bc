package interop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	encoding "encoding/base64"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// pki is a certificate authority of the test, and what it has signed.
type pki struct {
	t      testing.TB
	ca     *x509.Certificate
	key    crypto.Signer
	serial int64
}

// leaf is a certificate with its key, both in PEM.
type leaf struct {
	cert, key []byte
	x509      *x509.Certificate
	public    crypto.PublicKey
	signer    crypto.Signer
}

// newKey makes a key: rsa2048, rsa3072, ecdsa256, ecdsa384, ecdsa521, ed25519.
func newKey(t testing.TB, kind string) crypto.Signer {
	t.Helper()
	curves := map[string]elliptic.Curve{"ecdsa256": elliptic.P256(), "ecdsa384": elliptic.P384(), "ecdsa521": elliptic.P521()}
	var key crypto.Signer
	var err error
	switch {
	case kind == "rsa2048":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case kind == "rsa3072":
		key, err = rsa.GenerateKey(rand.Reader, 3072)
	case kind == "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case curves[kind] != nil:
		key, err = ecdsa.GenerateKey(curves[kind], rand.Reader)
	default:
		t.Fatalf("unknown kind of key %q", kind)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newPKI makes an authority whose own key is of that kind.
func newPKI(t testing.TB, kind, name string) *pki {
	t.Helper()
	p := &pki{t: t, key: newKey(t, kind), serial: 1}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"Interop"}, CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, p.key.Public(), p.key)
	if err != nil {
		t.Fatal(err)
	}
	if p.ca, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return p
}

// authority makes another one, which this one has signed.
func (p *pki) authority(kind, name string) *pki {
	p.t.Helper()
	l := p.issue(kind, name, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.DNSNames = true, true, nil
		c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	})
	return &pki{t: p.t, ca: l.x509, key: l.signer, serial: 1}
}

// pem returns the authority's certificate.
func (p *pki) pem() []byte { return encode("CERTIFICATE", p.ca.Raw) }

// issue signs a certificate for a key of that kind; change may change it first.
func (p *pki) issue(kind, name string, change func(*x509.Certificate)) leaf {
	p.t.Helper()
	key := newKey(p.t, kind)
	p.serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(p.serial), Subject: pkix.Name{Organization: []string{"Interop"}, CommonName: name},
		DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, p.ca, key.Public(), p.key)
	if err != nil {
		p.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		p.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		p.t.Fatal(err)
	}
	return leaf{cert: encode("CERTIFICATE", der), key: encode("PRIVATE KEY", private), x509: cert, public: key.Public(), signer: key}
}

// crl revokes certificates.
func (p *pki) crl(revoked ...leaf) []byte {
	p.t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(24 * time.Hour)}
	for _, l := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: l.x509.SerialNumber, RevocationTime: time.Now().Add(-time.Minute)})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, p.ca, p.key)
	if err != nil {
		p.t.Fatal(err)
	}
	return encode("X509 CRL", der)
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// base64 is a value of ipsec.conf.
func base64(b []byte) string { return "0s" + encoding.StdEncoding.EncodeToString(b) }
